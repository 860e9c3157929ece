/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weir-bench check`: the harness judges itself.  A backend that does one thing wrong after the
 * other must be found out each time, and the generator's own limit is stated.
 */
#include <stdio.h>
#include <string.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/loop.h"
#include "bench/lean/hammer.h"
#include "bench/load/load.h"
#include "bench/run/ask.h"
#include "bench/run/stage.h"
#include "weir/base/assert.h"

struct trial {
    const char *what;   /* the backend's fault; "" is none */
    const char *told;   /* what it is, for people */
    enum turn_end end;  /* what the turns must come to */
    double least, most; /* share of the turns */
    int retries;
    bool hint_lies; /* whoever came back when told to must have been refused again */
    bool mixed;     /* foreign tokens must have been noticed */
};

static const struct trial trials[] = {
    {"", "a healthy backend", TURN_GOOD, 0.99, 1, 0, false, false},
    {"blank", "200 with nothing", TURN_EMPTY, 0.99, 1, 0, false, false},
    {"empty", "a stream without content", TURN_EMPTY, 0.99, 1, 0, false, false},
    {"slow=100", "one that delays every token", TURN_SLOW, 0.9, 1, 0, false, false},
    {"slow=400", "one that delays the first token beyond the promise", TURN_LATE, 0.9, 1, 0, false,
     false},
    {"cut=3", "one that closes within the stream", TURN_CUT, 0.99, 1, 0, false, false},
    {"cut=3 share=0.3", "one that does so now and then", TURN_CUT, 0.15, 0.45, 0, false, false},
    {"cut-reset=3", "one that resets within the stream", TURN_CUT, 0.99, 1, 0, false, false},
    {"cut-clean=3", "half an answer that ends in order", TURN_UNMARKED, 0.99, 1, 0, false, false},
    {"in-band", "an error inside a 200, first event", TURN_IN_BAND, 0.99, 1, 0, false, false},
    {"in-band=2 code=500", "an error inside a 200, later", TURN_IN_BAND, 0.99, 1, 0, false, false},
    {"503", "a refusal that does not say when to come back", TURN_STATUS, 0.99, 1, 0, false, false},
    {"503 retry-after=1", "a Retry-After that is a lie", TURN_REFUSED, 0.99, 1, 1, true, false},
    {"reset", "a reset instead of an answer", TURN_NO_ANSWER, 0.99, 1, 0, false, false},
    {"bad-head", "an answer that is not HTTP", TURN_BAD, 0.99, 1, 0, false, false},
    {"stall", "silence", TURN_GAVE_UP, 0.99, 1, 0, false, false},
    {"mixed", "somebody else's tokens", TURN_GOOD, 0.99, 1, 0, false, true},
    {"down", "nobody there", TURN_NO_CONNECT, 0.99, 1, 0, false, false},
};
enum { N_TRIALS = sizeof trials / sizeof trials[0] };

static struct load_conf conf_of(const struct trial *t, const struct target *target)
{
    return (struct load_conf){.target = *target,
                              .speech = SPEECH_CHAT,
                              .model = "weir-bench",
                              .turns = 1,
                              .sdk = sdk_find("person"),
                              .retries = t->retries,
                              .patience_s = 4,
                              .silence_s = 4,
                              .ttft_promise_s = 0.5,
                              .pace_promise_s = 0.1,
                              .prompt_median = 50,
                              .output_median = 6,
                              .exact = true,
                              .verify = true,
                              .seed = 1,
                              .max_open = 1000,
                              .shape = {.n_pieces = 1,
                                        .end_s = 0.8,
                                        .even = true,
                                        .pieces = {{.end_s = 0.8, .from = 100, .to = 100}}}};
}

static void on_done(void *loop)
{
    (void)event_base_loopbreak(loop);
}

/* False, with a sentence in why, when the fault was not found out. */
static bool found_out(const struct trial *t, const struct load_sums *s, char *why, size_t why_size)
{
    double share = s->turns == 0 ? 0 : (double)s->ends[t->end] / (double)s->turns;

    if (share < t->least || share > t->most) {
        (void)snprintf(why, why_size, "%.0f %% of %llu turns ended as %s, wanted %.0f to %.0f %%",
                       100 * share, (unsigned long long)s->turns, turn_end_name(t->end),
                       100 * t->least, 100 * t->most);
        return false;
    }
    if (t->hint_lies && (s->hinted == 0 || s->hints_kept > 0)) {
        (void)snprintf(why, why_size, "of %llu that came when told to, %llu were let in",
                       (unsigned long long)s->hinted, (unsigned long long)s->hints_kept);
        return false;
    }
    if (t->mixed != (s->mixed > 0)) {
        (void)snprintf(why, why_size, "%llu answers with foreign tokens were noticed",
                       (unsigned long long)s->mixed);
        return false;
    }
    return true;
}

static bool try_one(const struct trial *t, const struct stage *s, const struct target *target)
{
    struct event_base *loop = loop_new();
    struct load_conf conf = conf_of(t, target);
    struct load *l = load_new(loop, &conf);
    char lines[64], why[200] = "";
    bool good;

    (void)snprintf(lines, sizeof lines, "clear; %s", t->what);
    json_decref(control_ask(s->control_url, "/fault", lines));
    load_start(l, on_done, loop);
    (void)event_base_dispatch(loop);
    good = found_out(t, load_sums_of(l), why, sizeof why);
    (void)printf("%s  %-52s %s\n", good ? "found out" : "NOT FOUND", t->told, why);
    (void)fflush(stdout);
    load_free(l);
    event_base_free(loop);
    return good;
}

static bool try_all(struct stage *s)
{
    static const char *const backend[] = {"--engine", "fast", NULL};
    struct target target;
    char why[200];
    bool good = true;

    if (stage_backend(s, backend, why, sizeof why) != WEIR_OK ||
        target_parse(s->backend_url, &target) != WEIR_OK) {
        (void)fprintf(stderr, "weir-bench check: %s\n", why);
        return false;
    }
    for (size_t i = 0; i < N_TRIALS; i++)
        good = try_one(&trials[i], s, &target) && good;
    process_stop(&s->backend, 3);
    return good;
}

/* What the generator can do, against a backend that costs next to nothing. */
static bool state_limit(struct stage *s)
{
    static const char *const backend[] = {"--engine", "null", NULL};
    struct load_conf conf = conf_of(&trials[0], &(struct target){0});
    struct hammer_conf lean = {.kind = HAMMER_REQUESTS,
                               .clients = 64,
                               .opening = 64,
                               .warm_s = 0.5,
                               .measure_s = 2,
                               .open_s = 5};
    struct event_base *loop = loop_new();
    struct hammer_result r;
    char why[200];
    struct load *l;

    if (stage_backend(s, backend, why, sizeof why) != WEIR_OK ||
        target_parse(s->backend_url, &conf.target) != WEIR_OK)
        return false;
    conf.clients = 64;
    conf.unary = 1;
    conf.verify = false;
    conf.output_median = 0;
    conf.shape = (struct shape){.end_s = 3};
    l = load_new(loop, &conf);
    load_start(l, on_done, loop);
    (void)event_base_dispatch(loop);
    (void)printf("\nthe load generator does %.0f requests a second on this machine",
                 (double)load_sums_of(l)->turns / 3);
    load_free(l);
    event_base_free(loop);
    lean.target = conf.target;
    if (hammer(&lean, &r) == WEIR_OK)
        (void)printf(", the lean client of `compare` %.0f", (double)r.answers / r.seconds);
    (void)putchar('\n');
    samples_free(&r.delay_us);
    return true;
}

static const struct cli cli = {.name = "check",
                               .usage = "",
                               .summary =
                                   "The harness judges itself: a backend that does one thing "
                                   "wrong after the other has to be\nfound out each time, and "
                                   "the load generator states its own limit.",
                               .more = "Exit code: 0 when everything was found out."};

int cmd_check(int argc, char **argv)
{
    struct stage s;
    char why[200];
    bool good;

    switch (cli_parse(&cli, argc, argv, NULL, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    process_prepare();
    if (stage_init(&s, why, sizeof why) != WEIR_OK) {
        (void)cli_wrong(&cli, "%s", why);
        return 1;
    }
    good = try_all(&s);
    good = state_limit(&s) && good;
    stage_fini(&s);
    return good ? 0 : 1;
}
