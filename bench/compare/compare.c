/* SPDX-License-Identifier: Apache-2.0 */
/* `weir-bench compare`: starts the targets, lets them take turns, writes the table. */
#include "bench/compare/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/figure.h"
#include "bench/common/loop.h"
#include "weir/base/assert.h"

struct options {
    const char *targets, *only, *json, *program;
    int64_t rounds, workers;
    uint64_t seconds_ns;
    bool list;
};

#define AT(field) offsetof(struct options, field)
static const struct opt opts[] = {
    {"targets", "LIST", OPT_TEXT, AT(targets), 0, 0,
     "of weir, nginx, haproxy, relay (all of them)"},
    {"only", "LIST", OPT_TEXT, AT(only), 0, 0, "these measurements; see --list"},
    {"list", NULL, OPT_FLAG, AT(list), 0, 0, "print the measurements and end"},
    {"rounds", "N", OPT_COUNT, AT(rounds), 1, ROUNDS_MAX,
     "of which the quieter half counts, and of that the median (3)"},
    {"seconds", "TIME", OPT_DURATION, AT(seconds_ns), 0.2, 600, "of counting, each (3s)"},
    {"workers", "N", OPT_COUNT, AT(workers), 1, 64,
     "worker threads of weir (1, as the others have)"},
    {"program", "PATH", OPT_TEXT, AT(program), 0, 0, "the weir to start (beside this program)"},
    {"json", "FILE", OPT_TEXT, AT(json), 0, 0,
     "the findings as JSON; - is stdout, instead of the table"},
};

static const struct cli cli = {
    .name = "compare",
    .usage = "[options]",
    .summary =
        "CPU time, memory and delay of weir, nginx, haproxy and a plain relay, side by side.\n"
        "One worker thread each; targets take turns in every round; medians and ratios.",
    .more = "nginx and haproxy are Debian's, started with settings of this program's own\n"
            "(docs/benchmarks.md); one that is not installed is left out and named.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0]};

/* CPU time of whoever else is on this machine. */
static double others_cpu_us(const struct compare *c)
{
    return machine_cpu_us() - process_cpu_us(getpid()) - process_cpu_us(c->backend) -
           process_cpu_us(setup_worker(c->setup));
}

static void on_window(void *ctx, bool begins)
{
    struct compare *c = ctx;
    pid_t pid = setup_worker(c->setup);

    if (begins) {
        c->memory_after_kib = process_memory_kib(pid);
        c->others_before_us = others_cpu_us(c);
        c->cpu_before_us = process_cpu_us(pid);
    } else {
        c->cpu_after_us = process_cpu_us(pid);
        c->others_after_us = others_cpu_us(c);
    }
}

/* A target on its own setup, in front of a backend that all share. */
struct contender {
    char target[64];
    struct setup setup;
    bool up;
};

static bool applies(const struct measurement *m, const char *target)
{
    if (strcmp(target, "direct") == 0)
        return m->with_direct;
    return !(m->no_relay && strcmp(target, "relay") == 0);
}

static enum weir_status raise_contender(struct contender *k, const struct compare *c,
                                        const struct setup *home, const struct options *o,
                                        struct column *col)
{
    const struct measurement *m = c->m;
    struct setup_wish wish = {.weir = o->program,
                              .settings = m->weir_settings,
                              /* as many as the others are told to keep */
                              .upstream = "idle_connections = 512;",
                              .limit = m->limit,
                              .no_queue = m->limit > 0,
                              .tls = m->tls,
                              .workers = (int)o->workers};

    if (k->up)
        return WEIR_OK;
    if (!setup_has(k->target)) {
        (void)snprintf(col->why, sizeof col->why, "not installed");
        return WEIR_NOT_FOUND;
    }
    if (setup_init(&k->setup, col->why, sizeof col->why) != WEIR_OK)
        return WEIR_SYS;
    (void)snprintf(k->setup.backend_url, sizeof k->setup.backend_url, "%s", home->backend_url);
    if (setup_target(&k->setup, k->target, &wish, col->why, sizeof col->why) != WEIR_OK) {
        setup_fini(&k->setup);
        return WEIR_SYS;
    }
    k->up = true;
    return WEIR_OK;
}

static void fell_contender(struct contender *k)
{
    if (k->up)
        setup_fini(&k->setup);
    k->up = false;
}

static void note(struct compare *c, struct column *col, struct hammer_result *r)
{
    struct finding *f = &col->rounds[col->n];
    uint64_t n = r->answers + r->events + r->handshakes;

    *f = (struct finding){
        .value = c->m->value(c, r),
        .per_s = r->seconds > 0 ? (double)n / r->seconds : 0,
        .cpu_share = r->seconds > 0 ? (c->cpu_after_us - c->cpu_before_us) / 1e6 / r->seconds : 0,
        .p99 = samples_percentile(&r->delay_us, 0.99) / 1e3,
        .others =
            r->seconds > 0 ? (c->others_after_us - c->others_before_us) / 1e6 / r->seconds : 0};
    (void)fprintf(stderr, "  %-10s %10.*f %-4s  %9.0f a second, %3.0f %% of a processor",
                  col->target, c->m->decimals, f->value, c->m->unit, f->per_s, 100 * f->cpu_share);
    if (r->refused > 0)
        (void)fprintf(stderr, ", %llu refused", (unsigned long long)r->refused);
    if (r->lost > 0)
        (void)fprintf(stderr, ", %llu connections lost", (unsigned long long)r->lost);
    if (f->others > others_bad)
        (void)fprintf(stderr, ", others %3.0f %%", 100 * f->others);
    (void)fputc('\n', stderr);
    if (f->value > 0)
        col->n++;
    else
        (void)snprintf(col->why, sizeof col->why, "no number: %llu answers, %llu of them refused",
                       (unsigned long long)r->answers, (unsigned long long)r->refused);
}

static void measure_one(struct compare *c, struct contender *k, const struct options *o,
                        struct column *col)
{
    struct hammer_conf conf = c->m->load;
    struct hammer_result r;
    enum weir_status rc;

    conf.measure_s = (double)o->seconds_ns / 1e9;
    conf.on_window = on_window;
    conf.ctx = c;
    c->setup = &k->setup;
    c->held = -1;
    c->memory_before_kib = process_memory_kib(setup_worker(&k->setup));
    if (target_parse(k->setup.target_url, &conf.target) != WEIR_OK)
        return;
    if (c->m->prepare != NULL &&
        c->m->prepare(c, &k->setup, k->target, col->why, sizeof col->why) != WEIR_OK)
        return;
    conf.tls = c->m->tls ? wire_tls_context(NULL, true) : NULL;
    rc = conf.kind == HAMMER_HANDSHAKES ? hammer_handshakes(&conf, &r) : hammer(&conf, &r);
    if (rc == WEIR_OK)
        note(c, col, &r);
    else
        (void)snprintf(col->why, sizeof col->why, "not all %u connections could be opened",
                       conf.clients);
    SSL_CTX_free(conf.tls);
    samples_free(&r.delay_us);
    if (c->held >= 0)
        (void)close(c->held);
}

static enum weir_status start_backend(struct setup *home, const struct measurement *m, char *why,
                                      size_t why_size)
{
    char interval[16];
    const char *args[] = {"--engine", "null", "--interval", interval, NULL};

    (void)snprintf(interval, sizeof interval, "%ums", m->interval_ms);
    return setup_backend(home, args, why, why_size);
}

static void measure_row(struct row *row, struct contender *ks, size_t n, const struct options *o)
{
    struct compare c = {.m = row->m, .held = -1};
    struct setup home;
    char why[200];

    (void)fprintf(stderr, "%s: %s\n", row->m->name, row->m->title);
    if (setup_init(&home, why, sizeof why) != WEIR_OK)
        return;
    if (start_backend(&home, row->m, why, sizeof why) != WEIR_OK) {
        (void)fprintf(stderr, "  %s\n", why);
        setup_fini(&home);
        return;
    }
    c.backend = home.backend.pid;
    for (int64_t round = 0; round < o->rounds; round++) {
        for (size_t i = 0; i < n; i++) {
            size_t k = (i + (size_t)round) % n; /* nobody is always first */
            if (!applies(row->m, ks[k].target))
                continue;
            if (raise_contender(&ks[k], &c, &home, o, &row->columns[k]) == WEIR_OK)
                measure_one(&c, &ks[k], o, &row->columns[k]);
            if (row->m->fresh)
                fell_contender(&ks[k]);
        }
    }
    for (size_t i = 0; i < n; i++)
        fell_contender(&ks[i]);
    setup_fini(&home);
}

static bool in_list(const char *list, const char *name)
{
    struct slice rest = slice_str(list);

    if (list == NULL)
        return true;
    while (rest.len > 0) {
        if (slice_eq(next_part(&rest, ','), slice_str(name)))
            return true;
    }
    return false;
}

static size_t read_targets(const char *list, struct contender *ks)
{
    struct slice rest = slice_str(list);
    size_t n = 0;

    while (rest.len > 0 && n < TARGETS_MAX - 1) {
        struct slice one = next_part(&rest, ',');
        (void)snprintf(ks[n++].target, sizeof ks[0].target, "%.*s", (int)one.len, one.p);
    }
    (void)snprintf(ks[n++].target, sizeof ks[0].target, "direct");
    return n;
}

static int write_results(const struct row *rows, size_t n, const struct options *o)
{
    enum weir_status rc;
    FILE *to = stdout;

    if (o->json == NULL || strcmp(o->json, "-") != 0)
        rows_write_text(rows, n, stdout);
    if (o->json == NULL)
        return 0;
    if (strcmp(o->json, "-") != 0 && (to = fopen(o->json, "we")) == NULL) {
        (void)cli_wrong(&cli, "--json %s: %s", o->json, strerror(errno));
        return 1;
    }
    rc = figures_write(rows_result(rows, n), to);
    if (to != stdout)
        (void)fclose(to);
    return rc == WEIR_OK ? 0 : 1;
}

static int list_measurements(void)
{
    for (size_t i = 0; i < n_measurements; i++)
        (void)printf("%-14s %s\n", measurements[i].name, measurements[i].title);
    return 0;
}

static int compare_all(const struct options *o)
{
    struct contender ks[TARGETS_MAX] = {0};
    size_t n_targets = read_targets(o->targets, ks), n = 0;
    struct row *rows = calloc(n_measurements, sizeof *rows);
    int rc;

    WEIR_ASSERT(rows != NULL);
    process_prepare();
    for (size_t i = 0; i < n_measurements; i++) {
        struct row *row = &rows[n];
        if (!in_list(o->only, measurements[i].name))
            continue;
        row->m = &measurements[i];
        row->n_columns = n_targets;
        for (size_t k = 0; k < n_targets; k++)
            memcpy(row->columns[k].target, ks[k].target, sizeof ks[k].target);
        measure_row(row, ks, n_targets, o);
        n++;
    }
    rc = n == 0 ? cli_wrong(&cli, "--only %s: no such measurement; see --list", o->only)
                : write_results(rows, n, o);
    free(rows);
    return rc;
}

int cmd_compare(int argc, char **argv)
{
    struct options o = {
        .targets = "weir,nginx,haproxy,relay", .rounds = 3, .workers = 1, .seconds_ns = 3000000000};

    switch (cli_parse(&cli, argc, argv, &o, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    if (o.list)
        return list_measurements();
    return compare_all(&o);
}
