/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weir-bench story`: an outage in about a minute, told as it happens.  Each scene sets load and
 * faults, and lasts until what it is about was seen or its time is up.  What was seen comes from
 * weir's own status and events, from the backend and from the answers the load got; the exit code
 * says whether all of it happened, in this order.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/backend/engine.h"
#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/loop.h"
#include "bench/load/load.h"
#include "bench/scenario/setup.h"
#include "bench/scenario/watch.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { POLL_MS = 200, SCENE_LINES_MS = 1000 };

/* What has to be seen, in this order. */
enum sight {
    SEEN_CALM,
    SEEN_SHEDDING,
    SEEN_OPEN,
    SEEN_PROBES,
    SEEN_RAMP,
    SEEN_GROWTH,
    SEEN_CLOSED,
    SEEN_SERVING,
    SIGHT_COUNT
};

static const char *const sights[SIGHT_COUNT] = {
    [SEEN_CALM] = "weir serves",
    [SEEN_SHEDDING] = "weir sheds what the backend cannot carry, politely",
    [SEEN_OPEN] = "the backend is dead and the breaker opens",
    [SEEN_PROBES] = "a few probes are let through",
    [SEEN_RAMP] = "they come back: the ramp begins",
    [SEEN_GROWTH] = "the share grows, step by step",
    [SEEN_CLOSED] = "the breaker is closed, the share is full",
    [SEEN_SERVING] = "good answers at full rate again",
};

struct scene {
    const char *told;  /* said at its beginning */
    double rate;       /* requests a second */
    const char *fault; /* at the backend; NULL is none */
    enum sight until;  /* the sight it is about */
    double least_s, most_s;
};

/* The demo engine carries about 4.8 requests a second. */
static const struct scene scenes[] = {
    {"A calm day: 2 requests a second, the backend could do about 5.", 2, NULL, SEEN_CALM, 5, 10},
    {"The load rises to 12 a second. Nobody told weir what the backend can carry.", 12, NULL,
     SEEN_SHEDDING, 10, 25},
    {"The backend dies. 6 people a second go on asking, and their SDKs retry.", 6, "down",
     SEEN_OPEN, 8, 15},
    {"The backend is back, cold: half as fast until it is warm.", 6, "up-cold=2 requests=40",
     SEEN_CLOSED, 0, 60},
    {"The worst is over.", 6, NULL, SEEN_SERVING, 4, 25},
};
enum { N_SCENES = sizeof scenes / sizeof scenes[0] };

/* of which so much has to come back for "full rate": the backend may still be a little cold */
static const double full_goodput = 0.65 * 4.8;

struct story {
    struct event_base *loop;
    struct load *load;
    struct watch watch;
    struct setup setup;
    const char *control_url;
    size_t scene;
    double scene_s; /* when it began */
    double seen_s[SIGHT_COUNT];
    int seen; /* how many of them, in order */
    size_t events_told;
    double last_share;
    int share_steps;
    struct load_sums before; /* at the last line */
    double before_s;
    double closed_good_s; /* window for SEEN_SERVING */
    uint64_t closed_good;
    bool done;
};

static uint64_t hard_of(const struct load_sums *s)
{
    uint64_t n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == HARD ? s->attempt_ends[e] : 0;
    return n;
}

static void see(struct story *y, enum sight what, double at_s)
{
    if (y->seen != (int)what)
        return; /* out of order: what comes before is still missing */
    y->seen_s[what] = at_s;
    y->seen++;
    (void)printf("         [%d of %d] %s (%.1f s)\n", y->seen, SIGHT_COUNT, sights[what], at_s);
}

static void set_rate(struct story *y, double rate)
{
    struct shape s = {.n_pieces = 1, .end_s = 3600};

    s.pieces[0] = (struct shape_piece){.end_s = 3600, .from = rate, .to = rate};
    load_reshape(y->load, &s);
}

static void begin_scene(struct story *y)
{
    const struct scene *s = &scenes[y->scene];

    y->scene_s = load_now_s(y->load);
    (void)printf("\n%6.1f s  %s\n", y->scene_s, s->told);
    if (s->fault != NULL)
        json_decref(control_ask(y->control_url, "/fault", s->fault));
    set_rate(y, s->rate);
}

/* What weir's own list of state changes tells. */
static void tell_event(struct story *y, const struct watch_event *e)
{
    (void)printf("         weir: %s was %s, is %s%s%s%s  %s\n", e->upstream, e->from, e->to,
                 e->cause[0] == '\0' ? "" : " (", e->cause, e->cause[0] == '\0' ? "" : ")",
                 e->numbers);
    if (strcmp(e->to, "open") == 0 && y->scene >= 2)
        see(y, SEEN_OPEN, e->at_s);
    if (strcmp(e->to, "half_open") == 0)
        see(y, SEEN_PROBES, e->at_s);
    if (strcmp(e->to, "ramping") == 0) {
        see(y, SEEN_RAMP, e->at_s);
        y->last_share = 0;
        y->share_steps = 0;
    }
    if (strcmp(e->to, "closed") == 0 && strcmp(e->from, "ramping") == 0) {
        /* the last step of a ramp is the closing itself */
        if (y->share_steps >= 1)
            see(y, SEEN_GROWTH, e->at_s);
        see(y, SEEN_CLOSED, e->at_s);
        y->closed_good_s = load_now_s(y->load);
        y->closed_good = load_sums_of(y->load)->ends[TURN_GOOD];
    }
}

static void look_at_share(struct story *y, const struct watch_sample *s)
{
    if (y->seen <= (int)SEEN_RAMP || strcmp(s->upstream_state, "ramping") != 0 ||
        s->share <= y->last_share + 0.001)
        return;
    y->share_steps += y->last_share > 0;
    y->last_share = s->share;
    (void)printf("         weir: the share is %.0f %%\n", 100 * s->share);
    if (y->share_steps >= 1)
        see(y, SEEN_GROWTH, s->at_s);
}

static void look(struct story *y, const struct watch_sample *s)
{
    const struct load_sums *sums = load_sums_of(y->load);
    double now = load_now_s(y->load);

    if (strcmp(s->state, "serving") == 0 && sums->ends[TURN_GOOD] >= 3)
        see(y, SEEN_CALM, now);
    if ((strcmp(s->state, "shedding") == 0 || s->shed_per_s > 0) &&
        sums->attempt_ends[TURN_REFUSED] >= 5)
        see(y, SEEN_SHEDDING, now);
    look_at_share(y, s);
    if (y->seen != SEEN_SERVING)
        return;
    /* over three seconds, so that a second with five good answers is no proof */
    if (now - y->closed_good_s >= 3) {
        double good = (double)(sums->ends[TURN_GOOD] - y->closed_good) / (now - y->closed_good_s);
        if (good >= full_goodput)
            see(y, SEEN_SERVING, now);
        y->closed_good_s = now;
        y->closed_good = sums->ends[TURN_GOOD];
    }
}

static void end_scene(struct story *y)
{
    const struct scene *s = &scenes[y->scene];
    double in_scene = load_now_s(y->load) - y->scene_s;
    bool over = y->seen > (int)s->until && in_scene >= s->least_s;

    if (!over && in_scene < s->most_s)
        return;
    if (!over || ++y->scene == N_SCENES) {
        y->done = true;
        (void)event_base_loopbreak(y->loop);
        return;
    }
    begin_scene(y);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
    struct story *y = arg;
    const struct watch_sample *s;

    (void)fd, (void)what;
    if (y->done)
        return;
    s = watch_poll(&y->watch);
    while (y->events_told < y->watch.n_events)
        tell_event(y, &y->watch.events[y->events_told++]);
    if (s->has_weir)
        look(y, s);
    end_scene(y);
    (void)fflush(stdout);
}

static void on_line(evutil_socket_t fd, short what, void *arg)
{
    struct story *y = arg;
    const struct load_sums *s = load_sums_of(y->load), *b = &y->before;
    const struct watch_sample *w =
        y->watch.n_samples == 0 ? NULL : &y->watch.samples[y->watch.n_samples - 1];
    double now = load_now_s(y->load), dt = now - y->before_s;

    (void)fd, (void)what;
    if (w == NULL || dt <= 0 || y->done)
        return;
    (void)printf("%6.1f s  asked %4.1f/s  good %4.1f/s  refused %4.1f/s  failed %4.1f/s", now,
                 (double)(s->attempts - b->attempts) / dt,
                 (double)(s->ends[TURN_GOOD] - b->ends[TURN_GOOD]) / dt,
                 (double)(s->attempt_ends[TURN_REFUSED] - b->attempt_ends[TURN_REFUSED]) / dt,
                 (double)(hard_of(s) - hard_of(b)) / dt);
    if (!w->has_backend || !w->backend_up)
        (void)printf("   backend down             ");
    else
        (void)printf("   backend %d busy, %d waiting", w->running, w->waiting);
    (void)printf("   weir %s, %s, share %.0f %%\n", w->has_weir ? w->state : "silent",
                 w->has_weir ? w->upstream_state : "?", 100 * w->share);
    (void)fflush(stdout);
    y->before = *s;
    y->before_s = now;
}

static int verdict(const struct story *y)
{
    const struct load_sums *s = load_sums_of(y->load);

    (void)printf("\n%llu people asked %llu times: %llu good answers, %llu times told when to come "
                 "back, %llu failures.\n",
                 (unsigned long long)s->turns, (unsigned long long)s->attempts,
                 (unsigned long long)s->ends[TURN_GOOD],
                 (unsigned long long)s->attempt_ends[TURN_REFUSED], (unsigned long long)hard_of(s));
    if (y->seen == SIGHT_COUNT) {
        (void)printf("All %d things happened, in order. The outage is over after %.1f s.\n",
                     SIGHT_COUNT, y->seen_s[SEEN_CLOSED]);
        return 0;
    }
    (void)printf("Not seen (in order): %s.\n", sights[y->seen]);
    if (y->watch.failures > 0)
        (void)printf("weir did not answer %u times: %s\n", y->watch.failures, y->watch.why);
    return 1;
}

static struct load_conf story_load(void)
{
    const struct engine_conf *e = engine_find("demo");

    return (struct load_conf){
        .speech = SPEECH_CHAT,
        .model = "weir-bench",
        .turns = 1,
        .sdk = sdk_find("openai"),
        .retries = -1,
        .patience_s = 15,
        .silence_s = 15,
        .ttft_promise_s = 2,
        .pace_promise_s = e->promise_ms / 1e3,
        .prompt_median = e->prompt_median,
        .prompt_sigma = e->prompt_sigma,
        .output_median = e->out_median,
        .output_sigma = e->out_sigma,
        .exact = true,
        .verify = true,
        .seed = 3,
        .max_open = 2000,
        .shape = {.n_pieces = 1, .end_s = 3600, .pieces = {{.end_s = 3600, .from = 2, .to = 2}}}};
}

struct options {
    const char *weir_url, *socket, *control, *program;
};

#define AT(field) offsetof(struct options, field)
static const struct opt opts[] = {
    {"weir", "URL", OPT_TEXT, AT(weir_url), 0, 0,
     "a running weir, before a backend with engine `demo` (default: both are started)"},
    {"admin-socket", "PATH", OPT_TEXT, AT(socket), 0, 0, "its admin socket"},
    {"control", "URL", OPT_TEXT, AT(control), 0, 0, "the control port of its backend"},
    {"program", "PATH", OPT_TEXT, AT(program), 0, 0, "the weir to start (beside this program)"},
};

static const struct cli cli = {
    .name = "story",
    .usage = "[--weir URL --admin-socket PATH --control URL]",
    .summary =
        "Plays an outage in about a minute and tells it: load rises, weir sheds, the backend "
        "dies,\nthe breaker opens, probes, the share grows, full.",
    .more = "Exit code: 0 when each of these was seen, in this order; 1 when not; 2 for a wrong "
            "command line.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0]};

/* Starts backend and weir, or takes those that run. */
static enum weir_status set_up(struct story *y, const struct options *o, char *why, size_t size)
{
    static const char *const backend[] = {"--engine", "demo", "--seed", "3", NULL};
    struct setup_wish wish = {.weir = o->program};

    if (setup_init(&y->setup, why, size) != WEIR_OK)
        return WEIR_SYS;
    if (o->weir_url != NULL) {
        (void)snprintf(y->setup.target_url, sizeof y->setup.target_url, "%s", o->weir_url);
        (void)snprintf(y->setup.admin_path, sizeof y->setup.admin_path, "%s", o->socket);
        y->control_url = o->control;
        return WEIR_OK;
    }
    if (setup_backend(&y->setup, backend, why, size) != WEIR_OK ||
        setup_target(&y->setup, "weir", &wish, why, size) != WEIR_OK)
        return WEIR_SYS;
    y->control_url = y->setup.control_url;
    return WEIR_OK;
}

static void on_interrupt(evutil_socket_t fd, short what, void *arg)
{
    struct story *y = arg;

    (void)fd, (void)what;
    y->done = true;
    (void)event_base_loopbreak(y->loop);
}

static int run(struct story *y)
{
    struct timeval poll = {0, POLL_MS * 1000}, line = {SCENE_LINES_MS / 1000, 0};
    struct load_conf conf = story_load();
    struct event *on[4];
    int rc;

    if (target_parse(y->setup.target_url, &conf.target) != WEIR_OK)
        return cli_wrong(&cli, "--weir %s: no such place", y->setup.target_url);
    y->loop = loop_new();
    y->load = load_new(y->loop, &conf);
    on[0] = event_new(y->loop, -1, EV_PERSIST, on_poll, y);
    on[1] = event_new(y->loop, -1, EV_PERSIST, on_line, y);
    on[2] = evsignal_new(y->loop, SIGINT, on_interrupt, y);
    on[3] = evsignal_new(y->loop, SIGTERM, on_interrupt, y);
    for (int i = 0; i < 4; i++)
        WEIR_ASSERT(on[i] != NULL && event_add(on[i], i == 0 ? &poll : i == 1 ? &line : NULL) == 0);
    watch_start(&y->watch, y->setup.admin_path, y->control_url);
    load_start(y->load, NULL, NULL);
    begin_scene(y);
    (void)event_base_dispatch(y->loop);
    rc = verdict(y);
    watch_end(&y->watch);
    load_free(y->load);
    for (int i = 0; i < 4; i++)
        event_free(on[i]);
    event_base_free(y->loop);
    return rc;
}

int cmd_story(int argc, char **argv)
{
    struct options o = {0};
    struct story y = {0};
    char why[300];
    int rc = 1, given;

    switch (cli_parse(&cli, argc, argv, &o, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    given = (o.weir_url != NULL) + (o.socket != NULL) + (o.control != NULL);
    if (given != 0 && given != 3)
        return cli_wrong(&cli, "--weir, --admin-socket and --control belong together");
    process_prepare();
    if (set_up(&y, &o, why, sizeof why) != WEIR_OK)
        (void)cli_wrong(&cli, "%s", why);
    else
        rc = run(&y);
    setup_fini(&y.setup);
    return rc;
}
