/* SPDX-License-Identifier: Apache-2.0 */
/* `weir-bench run`: a scenario with its targets, at the same time; results; the report. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/figure.h"
#include "bench/common/loop.h"
#include "bench/report/report.h"
#include "bench/scenario/scenario_run.h"
#include "weir/base/assert.h"

struct options {
    const char *targets, *out, *program, *settings;
    int64_t seed;
    double compress;
    bool one_by_one, list_figures, check;
};

#define AT(field) offsetof(struct options, field)
static const struct opt opts[] = {
    {"target", "LIST", OPT_TEXT, AT(targets), 0, 0,
     "weir, fleet:4 (four weirs and a Redis), direct, nginx, haproxy, haproxy:54 (a limit\n"
     "set by hand), relay, or a URL;\n"
     "instead of those the scenario names"},
    {"out", "FOLDER", OPT_TEXT, AT(out), 0, 0,
     "for the results (SCENARIO.TARGET.json) and report.html (default: no files)"},
    {"seed", "N", OPT_COUNT, AT(seed), 0, 1e15, "instead of the scenario's own"},
    {"settings", "TEXT", OPT_TEXT, AT(settings), 0, 0,
     "members of weir's pool, instead of the scenario's own"},
    {"compress", "N", OPT_REAL, AT(compress), 1, 1000,
     "the scenario in an Nth of its time; rates and servers stay as they are"},
    {"one-by-one", NULL, OPT_FLAG, AT(one_by_one), 0, 0,
     "targets one after the other instead of all at the same time"},
    {"program", "PATH", OPT_TEXT, AT(program), 0, 0, "the weir to start (beside this program)"},
    {"check", NULL, OPT_FLAG, AT(check), 0, 0,
     "read the scenario, say whether it is right, and end"},
    {"list-figures", NULL, OPT_FLAG, AT(list_figures), 0, 0, "what a scenario may put bounds on"},
};

static const struct cli cli = {
    .name = "run",
    .usage = "SCENARIO.cfg [options]",
    .summary = "Plays a scenario with each target in front of a simulated backend of its own and\n"
               "judges what must hold.",
    .more = "Exit code: 0 when everything held, 1 when something did not or could not be started,\n"
            "2 for a wrong command line or scenario.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0]};

struct run_group {
    struct event_base *loop;
    struct run *runs;
    size_t n, left;
};

static void on_over(void *ctx)
{
    struct run_group *r = ctx;

    if (--r->left == 0)
        (void)event_base_loopbreak(r->loop);
}

static void on_progress(evutil_socket_t fd, short what, void *arg)
{
    struct run_group *r = arg;

    (void)fd, (void)what;
    (void)fprintf(stderr, "\r%5.0f s ", load_now_s(r->runs[0].loads[0]));
    for (size_t i = 0; i < r->n; i++) {
        unsigned good, refused, failed;
        if (r->runs[i].over)
            continue;
        run_last_second(&r->runs[i], &good, &refused, &failed);
        (void)fprintf(stderr, " %s %u good %u refused %u failed;", r->runs[i].target, good, refused,
                      failed);
    }
    (void)fprintf(stderr, "\033[K");
}

static void on_interrupt(evutil_socket_t fd, short what, void *arg)
{
    struct run_group *r = arg;

    (void)fd, (void)what;
    for (size_t i = 0; i < r->n; i++)
        run_cut(&r->runs[i]);
}

/* Plays some at the same time.  False when one could not be staged. */
static bool run_together(struct run *runs, size_t n, const struct options *o)
{
    struct run_group r = {.loop = loop_new(), .runs = runs, .n = n, .left = n};
    struct setup_wish wish = {.weir = o->program};
    struct timeval second = {1, 0};
    struct event *progress = event_new(r.loop, -1, EV_PERSIST, on_progress, &r);
    struct event *interrupt = evsignal_new(r.loop, SIGINT, on_interrupt, &r);
    struct event *ended = evsignal_new(r.loop, SIGTERM, on_interrupt, &r);
    char why[300];
    bool good = true;

    WEIR_ASSERT(progress != NULL && interrupt != NULL && ended != NULL &&
                event_add(interrupt, NULL) == 0 && event_add(ended, NULL) == 0);
    for (size_t i = 0; i < n && good; i++) {
        runs[i].loop = r.loop;
        good = run_set_up(&runs[i], &wish, why, sizeof why) == WEIR_OK;
        if (!good)
            (void)cli_wrong(&cli, "%s: %s", runs[i].target, why);
    }
    if (good && isatty(STDERR_FILENO))
        (void)event_add(progress, &second);
    for (size_t i = 0; i < n && good; i++) {
        runs[i].tells = i == 0;
        run_start(&runs[i], on_over, &r);
    }
    if (good)
        (void)event_base_dispatch(r.loop);
    (void)fprintf(stderr, "%s", isatty(STDERR_FILENO) ? "\r\033[K" : "");
    event_free(progress);
    event_free(interrupt);
    event_free(ended);
    return good;
}

static void list_figures(void)
{
    const char *help, *name;

    for (size_t i = 0; (name = assertion_name_at(i, &help)) != NULL; i++)
        (void)printf("%-14s %s\n", name, help);
}

static uint64_t hard_ends(const struct run *p)
{
    uint64_t n = 0;

    for (int e = 0; e < TURN_END_COUNT; e++)
        n += turn_end_group((enum turn_end)e) == HARD ? p->sums.ends[e] : 0;
    return n;
}

/* Above this the numbers say more about the machine than about the target. */
static const double late_bad_ms = 50;

static void print_bound(const struct scenario_assertion *m)
{
    if (m->beyond[0] != '\0')
        (void)printf(" beyond %s,", m->beyond);
    if (m->beside[0] != '\0')
        (void)printf(" of %s,", m->beside);
    if (!isnan(m->least))
        (void)printf(" at least %g", m->least);
    if (!isnan(m->most))
        (void)printf(" at most %g", m->most);
}

static void print_verdict(const struct run *p)
{
    const struct scenario *s = p->scenario;

    (void)printf("%-12s %7llu turns %7llu good %6llu refused %6llu failed\n", p->target,
                 (unsigned long long)p->sums.turns, (unsigned long long)p->sums.ends[TURN_GOOD],
                 (unsigned long long)p->sums.ends[TURN_REFUSED], (unsigned long long)hard_ends(p));
    if (run_late_ms(p) > late_bad_ms)
        (void)printf(
            "   the generator itself was %.0f ms late and more for 1 %% of its requests: this "
            "machine was too busy\n",
            run_late_ms(p));
    for (size_t i = 0; i < s->n_assertions; i++) {
        const struct scenario_assertion *m = &s->assertions[i];
        bool binding = strcmp(m->target, "all") == 0 || strcmp(m->target, p->target) == 0;
        (void)printf("   %s %-13s %g-%g s: %.3f",
                     binding ? assertion_holds(m, p->values[i]) ? "held  " : "BROKEN" : "      ",
                     m->name, m->from_s, m->to_s, p->values[i]);
        if (binding)
            print_bound(m);
        (void)putchar('\n');
    }
    if (p->fleet.n > 0)
        fleet_seen_print(&p->fleet, s->duration_s, stdout);
    for (size_t i = 0; i < p->refusals.n_counts; i++)
        (void)printf("   refused in %s for %s: %u\n", p->refusals.counts[i].pool,
                     p->refusals.counts[i].cause, p->refusals.counts[i].n);
}

static enum weir_status write_result(struct run *p, const char *folder)
{
    enum weir_status rc;
    char path[600], target[64];
    FILE *f;

    (void)snprintf(target, sizeof target, "%s", p->target);
    for (char *c = target; *c != '\0'; c++)
        *c = *c == ':' || *c == '/' ? '-' : *c;
    (void)snprintf(path, sizeof path, "%s/%s.%s.json", folder, p->scenario->name, target);
    f = fopen(path, "we");
    if (f == NULL) {
        (void)cli_wrong(&cli, "%s: %s", path, strerror(errno));
        return WEIR_SYS;
    }
    rc = figures_write(run_result(p), f);
    (void)fclose(f);
    return rc;
}

static int conclude(struct run *runs, size_t n, const struct options *o)
{
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        run_sum_up(&runs[i]);
    run_judge(runs, n);
    for (size_t i = 0; i < n; i++) {
        print_verdict(&runs[i]);
        if (runs[i].broken > 0)
            rc = 1;
        if (o->out != NULL && write_result(&runs[i], o->out) != WEIR_OK)
            rc = 1;
    }
    if (o->out != NULL && report_folder(o->out) != WEIR_OK)
        rc = 1;
    return rc;
}

static size_t choose_targets(struct scenario *s, const struct options *o, struct run *runs)
{
    struct slice rest = slice_str(o->targets);
    size_t n = 0;

    if (o->targets != NULL) {
        for (s->n_targets = 0; rest.len > 0 && s->n_targets < TARGET_LIST_MAX;) {
            struct slice one = next_part(&rest, ',');
            (void)snprintf(s->targets[s->n_targets++], 64, "%.*s", (int)one.len, one.p);
        }
    }
    for (size_t i = 0; i < s->n_targets; i++) {
        if (!setup_has(s->targets[i])) {
            (void)fprintf(stderr, "%s is not installed and left out\n", s->targets[i]);
            continue;
        }
        runs[n].scenario = s;
        memcpy(runs[n++].target, s->targets[i], sizeof runs[0].target);
    }
    return n;
}

static int run_scenario_with(struct scenario *s, const struct options *o)
{
    struct run runs[TARGET_LIST_MAX] = {0};
    size_t n = choose_targets(s, o, runs);
    bool good = true;
    int rc;

    (void)fprintf(stderr, "%s: %s (%.0f s%s)\n", s->name, s->title, s->duration_s,
                  o->one_by_one ? " each" : "");
    if (o->one_by_one) {
        for (size_t i = 0; i < n && good; i++)
            good = run_together(&runs[i], 1, o);
    } else {
        good = run_together(runs, n, o);
    }
    rc = good ? conclude(runs, n, o) : 1;
    for (size_t i = 0; i < n; i++)
        run_free(&runs[i]);
    for (size_t i = 0; i < n; i++) {
        /* runs that ran together share a loop */
        if (runs[i].loop != NULL && (i == 0 || runs[i].loop != runs[i - 1].loop))
            event_base_free(runs[i].loop);
    }
    return rc;
}

int cmd_run(int argc, char **argv)
{
    struct options o = {.seed = -1};
    struct scenario *s;
    char **words;
    int n_words, rc;

    switch (cli_parse(&cli, argc, argv, &o, &words, &n_words)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    if (o.list_figures) {
        list_figures();
        return 0;
    }
    if (n_words != 1)
        return cli_wrong(&cli, "wanted one scenario file; see bench/scenarios");
    if (scenario_read(words[0], &s) != WEIR_OK)
        return 2;
    if (o.settings != NULL)
        (void)snprintf(s->weir_settings, sizeof s->weir_settings, "%s", o.settings);
    if (o.seed >= 0) {
        s->seed = (double)o.seed;
        for (size_t i = 0; i < s->n_loads; i++)
            s->loads[i].conf.seed = (uint64_t)o.seed;
    }
    if (o.compress > 1)
        scenario_compress(s, o.compress);
    if (o.out != NULL && mkdir(o.out, 0755) != 0 && errno != EEXIST) {
        free(s);
        return cli_wrong(&cli, "--out %s: %s", o.out, strerror(errno));
    }
    process_prepare();
    rc = o.check ? 0 : run_scenario_with(s, &o);
    free(s);
    return rc;
}
