/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's own limit: requests a second against a backend that costs next to nothing.
 */
#include "bench/scenario/limit.h"
#include "bench/common/figure.h"

#include <unistd.h>

#include "bench/common/loop.h"
#include "bench/compare/hammer.h"
#include "bench/load/load.h"
#include "bench/scenario/process.h"
#include "bench/scenario/setup.h"

static const double asked_per_s = 30000, seconds = 3;

static struct load_conf conf_for(const struct target *target)
{
    return (struct load_conf){.target = *target,
                              .speech = SPEECH_CHAT,
                              .model = "weir-bench",
                              .unary = 1,
                              .turns = 1,
                              .sdk = sdk_find("none"),
                              .patience_s = 30,
                              .silence_s = 30,
                              .ttft_promise_s = 2,
                              .prompt_median = 25,
                              .seed = 1,
                              .max_open = 20000};
}

static void on_done(void *loop)
{
    (void)event_base_loopbreak(loop);
}

/* Turns a second; *late_ms, *cpu: the generator's delay and the processors it used. */
static double run_load(const struct load_conf *conf, double *late_ms, double *cpu)
{
    struct event_base *loop = loop_new();
    struct load *l = load_new(loop, conf);
    double before_us = process_cpu_us(getpid()), turns;

    load_start(l, on_done, loop);
    (void)event_base_dispatch(loop);
    *cpu = (process_cpu_us(getpid()) - before_us) / 1e6 / seconds;
    *late_ms = samples_percentile(load_lateness(l), 0.99) / 1e3;
    turns = (double)load_sums_of(l)->turns;
    load_free(l);
    event_base_free(loop);
    return turns / seconds;
}

static void measure_open(struct limit *l, const struct target *t)
{
    struct load_conf c = conf_for(t);
    double cpu;

    l->asked_per_s = asked_per_s;
    c.shape =
        (struct shape){.n_pieces = 1,
                       .end_s = seconds,
                       .pieces = {{.end_s = seconds, .from = asked_per_s, .to = asked_per_s}}};
    l->sent_per_s = run_load(&c, &l->late_ms, &cpu);
}

static void measure_most(struct limit *l, const struct target *t)
{
    struct load_conf c = conf_for(t);
    double late_ms;

    c.clients = 64;
    c.shape = (struct shape){.end_s = seconds};
    l->most_per_s = run_load(&c, &late_ms, &l->most_cpu);
}

static enum weir_status measure_lean(struct limit *l, const struct target *t)
{
    struct hammer_conf c = {.target = *t,
                            .kind = HAMMER_REQUESTS,
                            .clients = 64,
                            .opening = 64,
                            .warm_s = 0.5,
                            .measure_s = seconds,
                            .open_s = 5};
    struct hammer_result r;
    enum weir_status rc = hammer(&c, &r);

    if (rc == WEIR_OK)
        l->lean_per_s = (double)r.answers / r.seconds;
    samples_free(&r.delay_us);
    return rc;
}

enum weir_status limit_measure(struct limit *l)
{
    static const char *const backend[] = {"--engine", "null", NULL};
    struct setup s;
    struct target t;
    char why[200];
    enum weir_status rc;

    *l = (struct limit){0};
    rc = setup_init(&s, why, sizeof why);
    if (rc == WEIR_OK)
        rc = setup_backend(&s, backend, why, sizeof why);
    if (rc == WEIR_OK)
        rc = target_parse(s.backend_url, &t);
    if (rc == WEIR_OK) {
        measure_open(l, &t);
        measure_most(l, &t);
        rc = measure_lean(l, &t);
    } else {
        (void)fprintf(stderr, "weir-bench check: %s\n", why);
    }
    setup_fini(&s);
    return rc;
}

void limit_write_text(const struct limit *l, FILE *to)
{
    (void)fprintf(to,
                  "\nthe load generator, asked for %.0f requests a second in open loop, sent %.0f; "
                  "1 %% were %.1f ms late or more\n",
                  l->asked_per_s, l->sent_per_s, l->late_ms);
    (void)fprintf(
        to,
        "at its most it does %.0f a second with %.0f %% of a processor, %.1f us each; the lean "
        "client of `compare` does %.0f\n",
        l->most_per_s, 100 * l->most_cpu, l->most_per_s > 0 ? 1e6 * l->most_cpu / l->most_per_s : 0,
        l->lean_per_s);
}

json_t *limit_result(const struct limit *l)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "asked_per_s", figure(l->asked_per_s, 0),
                     "sent_per_s", figure(l->sent_per_s, 0), "late_ms_p99", figure(l->late_ms, 2),
                     "most_per_s", figure(l->most_per_s, 0), "most_cpu", figure(l->most_cpu, 3),
                     "lean_per_s", figure(l->lean_per_s, 0));
}
