/* SPDX-License-Identifier: Apache-2.0 */
/* `weir-bench backend`: options, start, loop, end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/backend/server.h"
#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/loop.h"
#include "bench/compare/null.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

struct options {
    const char *listen, *control, *engine, *script, *length;
    bool list_engines, quiet;
    int64_t seed, slots, chunk, queue_max, kv_tokens, prefix_blocks, workers;
    uint64_t interval_ns;
    double speed, t0_ms, a_ms, c_us, out_median, out_sigma, service_ms, service_sigma, first_ms,
        first_sigma, key_quota;
    int64_t retry_after;
};

#define AT(field) offsetof(struct options, field)
static const struct opt opts[] = {
    {"listen", "HOST:PORT", OPT_TEXT, AT(listen), 0, 0,
     "where it serves (127.0.0.1:8000; port 0: any)"},
    {"control", "HOST:PORT", OPT_TEXT, AT(control), 0, 0,
     "where faults and numbers are (default: any free port of 127.0.0.1)"},
    {"engine", "NAME", OPT_TEXT, AT(engine), 0, 0, "which server to be (A); see --list-engines"},
    {"list-engines", NULL, OPT_FLAG, AT(list_engines), 0, 0, "print the engines and end"},
    {"script", "LINES", OPT_TEXT, AT(script), 0, 0,
     "faults by the clock: \"at 10s down; at 40s up-cold\""},
    {"seed", "N", OPT_COUNT, AT(seed), 0, 1e18, "of lengths and times (1)"},
    {"speed", "X", OPT_REAL, AT(speed), 0.01, 1000, "run the engine X times as fast (1)"},
    {"length", "cap|exact", OPT_TEXT, AT(length), 0, 0,
     "what max_tokens is: a bound on a drawn length (cap, the default),\n"
     "or the length (exact); \"ignore_eos\": true in a body is exact"},
    {"interval", "TIME", OPT_DURATION, AT(interval_ns), 0.001, 60,
     "engine null: between the events of a stream (20ms)"},
    {"quiet", NULL, OPT_FLAG, AT(quiet), 0, 0, "say only what is wrong"},
    {NULL, NULL, OPT_HEADING, 0, 0, 0, "Changes to the engine"},
    {"slots", "N", OPT_COUNT, AT(slots), 1, 100000, "requests at once"},
    {"t0", "MS", OPT_REAL, AT(t0_ms), 0, 60000, "fixed time of a step"},
    {"a", "MS", OPT_REAL, AT(a_ms), 0, 60000, "time a running request adds to a step"},
    {"c", "US", OPT_REAL, AT(c_us), 0, 1e6, "time a prompt token adds to a step"},
    {"chunk", "N", OPT_COUNT, AT(chunk), 1, 1e6, "prompt tokens a step"},
    {"queue", "N", OPT_COUNT, AT(queue_max), 0, 1e6, "503 when so many wait (0: no bound)"},
    {"kv-tokens", "N", OPT_COUNT, AT(kv_tokens), 0, 1e9,
     "memory in tokens, preempts beyond (0: no bound)"},
    {"prefix-blocks", "N", OPT_COUNT, AT(prefix_blocks), 0, 1e7,
     "size of the prefix cache, blocks of 16 tokens"},
    {"output", "TOKENS", OPT_REAL, AT(out_median), 1, 1e6, "median of the lognormal output length"},
    {"output-sigma", "S", OPT_REAL, AT(out_sigma), 0, 3,
     "sigma of its logarithm (0: always the median)"},
    {"first-token", "MS", OPT_REAL, AT(first_ms), 0, 600000,
     "hosted, cached, tools, mixed: median of the lognormal first token"},
    {"first-token-sigma", "S", OPT_REAL, AT(first_sigma), 0, 3, "sigma of its logarithm"},
    {"key-quota", "N", OPT_REAL, AT(key_quota), 0, 1e6,
     "hosted: requests a second of one key, 429 beyond (0: no bound)"},
    {"retry-after", "S", OPT_COUNT, AT(retry_after), 0, 86400, "hosted, mixed: what refusals say"},
    {"workers", "N", OPT_COUNT, AT(workers), 1, 100000, "of the plain API under /api/"},
    {"service", "MS", OPT_REAL, AT(service_ms), 0, 600000,
     "median time of an API call; ?ms=N in a request fixes it"},
    {"service-sigma", "S", OPT_REAL, AT(service_sigma), 0, 3, "sigma of its logarithm"},
};

static const char more[] =
    "Serves\n"
    "  POST /v1/chat/completions, /v1/completions, /v1/responses   OpenAI, streamed or not\n"
    "  POST /v1/messages                                           Anthropic, streamed or not\n"
    "  GET  /v1/models, /health, POST /v1/embeddings; any /api/... plain JSON (/api/ echoes the "
    "request)\n"
    "  GET  /mcp, /events                                          quiet event streams\n"
    "  GET  /ws                                                    WebSocket, echoes\n"
    "Prompt tokens are the body's bytes / 4.  If a body has \"tag\", \"metadata.tag\", \"seed\", "
    "\"user\"\n"
    "or \"metadata.user_id\" (the first of them), its tokens read TAG.0 TAG.1 TAG.2 ..., so that "
    "a\n"
    "test sees at once what is lost, doubled or mixed.\n"
    "\n"
    "The control port: GET /stats, POST /fault, POST /reset, GET /faults (the list of faults), "
    "e.g.\n"
    "  curl -d 'slow=2 for 30s' http://127.0.0.1:CONTROL/fault";

static const struct cli cli = {.name = "backend",
                               .usage = "[options]",
                               .summary =
                                   "A simulated inference server: slots, a queue, steps that "
                                   "grow with the batch,\nstreams in every dialect, and "
                                   "faults on demand.",
                               .more = more,
                               .opts = opts,
                               .n_opts = sizeof opts / sizeof opts[0]};

static void list_engines(void)
{
    (void)printf("%-8s %6s %6s %6s %7s %6s %7s %7s %8s\n", "name", "slots", "t0 ms", "a ms", "c us",
                 "chunk", "prompt", "output", "promise");
    for (int i = 0; i < n_engines; i++) {
        const struct engine_conf *e = &engines[i];
        if (e->clocked != NULL) {
            (void)printf("%-8s %45g %7g           %s\n", e->name, e->prompt_median, e->out_median,
                         e->help);
            continue;
        }
        (void)printf("%-8s %6d %6g %6g %7g %6d %7g %7g %6gms  %s\n", e->name, e->slots, e->t0_ms,
                     e->a_ms, e->c_us, e->chunk, e->prompt_median, e->out_median, e->promise_ms,
                     e->help);
    }
    (void)printf("%-8s answers at once, an event every --interval: for measuring proxies\n",
                 "null");
    (void)printf("\nA step of the engine takes t0 + a x (running requests) + c x (prompt tokens in "
                 "it); prompt and\noutput are medians of tokens; promise is the pace a user was "
                 "promised, milliseconds an event.\n");
}

/* -1 (or a negative number) is "not given": the engine's own stays. */
static void override_int(int *at, int64_t given)
{
    if (given >= 0)
        *at = (int)given;
}

static void override_real(double *at, double given)
{
    if (given >= 0)
        *at = given;
}

static void override_engine(struct engine_conf *c, const struct options *o)
{
    override_int(&c->slots, o->slots);
    override_int(&c->chunk, o->chunk);
    override_int(&c->queue_max, o->queue_max);
    override_int(&c->kv_tokens, o->kv_tokens);
    override_int(&c->prefix_blocks, o->prefix_blocks);
    override_int(&c->workers, o->workers);
    override_real(&c->t0_ms, o->t0_ms);
    override_real(&c->a_ms, o->a_ms);
    override_real(&c->c_us, o->c_us);
    override_real(&c->out_median, o->out_median);
    override_real(&c->out_sigma, o->out_sigma);
    override_real(&c->service_ms, o->service_ms);
    override_real(&c->service_sigma, o->service_sigma);
}

static void override_clocked(struct server *s, const struct options *o)
{
    if (s->conf.clocked == NULL)
        return;
    s->clocked = *s->conf.clocked;
    s->conf.clocked = &s->clocked;
    override_real(&s->clocked.first_ms, o->first_ms);
    override_real(&s->clocked.first_sigma, o->first_sigma);
    override_real(&s->clocked.quota_per_s, o->key_quota);
    override_int(&s->clocked.retry_after_s, o->retry_after);
}

static int open_port(struct httpd *port, struct server *s, const char *where,
                     const struct httpd_handler *handler)
{
    struct address a;

    if (address_parse(slice_str(where), &a) != WEIR_OK)
        return cli_wrong(&cli, "'%s' is no address; wanted HOST:PORT, [V6]:PORT or unix:PATH",
                         where);
    if (httpd_init(port, s->loop, &a, handler, s) != WEIR_OK || httpd_listen(port) != WEIR_OK) {
        (void)cli_wrong(&cli, "cannot listen on %s: %s", where, strerror(errno));
        return 1;
    }
    return 0;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    (void)event_base_loopbreak(arg);
}

static void announce(const struct server *s)
{
    char data[128], control[128];

    (void)printf("backend: engine %s, %d slots, on http://%s (control http://%s)\n", s->conf.name,
                 s->conf.slots, httpd_name(&s->port, data, sizeof data),
                 httpd_name(&s->control, control, sizeof control));
    (void)fflush(stdout);
}

static int serve(struct server *s, const struct options *o)
{
    struct event *interrupt = evsignal_new(s->loop, SIGINT, on_signal, s->loop);
    struct event *terminate = evsignal_new(s->loop, SIGTERM, on_signal, s->loop);
    char why[256];
    /* control first: whoever can be asked can be told what to do */
    int rc = open_port(&s->control, s, o->control, &control_handler);

    WEIR_ASSERT(interrupt != NULL && terminate != NULL && event_add(interrupt, NULL) == 0 &&
                event_add(terminate, NULL) == 0);
    if (rc == 0)
        rc = open_port(&s->port, s, o->listen, &answer_handler);
    if (rc == 0 && o->script != NULL &&
        script_add(s, slice_str(o->script), why, sizeof why) != WEIR_OK)
        rc = cli_wrong(&cli, "--script: %s", why);
    if (rc == 0) {
        announce(s);
        (void)event_base_dispatch(s->loop);
    }
    event_free(interrupt);
    event_free(terminate);
    return rc;
}

static void server_start(struct server *s, const struct engine_conf *conf, const struct options *o)
{
    *s = (struct server){.conf = *conf, .loop = loop_new(), .faults = faults_none};
    override_engine(&s->conf, o);
    override_clocked(s, o);
    s->speed = o->speed;
    s->exact_length = o->length != NULL;
    s->seed = (uint64_t)o->seed;
    list_init(&s->script);
    rng_seed(&s->rng, (uint64_t)o->seed);
    engine_init(&s->engine, &s->conf);
    prefix_init(&s->prefix, (uint32_t)s->conf.prefix_blocks);
    api_init(s);
    WEIR_ASSERT(life_init(s) == WEIR_OK);
}

static void server_end(struct server *s)
{
    script_clear(s);
    if (s->control.on_reap != NULL)
        httpd_fini(&s->control);
    if (s->port.on_reap != NULL)
        httpd_fini(&s->port);
    life_fini(s);
    prefix_fini(&s->prefix);
    grow_free(&s->scratch);
    event_base_free(s->loop);
}

/* The lean backend has no engine and no faults; it is for measuring what is in front of it. */
static int serve_null(const struct options *o)
{
    struct null_conf conf = {.interval_ms = (uint32_t)(o->interval_ns / NS_PER_MS)};

    if (address_parse(slice_str(o->listen), &conf.listen) != WEIR_OK)
        return cli_wrong(&cli, "'%s' is no address; wanted HOST:PORT or [V6]:PORT", o->listen);
    return null_serve(&conf);
}

static struct options defaults(void)
{
    return (struct options){.listen = "127.0.0.1:8000",
                            .control = "127.0.0.1:0",
                            .engine = "A",
                            .seed = 1,
                            .speed = 1,
                            .interval_ns = 20 * NS_PER_MS,
                            .slots = -1,
                            .chunk = -1,
                            .queue_max = -1,
                            .kv_tokens = -1,
                            .prefix_blocks = -1,
                            .workers = -1,
                            .t0_ms = -1,
                            .a_ms = -1,
                            .c_us = -1,
                            .out_median = -1,
                            .out_sigma = -1,
                            .service_ms = -1,
                            .service_sigma = -1,
                            .first_ms = -1,
                            .first_sigma = -1,
                            .key_quota = -1,
                            .retry_after = -1};
}

static int serve_engine(struct options *o)
{
    const struct engine_conf *conf = engine_find(o->engine);
    struct server s;
    int rc;

    if (conf == NULL)
        return cli_wrong(&cli, "no engine '%s'; see weir-bench backend --list-engines", o->engine);
    if (o->length != NULL && strcmp(o->length, "cap") == 0)
        o->length = NULL;
    if (o->length != NULL && strcmp(o->length, "exact") != 0)
        return cli_wrong(&cli, "--length %s: wanted cap or exact", o->length);
    log_set_level(o->quiet ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO);
    process_prepare();
    server_start(&s, conf, o);
    rc = serve(&s, o);
    server_end(&s);
    return rc;
}

int cmd_backend(int argc, char **argv)
{
    struct options o = defaults();

    switch (cli_parse(&cli, argc, argv, &o, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    if (o.list_engines) {
        list_engines();
        return 0;
    }
    return strcmp(o.engine, "null") == 0 ? serve_null(&o) : serve_engine(&o);
}
