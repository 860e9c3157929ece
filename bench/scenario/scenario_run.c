/* SPDX-License-Identifier: Apache-2.0 */
/* One scenario with one target. */
#include "bench/scenario/scenario_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/scenario/fleet_run.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { POLL_MS = 500 };

/* A backend with the words of the scenario. */
static void backend_args(const struct run *p, const char *engine, char *words,
                         const char *args[BACKEND_ARGS_MAX + 8], char seed[24])
{
    args[0] = "--engine";
    args[1] = engine;
    args[2] = "--length";
    args[3] = "exact";
    args[4] = "--seed";
    args[5] = seed;
    (void)snprintf(seed, 24, "%.0f", p->scenario->seed);
    scenario_backend_args(words, args + 6, BACKEND_ARGS_MAX);
}

static enum weir_status setup_pools(struct run *p, char *why, size_t why_size)
{
    const char *args[BACKEND_ARGS_MAX + 8];
    char words[sizeof p->scenario->backend_args], seed[24];
    enum weir_status rc = WEIR_OK;

    for (size_t i = 0; i < p->scenario->n_pools && rc == WEIR_OK; i++) {
        const struct scenario_pool *k = &p->scenario->pools[i];
        memcpy(words, k->backend_args, sizeof words);
        backend_args(p, k->engine_name, words, args, seed);
        for (int n = 0; n < (int)k->servers && rc == WEIR_OK; n++)
            rc = setup_server(&p->setup, k->name, k->weir_settings, args, why, why_size);
    }
    return rc;
}

enum weir_status run_set_up(struct run *p, const struct setup_wish *wish, char *why,
                            size_t why_size)
{
    const char *args[BACKEND_ARGS_MAX + 8];
    struct setup_wish w = *wish;
    char words[sizeof p->scenario->backend_args], seed[24];
    bool own_backend = strncmp(p->target, "http", 4) != 0 && p->scenario->n_pools == 0;

    memcpy(words, p->scenario->backend_args, sizeof words);
    backend_args(p, p->scenario->engine_name, words, args, seed);
    w.settings = p->scenario->weir_settings;
    w.upstream = p->scenario->upstream;
    w.log = true;
    if (setup_init(&p->setup, why, why_size) != WEIR_OK)
        return WEIR_SYS;
    p->is_set_up = true;
    p->wish = w;
    if (setup_pools(p, why, why_size) != WEIR_OK)
        return WEIR_SYS;
    if (own_backend && setup_backend(&p->setup, args, why, why_size) != WEIR_OK)
        return WEIR_SYS;
    memcpy(p->control_url, p->setup.control_url, sizeof p->control_url);
    return setup_target(&p->setup, p->target, &w, why, why_size);
}

static double now_s(const struct run *p)
{
    return (double)(mono_now_ns() - p->start_ns) / 1e9;
}

static void plan_step(struct run *p)
{
    double wait_s;
    uint64_t us;

    if (p->next_step >= p->scenario->n_steps)
        return;
    wait_s = p->scenario->steps[p->next_step].at_s - now_s(p);
    us = wait_s > 0 ? (uint64_t)(wait_s * 1e6) : 0;
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
    (void)event_add(p->step, &tv);
}

/* A terminal has the progress line where the next sentence goes. */
static const char *clear_line(void)
{
    return isatty(STDERR_FILENO) ? "\r\033[K" : "";
}

static void do_step(struct run *p, const struct scenario_step *s)
{
    char why[300];

    if (p->tells && s->say[0] != '\0')
        (void)fprintf(stderr, "%s%6.0f s  %s\n", clear_line(), s->at_s, s->say);
    fleet_run_step(p, &s->fleet, why, sizeof why);
    const struct setup_server *on = setup_server_of(&p->setup, s->on);
    const char *control_url = on == NULL ? p->control_url : on->control_url;

    if (s->backend[0] != '\0' && control_url[0] != '\0')
        json_decref(control_ask(control_url, "/fault", s->backend));
    if (s->reload && (setup_reload(&p->setup, &p->wish, why, sizeof why) != WEIR_OK ||
                      (p->commands.path[0] != '\0' &&
                       admin_tell(&p->commands, "reload", why, sizeof why) != WEIR_OK)))
        (void)fprintf(stderr, "%s%6.0f s  %s: %s\n", clear_line(), s->at_s, p->target, why);
    if (s->weir[0] != '\0' && p->commands.path[0] != '\0' &&
        admin_tell(&p->commands, s->weir, why, sizeof why) != WEIR_OK)
        (void)fprintf(stderr, "%s%6.0f s  %s: %s\n", clear_line(), s->at_s, p->target, why);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
    struct run *p = arg;

    (void)fd, (void)what;
    while (p->next_step < p->scenario->n_steps &&
           p->scenario->steps[p->next_step].at_s <= now_s(p) + 0.001)
        do_step(p, &p->scenario->steps[p->next_step++]);
    plan_step(p);
}

static uint64_t open_turns(const struct run *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < p->scenario->n_loads; i++)
        n += load_open(p->loads[i]);
    return n;
}

static void over(struct run *p)
{
    if (p->over)
        return;
    p->over = true;
    watch_stop(&p->watch);
    fleet_run_over(p);
    event_del(p->step);
    event_del(p->end);
    p->on_over(p->ctx);
}

void run_cut(struct run *p)
{
    /* before the cut: what it wastes is the harness's doing, not the target's */
    watch_stop(&p->watch);
    for (size_t i = 0; i < p->scenario->n_loads; i++)
        load_cut(p->loads[i]);
    over(p);
}

/* First at the end of the duration, then every half second until all is done or the grace is over.
 */
static void on_end(evutil_socket_t fd, short what, void *arg)
{
    struct run *p = arg;
    struct timeval again = {0, 500000};

    (void)fd, (void)what;
    for (size_t i = 0; i < p->scenario->n_loads; i++)
        load_stop(p->loads[i]);
    if (open_turns(p) == 0 || now_s(p) > p->scenario->duration_s + p->scenario->grace_s)
        run_cut(p);
    else
        (void)event_add(p->end, &again);
}

/* Where a load goes: to the target, or directly to the first server of its pool. */
static const char *url_of(const struct run *p, const char *pool)
{
    if (p->scenario->n_pools > 0 && strcmp(p->target, "direct") == 0)
        return setup_server_of(&p->setup, pool)->url;
    return p->setup.target_url;
}

void run_start(struct run *p, void (*on_over)(void *ctx), void *ctx)
{
    /* a moment after the loads' own end: all who were to come have come */
    struct timeval end = {(time_t)p->scenario->duration_s, 100000};

    p->on_over = on_over;
    p->ctx = ctx;
    p->step = event_new(p->loop, -1, 0, on_step, p);
    p->end = event_new(p->loop, -1, 0, on_end, p);
    WEIR_ASSERT(p->step != NULL && p->end != NULL);
    watch_start(&p->watch, p->setup.admin_path, p->control_url);
    admin_init(&p->commands, p->setup.admin_path);
    watch_in_background(&p->watch, POLL_MS);
    p->start_ns = mono_now_ns();
    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        struct load_conf conf = p->scenario->loads[i].conf;
        WEIR_ASSERT(target_parse(url_of(p, p->scenario->loads[i].pool), &conf.target) == WEIR_OK);
        if (p->scenario->n_pools > 0)
            (void)snprintf(conf.target.host, sizeof conf.target.host, "%s.test",
                           p->scenario->loads[i].pool);
        p->loads[i] = load_new(p->loop, &conf);
        load_start(p->loads[i], NULL, NULL);
    }
    fleet_run_start(p);
    WEIR_ASSERT(event_add(p->end, &end) == 0);
    plan_step(p);
}

void run_last_second(const struct run *p, unsigned *good, unsigned *refused, unsigned *failed)
{
    size_t second = now_s(p) < 1 ? 0 : (size_t)now_s(p) - 1, n;

    *good = *refused = *failed = 0;
    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        const struct load_bin *bins = load_bins(p->loads[i], &n);
        for (int e = 0; second < n && e < TURN_END_COUNT; e++) {
            enum turn_group g = turn_end_group((enum turn_end)e);
            unsigned k = bins[second].attempt_ends[e];
            *(e == TURN_GOOD ? good
              : g == POLITE  ? refused
                             : failed) += g == SERVED && e != TURN_GOOD ? 0 : k;
        }
    }
}

/* Adding up */

static void add_bins(struct run *p, const struct load_bin *from, size_t n)
{
    if (n > p->n_bins) {
        p->bins = realloc(p->bins, n * sizeof p->bins[0]);
        WEIR_ASSERT(p->bins != NULL);
        memset(p->bins + p->n_bins, 0, (n - p->n_bins) * sizeof p->bins[0]);
        p->n_bins = n;
    }
    for (size_t i = 0; i < n; i++) {
        p->bins[i].intended += from[i].intended;
        p->bins[i].attempts += from[i].attempts;
        p->bins[i].retries += from[i].retries;
        p->bins[i].content += from[i].content;
        p->bins[i].open += from[i].open;
        for (int e = 0; e < TURN_END_COUNT; e++) {
            p->bins[i].ends[e] += from[i].ends[e];
            p->bins[i].attempt_ends[e] += from[i].attempt_ends[e];
        }
    }
}

static void add_sums(struct load_sums *to, const struct load_sums *from)
{
    to->turns += from->turns;
    to->attempts += from->attempts;
    to->retries += from->retries;
    to->hinted += from->hinted;
    to->hints_kept += from->hints_kept;
    to->not_sent += from->not_sent;
    to->content += from->content;
    to->wasted_content += from->wasted_content;
    to->mixed += from->mixed;
    to->incomplete += from->incomplete;
    to->left += from->left;
    for (int e = 0; e < TURN_END_COUNT; e++) {
        to->ends[e] += from->ends[e];
        to->attempt_ends[e] += from->attempt_ends[e];
    }
}

/* Of loads whose conversations have several turns: one request is no conversation. */
static void add_conversations(struct load_sums *to, const struct load *l)
{
    const struct load_sums *from = load_sums_of(l);

    if (load_conf_of(l)->turns < 2)
        return;
    to->conversations += from->conversations;
    to->completed += from->completed;
    to->completed_good += from->completed_good;
    to->broken_first += from->broken_first;
    to->broken_later += from->broken_later;
}

static bool concerns(const struct scenario_assertion *m, const char *target)
{
    return strcmp(m->target, "all") == 0 || strcmp(m->target, target) == 0;
}

/* Attempts that were refused or failed, of loads whose own server does not refuse them. */
static double lost_attempts(const struct run *p)
{
    double n = 0;

    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        const struct load_sums *s = load_sums_of(p->loads[i]);
        for (int e = 0; e < TURN_END_COUNT && !p->scenario->loads[i].may_fail; e++)
            n += turn_end_group((enum turn_end)e) == SERVED ? 0 : (double)s->attempt_ends[e];
    }
    return n;
}

/* Requests that were open at a server when it went down. */
static double killed_at_servers(const struct run *p)
{
    double n = 0;

    for (size_t i = 0; i < p->setup.n_servers; i++) {
        json_t *j = control_ask(p->setup.servers[i].control_url, "/stats", NULL);
        n += j == NULL ? 0 : json_number_at(j, "killed");
        json_decref(j);
    }
    return n;
}

static double added_ms(const struct run *p, double share)
{
    struct samples s = {0};
    double ms;

    for (size_t i = 0; i < p->scenario->n_loads; i++)
        load_collect(p->loads[i], offsetof(struct load_record, added_ms), true, &s);
    ms = s.n == 0 ? NAN : samples_percentile(&s, share);
    samples_free(&s);
    return ms;
}

/* At the one backend; NAN: not known. */
static double most_open(const struct run *p)
{
    json_t *j = p->control_url[0] == '\0' ? NULL : control_ask(p->control_url, "/stats", NULL);
    double n = j == NULL ? NAN : json_number_at(j, "max_open");

    json_decref(j);
    return n;
}

void run_sum_up(struct run *p)
{
    struct seen seen = {.watch = &p->watch, .sums = &p->sums, .refusals = &p->refusals};

    watch_join(&p->watch);
    if (p->setup.fleet == NULL)
        watch_read_sheds(&p->watch);
    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        size_t n;
        const struct load_bin *bins = load_bins(p->loads[i], &n);
        add_bins(p, bins, n);
        add_sums(&p->sums, load_sums_of(p->loads[i]));
        add_conversations(&p->sums, p->loads[i]);
    }
    seen.duration_s = p->scenario->duration_s;
    seen.scenario = p->scenario;
    seen.lost = lost_attempts(p);
    seen.killed = killed_at_servers(p);
    seen.added_ms = added_ms(p, 0.5);
    seen.added_p99_ms = added_ms(p, 0.99);
    seen.most_open = most_open(p);
    refusals_read(p->setup.log_path, p->watch.start_wall_ns, &p->refusals);
    fleet_run_sum_up(p);
    seen.fleet = p->fleet.n > 0 ? &p->fleet : NULL;
    seen.bins = p->bins;
    seen.n_bins = p->n_bins;
    seen.hints_kept =
        p->sums.hinted == 0 ? NAN : (double)p->sums.hints_kept / (double)p->sums.hinted;
    for (size_t i = 0; i < p->scenario->n_assertions; i++)
        p->raw[i] = assertion_value(&p->scenario->assertions[i], &seen);
}

/* The same figure of another target; NAN when that one is not among the plays. */
static double figure_of(const struct run *runs, size_t n, const char *target, size_t assertion)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(runs[i].target, target) == 0)
            return runs[i].raw[assertion];
    }
    return NAN;
}

static void judge_one(struct run *p, const struct run *runs, size_t n)
{
    for (size_t i = 0; i < p->scenario->n_assertions; i++) {
        const struct scenario_assertion *m = &p->scenario->assertions[i];
        bool binds = concerns(m, p->target);
        p->values[i] = p->raw[i];
        if (binds && m->beside[0] != '\0')
            p->values[i] /= figure_of(runs, n, m->beside, i);
        if (binds && m->beyond[0] != '\0')
            p->values[i] -= figure_of(runs, n, m->beyond, i);
        p->broken += binds && !assertion_holds(m, p->values[i]);
    }
}

void run_judge(struct run *runs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        judge_one(&runs[i], runs, n);
}

double run_late_ms(const struct run *p)
{
    double worst = 0;

    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        double late = samples_percentile(load_lateness(p->loads[i]), 0.99) / 1e3;
        worst = late > worst ? late : worst;
    }
    return worst;
}

void run_free(struct run *p)
{
    for (size_t i = 0; i < p->scenario->n_loads; i++) {
        if (p->loads[i] != NULL)
            load_free(p->loads[i]);
    }
    if (p->step != NULL) {
        event_free(p->step);
        event_free(p->end);
        watch_end(&p->watch);
        admin_close(&p->commands);
    }
    fleet_run_free(p);
    if (p->is_set_up)
        setup_fini(&p->setup);
    refusals_free(&p->refusals);
    free(p->bins);
}
