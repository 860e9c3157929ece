/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weir-bench check`: the harness judges itself.  Backends and proxies that do one thing wrong each
 * must be found out, and the generator states its own limit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/common/figure.h"
#include "bench/common/loop.h"
#include "bench/scenario/ask.h"
#include "bench/scenario/limit.h"
#include "bench/scenario/setup.h"
#include "bench/scenario/trials.h"
#include "weir/base/assert.h"

enum { TRIES = 3 };

struct check;
struct attempted {
    const struct trial *trial;
    struct check *check;
    struct setup setup;
    struct load *load;
    bool is_set_up, found;
    char why[200];
};

struct check {
    struct event_base *loop;
    struct attempted *all; /* n_trials of them */
    size_t left;
};

static void on_done(void *ctx)
{
    struct attempted *a = ctx;

    if (--a->check->left == 0)
        (void)event_base_loopbreak(a->check->loop);
}

/* Tried again on a machine so busy that the backend does not answer in time. */
static bool break_backend(struct attempted *a)
{
    for (int i = 0; i < 5; i++) {
        json_t *told = control_ask(a->setup.control_url, "/fault", a->trial->fault);
        bool heard = told != NULL;
        json_decref(told);
        if (heard)
            return true;
    }
    (void)snprintf(a->why, sizeof a->why, "the backend could not be told its fault");
    return false;
}

static enum weir_status set_up(struct attempted *a)
{
    static const char *const backend[] = {"--engine", "fast", NULL};
    const struct trial *t = a->trial;
    struct setup_wish wish = {.wrong = t->proxy};
    const char *target = t->proxy == NULL ? "direct" : t->proxy[0] == '\0' ? "relay" : "wrong";
    struct load_conf conf = trial_load(t);

    if (setup_init(&a->setup, a->why, sizeof a->why) != WEIR_OK)
        return WEIR_SYS;
    a->is_set_up = true;
    if (setup_backend(&a->setup, backend, a->why, sizeof a->why) != WEIR_OK ||
        setup_target(&a->setup, target, &wish, a->why, sizeof a->why) != WEIR_OK)
        return WEIR_SYS;
    if (t->fault != NULL && !break_backend(a))
        return WEIR_TIMEOUT;
    WEIR_ASSERT(target_parse(a->setup.target_url, &conf.target) == WEIR_OK);
    a->load = load_new(a->check->loop, &conf);
    return WEIR_OK;
}

static void judge(struct attempted *a)
{
    struct samples ttft = {0};

    load_collect(a->load, offsetof(struct load_record, ttft_ms), true, &ttft);
    a->found = trial_found_out(a->trial, load_sums_of(a->load), samples_percentile(&ttft, 0.5),
                               a->why, sizeof a->why);
    samples_free(&ttft);
}

static void take_down(struct attempted *a)
{
    if (a->load != NULL)
        load_free(a->load);
    if (a->is_set_up)
        setup_fini(&a->setup);
    a->load = NULL;
    a->is_set_up = false;
}

/* All that are not found out yet, at the same time: each has a backend of its own. */
static void try_together(struct check *c)
{
    for (size_t i = 0; i < n_trials; i++) {
        struct attempted *a = &c->all[i];
        if (a->found)
            continue;
        *a = (struct attempted){.trial = &trials[i], .check = c};
        c->left += set_up(a) == WEIR_OK;
    }
    for (size_t i = 0; i < n_trials; i++) {
        if (c->all[i].load != NULL)
            load_start(c->all[i].load, on_done, &c->all[i]);
    }
    if (c->left > 0)
        (void)event_base_dispatch(c->loop);
    for (size_t i = 0; i < n_trials; i++) {
        if (c->all[i].load != NULL)
            judge(&c->all[i]);
        take_down(&c->all[i]);
    }
}

static size_t not_found(const struct check *c)
{
    size_t n = 0;

    for (size_t i = 0; i < n_trials; i++)
        n += !c->all[i].found;
    return n;
}

/* A machine that is busy for a moment spoils a trial, a blind harness spoils all of its attempts.
 */
static bool try_all(struct check *c)
{
    for (int attempts = 0; attempts < TRIES && not_found(c) > 0; attempts++) {
        if (attempts > 0)
            (void)printf("%zu trials are made once more\n", not_found(c));
        (void)fflush(stdout);
        try_together(c);
    }
    for (size_t i = 0; i < n_trials; i++)
        (void)printf("%s  %-52s %s\n", c->all[i].found ? "found out" : "NOT FOUND", trials[i].told,
                     c->all[i].why);
    return not_found(c) == 0;
}

static enum weir_status write_result(const struct check *c, const struct limit *limit, FILE *to)
{
    json_t *all = json_array();

    for (size_t i = 0; i < n_trials; i++)
        (void)json_array_append_new(all, json_pack("{s:s,s:b,s:o}", "told", c->all[i].trial->told,
                                                   "found", c->all[i].found, "why",
                                                   figure_text(c->all[i].why)));
    return figures_write(json_pack("{s:s,s:o,s:o}", "kind", "check", "trials", all, "limit",
                                   limit == NULL ? json_null() : limit_result(limit)),
                         to);
}

struct options {
    bool brief;
    const char *json;
};

static const struct opt opts[] = {
    {"short", NULL, OPT_FLAG, offsetof(struct options, brief), 0, 0,
     "leave out the generator's own limit: about seven seconds"},
    {"json", "FILE", OPT_TEXT, offsetof(struct options, json), 0, 0, "the findings as JSON, too"},
};

static const struct cli cli = {
    .name = "check",
    .usage = "[options]",
    .summary = "The harness judges itself: backends and proxies that do one thing wrong each have "
               "to be found\nout, and the load generator states its own limit.",
    .more = "Exit code: 0 when everything was found out.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0]};

static int check(const struct options *o)
{
    struct check c = {.loop = loop_new(), .all = calloc(n_trials, sizeof c.all[0])};
    struct limit limit;
    FILE *to = NULL;
    bool good;

    WEIR_ASSERT(c.all != NULL);
    if (o->json != NULL && (to = fopen(o->json, "we")) == NULL) {
        (void)cli_wrong(&cli, "--json %s: %s", o->json, strerror(errno));
        good = false;
        goto out;
    }
    good = try_all(&c);
    if (!o->brief) {
        good = limit_measure(&limit) == WEIR_OK && good;
        limit_write_text(&limit, stdout);
    }
    if (to != NULL)
        good = write_result(&c, o->brief ? NULL : &limit, to) == WEIR_OK && good;
out:
    if (to != NULL)
        (void)fclose(to);
    free(c.all);
    event_base_free(c.loop);
    return good ? 0 : 1;
}

int cmd_check(int argc, char **argv)
{
    struct options o = {0};

    switch (cli_parse(&cli, argc, argv, &o, NULL, NULL)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    process_prepare();
    return check(&o);
}
