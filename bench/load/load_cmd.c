/* SPDX-License-Identifier: Apache-2.0 */
/* `weir-bench load`: options, the run, progress, the summary. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/figure.h"
#include "bench/common/loop.h"
#include "bench/load/load_cmd.h"
#include "bench/load/load_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define AT(field) offsetof(struct load_options, field)
static const struct opt opts[] = {
    {"url", "URL", OPT_TEXT, AT(url), 0, 0,
     "http://, https:// or unix:PATH (http://127.0.0.1:8080)"},
    {"rate", "R", OPT_REAL, AT(rate), 0, 1e6,
     "arrivals a second, whether answers come or not (open loop)"},
    {"shape", "PIECES", OPT_TEXT, AT(shape), 0, 0,
     "instead of a rate: \"5 for 30s; 5 to 40 for 60s; burst 600 within 500ms at 20s\""},
    {"trace", "FILE", OPT_TEXT, AT(trace), 0, 0,
     "recorded arrivals: lines of SECONDS [PROMPT [OUTPUT]]"},
    {"users", "N", OPT_COUNT, AT(users), 0, 1e6,
     "people who stay, with thinking time between turns"},
    {"clients", "N", OPT_COUNT, AT(clients), 0, 1e6,
     "clients that ask again at once (closed loop)"},
    {"duration", "TIME", OPT_DURATION, AT(duration_ns), 0.1, 86400,
     "of the run (10s), unless a shape or trace tells"},
    {"even", NULL, OPT_FLAG, AT(even), 0, 0, "evenly spaced arrivals instead of Poisson"},
    {"seed", "N", OPT_COUNT, AT(seed), 0, 1e15, "same seed, same arrivals and questions (1)"},
    {NULL, NULL, OPT_HEADING, 0, 0, 0, "What is asked"},
    {"speech", "NAME", OPT_TEXT, AT(speech), 0, 0,
     "chat (default), completions, responses, anthropic, get,\n"
     "embeddings, events (without content), socket"},
    {"path", "PATH", OPT_TEXT, AT(path), 0, 0, "instead of the speech's own"},
    {"model", "NAME", OPT_TEXT, AT(model), 0, 0, "in the bodies (weir-bench)"},
    {"unary", "P", OPT_REAL, AT(unary), 0, 1, "share of requests that are not streamed (0)"},
    {"engine", "NAME", OPT_TEXT, AT(engine), 0, 0,
     "lengths and promise of this simulated engine; implies --exact"},
    {"prompt", "TOKENS", OPT_REAL, AT(prompt), 1, 16384, "median prompt, lognormal (100)"},
    {"prompt-sigma", "S", OPT_REAL, AT(prompt_sigma), 0, 3, "of its logarithm (1)"},
    {"output", "TOKENS", OPT_REAL, AT(output), 0, 2000,
     "median output, sent as max_tokens (0: not sent)"},
    {"output-sigma", "S", OPT_REAL, AT(output_sigma), 0, 3, "of its logarithm (0.8)"},
    {"exact", NULL, OPT_FLAG, AT(exact), 0, 0,
     "ask for exactly so many tokens (ignore_eos, as in vLLM)"},
    {"turns", "N", OPT_COUNT, AT(turns), 1, TURNS_MAX,
     "of a conversation (1); then a rate is one of conversations"},
    {"think", "TIME", OPT_DURATION, AT(think_ns), 0, 3600,
     "mean time between turns (8s with users or turns)"},
    {"field", "\"NAME: VALUE\"", OPT_LIST, AT(fields), 0, 0,
     "a further header field; several times"},
    {"no-identity", NULL, OPT_FLAG, AT(no_identity), 0, 0,
     "no authorization field (else one per person)"},
    {NULL, NULL, OPT_HEADING, 0, 0, 0, "How people behave"},
    {"sdk", "NAME", OPT_TEXT, AT(sdk), 0, 0, "retry as this client does (none); see --list-sdks"},
    {"list-sdks", NULL, OPT_FLAG, AT(list_sdks), 0, 0, "print them and end"},
    {"retries", "N", OPT_COUNT, AT(retries), 0, 100, "so often, instead of the SDK's own number"},
    {"leave", "P", OPT_REAL, AT(leave), 0, 1, "share of people who leave before the end (0)"},
    {"upload", "TIME", OPT_DURATION, AT(upload_ns), 0, 600,
     "a question takes so long to send, as from a telephone (0s)"},
    {"stay", "TIME", OPT_DURATION, AT(stay_ns), 0, 3600,
     "on a WebSocket, a text each second (10s)"},
    {"patience", "TIME", OPT_DURATION, AT(patience_ns), 0, 3600,
     "leave without a first token after this (30s)"},
    {"silence", "TIME", OPT_DURATION, AT(silence_ns), 0, 3600,
     "leave a stream silent for this long (60s)"},
    {"no-reuse", NULL, OPT_FLAG, AT(no_reuse), 0, 0, "a connection per request"},
    {NULL, NULL, OPT_HEADING, 0, 0, 0, "What is good"},
    {"ttft", "TIME", OPT_DURATION, AT(ttft_ns), 0, 3600,
     "first token promised within (2s; 0s: none is promised)"},
    {"pace", "TIME", OPT_DURATION, AT(pace_ns), 0, 60,
     "mean time per event promised (100ms; 0s: none)"},
    {"verify", NULL, OPT_FLAG, AT(verify), 0, 0,
     "tag requests and check every token (simulated backend)"},
    {NULL, NULL, OPT_HEADING, 0, 0, 0, "Connection and output"},
    {"ca", "FILE", OPT_TEXT, AT(ca), 0, 0, "certificates to trust (the system's)"},
    {"insecure", NULL, OPT_FLAG, AT(insecure), 0, 0, "trust any certificate"},
    {"records", "FILE", OPT_TEXT, AT(records), 0, 0, "a JSON line per turn"},
    {"tries", "FILE", OPT_TEXT, AT(attempts), 0, 0,
     "a JSON line per attempt, which is sent with an x-request-id of its own"},
    {"json", "FILE", OPT_TEXT, AT(json), 0, 0,
     "the summary as JSON; - is stdout, instead of the text"},
    {"grace", "TIME", OPT_DURATION, AT(grace_ns), 0, 3600,
     "let turns under way finish for so long (30s)"},
    {"max-open", "N", OPT_COUNT, AT(max_open), 1, 1e6, "a bound for the generator itself (20000)"},
    {"quiet", NULL, OPT_FLAG, AT(quiet), 0, 0, "no progress line"},
};

const struct cli load_cli = {
    .name = "load",
    .usage =
        "--url URL (--rate R | --shape PIECES | --trace FILE | --users N | --clients N) [options]",
    .summary = "Loads a server and judges its answers as users would.\n"
               "Waiting is counted from the moment a request was meant to be sent.",
    .more = "Exit code: 0 when the run was made, whatever it showed; 1 when nothing at all was "
            "served;\n"
            "2 for a wrong command line.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0]};

struct run {
    struct event_base *loop;
    struct load *load;
    struct event *progress, *grace;
    struct load_sums before; /* at the last progress line */
    double before_s;
    uint64_t grace_ns;
};

static void on_done(void *ctx)
{
    struct run *r = ctx;

    (void)event_base_loopbreak(r->loop);
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg)
{
    struct run *r = arg;

    (void)fd, (void)what;
    load_cut(r->load);
}

static void on_interrupt(evutil_socket_t fd, short what, void *arg)
{
    struct run *r = arg;

    (void)fd, (void)what;
    load_cut(r->load);
}

static uint64_t hard_ends(const struct load_sums *s)
{
    uint64_t n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == HARD ? s->ends[e] : 0;
    return n;
}

static void on_progress(evutil_socket_t fd, short what, void *arg)
{
    struct run *r = arg;
    const struct load_sums *s = load_sums_of(r->load), *b = &r->before;
    double now = load_now_s(r->load), dt = now - r->before_s;

    (void)fd, (void)what;
    (void)fprintf(stderr,
                  "\r%6.1f s  offered %7.1f/s  good %7.1f/s  refused %6.1f/s  failed %6.1f/s  "
                  "retries %6.1f/s  open %6llu \033[K",
                  now, (double)(s->turns - b->turns) / dt,
                  (double)(s->ends[TURN_GOOD] - b->ends[TURN_GOOD]) / dt,
                  (double)(s->ends[TURN_REFUSED] - b->ends[TURN_REFUSED]) / dt,
                  (double)(hard_ends(s) - hard_ends(b)) / dt,
                  (double)(s->retries - b->retries) / dt, (unsigned long long)load_open(r->load));
    r->before = *s;
    r->before_s = now;
}

static void dispatch(struct run *r, const struct load_conf *c, bool with_progress)
{
    struct timeval half = {0, 500000};
    uint64_t total = (uint64_t)(c->shape.end_s * 1e9) + r->grace_ns;
    struct timeval end = {(time_t)(total / NS_PER_S), (suseconds_t)(total % NS_PER_S / NS_PER_US)};
    struct event *interrupt = evsignal_new(r->loop, SIGINT, on_interrupt, r);

    r->progress = event_new(r->loop, -1, EV_PERSIST, on_progress, r);
    r->grace = event_new(r->loop, -1, 0, on_grace_over, r);
    WEIR_ASSERT(r->progress != NULL && r->grace != NULL && interrupt != NULL);
    (void)event_add(interrupt, NULL);
    (void)event_add(r->grace, &end);
    if (with_progress)
        (void)event_add(r->progress, &half);
    load_start(r->load, on_done, r);
    (void)event_base_dispatch(r->loop);
    if (with_progress)
        (void)fprintf(stderr, "\r\033[K");
    event_free(r->progress);
    event_free(r->grace);
    event_free(interrupt);
}

static int write_results(struct load *l, const struct load_options *o)
{
    enum weir_status rc;
    FILE *to = stdout;

    if (o->json == NULL || strcmp(o->json, "-") != 0)
        load_write_text(l, stdout);
    if (o->json == NULL)
        return 0;
    if (strcmp(o->json, "-") != 0 && (to = fopen(o->json, "w")) == NULL) {
        (void)cli_wrong(&load_cli, "--json %s: %s", o->json, strerror(errno));
        return 1;
    }
    rc = figures_write(load_summary(l), to);
    if (to != stdout)
        (void)fclose(to);
    return rc == WEIR_OK ? 0 : 1;
}

static int make_run(const struct load_options *o, struct load_conf *c)
{
    struct run r = {.loop = loop_new(), .grace_ns = o->grace_ns};
    int rc;

    r.load = load_new(r.loop, c);
    dispatch(&r, c, !o->quiet && isatty(STDERR_FILENO));
    rc = write_results(r.load, o);
    if (rc == 0 && load_sums_of(r.load)->ends[TURN_GOOD] + load_sums_of(r.load)->ends[TURN_LATE] +
                           load_sums_of(r.load)->ends[TURN_SLOW] ==
                       0)
        rc = 1;
    load_free(r.load);
    event_base_free(r.loop);
    return rc;
}

static int list_sdks(void)
{
    for (int i = 0; i < n_sdks; i++)
        (void)printf("%-10s %s\n", sdks[i].name, sdks[i].help);
    return 0;
}

static struct load_options defaults(void)
{
    return (struct load_options){.url = "http://127.0.0.1:8080",
                                 .speech = "chat",
                                 .sdk = "none",
                                 .model = "weir-bench",
                                 .prompt = 100,
                                 .prompt_sigma = 1,
                                 .output_sigma = 0.8,
                                 .turns = 1,
                                 .retries = -1,
                                 .seed = 1,
                                 .max_open = 20000,
                                 .duration_ns = 10 * NS_PER_S,
                                 .think_ns = 8 * NS_PER_S,
                                 .patience_ns = 30 * NS_PER_S,
                                 .stay_ns = 10 * NS_PER_S,
                                 .silence_ns = 60 * NS_PER_S,
                                 .ttft_ns = 2 * NS_PER_S,
                                 .pace_ns = 100 * NS_PER_MS,
                                 .grace_ns = 30 * NS_PER_S};
}

static int open_lines(const char *name, const char *path, FILE **to)
{
    if (path == NULL || (*to = fopen(path, "w")) != NULL)
        return 0;
    return cli_wrong(&load_cli, "--%s %s: %s", name, path, strerror(errno));
}

static int load_as_told(const struct load_options *o)
{
    struct load_conf c;
    int rc = load_options_apply(o, &c);

    if (rc == 0)
        rc = open_lines("records", o->records, &c.records);
    if (rc == 0)
        rc = open_lines("tries", o->attempts, &c.attempts);
    if (rc == 0) {
        process_prepare();
        rc = make_run(o, &c);
    }
    if (c.records != NULL)
        (void)fclose(c.records);
    if (c.attempts != NULL)
        (void)fclose(c.attempts);
    SSL_CTX_free(c.tls);
    free((void *)(uintptr_t)c.trace);
    return rc;
}

int cmd_load(int argc, char **argv)
{
    struct load_options o = defaults();

    switch (cli_parse(&load_cli, argc, argv, &o, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    return o.list_sdks ? list_sdks() : load_as_told(&o);
}
