/* SPDX-License-Identifier: Apache-2.0 */
/* Reading scenario files.  Complains about everything that is wrong, not only about the first. */
#include "bench/scenario/scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/backend/faults.h"
#include "bench/common/units.h"
#include "bench/scenario/assertion.h"
#include "bench/scenario/cfg.h"
#include "weir/base/assert.h"

#define COUNT(a)        (sizeof(a) / sizeof(a)[0])
#define IN(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

static const double time_max_s = 86400;

static const struct cfg_key top_keys[] = {
    {"name", CFG_TEXT, IN(scenario, name), 0, 0, true},
    {"title", CFG_TEXT, IN(scenario, title), 0, 0, true},
    {"about", CFG_TEXT, IN(scenario, about), 0, 0, false},
    {"grace", CFG_TIME, IN(scenario, grace_s), 0, 600, false},
    {"pools", CFG_OWN, 0, 0, 0, 0, false},
    {"duration", CFG_TIME, IN(scenario, duration_s), 1, time_max_s, true},
    {"seed", CFG_REAL, IN(scenario, seed), 0, 1e15, false},
    {"engine", CFG_TEXT, IN(scenario, engine_name), 0, 0, false},
    {"backend", CFG_TEXT, IN(scenario, backend_args), 0, 0, false},
    {"capacity", CFG_REAL, IN(scenario, capacity_per_s), 0.001, 1e6, true},
    {"weir", CFG_TEXT, IN(scenario, weir_settings), 0, 0, false},
    {"upstream", CFG_TEXT, IN(scenario, upstream), 0, 0, false},
    {"weights", CFG_TEXT, IN(scenario, weights_text), 0, 0, false},
    {"targets", CFG_OWN, 0, 0, 0, 0, false},
    {"load", CFG_OWN, 0, 0, 0, 0, true},
    {"steps", CFG_OWN, 0, 0, 0, 0, false},
    {"must", CFG_OWN, 0, 0, 0, 0, false},
};

static const struct cfg_key pool_keys[] = {
    {"name", CFG_TEXT, IN(scenario_pool, name), 0, 0, true},
    {"engine", CFG_TEXT, IN(scenario_pool, engine_name), 0, 0, true},
    {"backend", CFG_TEXT, IN(scenario_pool, backend_args), 0, 0, false},
    {"weir", CFG_TEXT, IN(scenario_pool, weir_settings), 0, 0, false},
    {"servers", CFG_REAL, IN(scenario_pool, servers), 1, 4, false},
};

static const struct cfg_key load_keys[] = {
    {"name", CFG_TEXT, IN(scenario_load, name), 0, 0, false},
    {"pool", CFG_TEXT, IN(scenario_load, pool), 0, 0, false},
    {"path", CFG_TEXT, IN(scenario_load, path), 0, 0, false},
    {"model", CFG_TEXT, IN(scenario_load, model), 0, 0, false},
    {"upload", CFG_TIME, IN(scenario_load, upload_s), 0, 600, false},
    {"leave", CFG_REAL, IN(scenario_load, leave), 0, 1, false},
    {"stay", CFG_TIME, IN(scenario_load, stay_s), 0, 3600, false},
    {"check", CFG_BOOL, IN(scenario_load, check), 0, 0, false},
    {"may_fail", CFG_BOOL, IN(scenario_load, may_fail), 0, 0, false},
    {"shape", CFG_TEXT, IN(scenario_load, shape), 0, 0, true},
    {"users", CFG_REAL, IN(scenario_load, users), 1, 1e6, false},
    {"clients", CFG_REAL, IN(scenario_load, clients), 1, 1e6, false},
    {"turns", CFG_REAL, IN(scenario_load, turns), 1, 32, false},
    {"think", CFG_TIME, IN(scenario_load, think_s), 0, 3600, false},
    {"sdk", CFG_TEXT, IN(scenario_load, sdk), 0, 0, false},
    {"retries", CFG_REAL, IN(scenario_load, retries), 0, 100, false},
    {"speech", CFG_TEXT, IN(scenario_load, speech), 0, 0, false},
    {"unary", CFG_REAL, IN(scenario_load, unary), 0, 1, false},
    {"patience", CFG_TIME, IN(scenario_load, patience_s), 0, 3600, false},
    {"ttft", CFG_TIME, IN(scenario_load, ttft_s), 0, 3600, false},
    {"pace", CFG_TIME, IN(scenario_load, pace_s), 0, 60, false},
    {"prompt", CFG_REAL, IN(scenario_load, prompt), 1, 16384, false},
    {"output", CFG_REAL, IN(scenario_load, output), 1, 2000, false},
    {"output_sigma", CFG_REAL, IN(scenario_load, output_sigma), 0, 3, false},
    {"verify", CFG_BOOL, IN(scenario_load, verify), 0, 0, false},
};

static const struct cfg_key step_keys[] = {
    {"at", CFG_TIME, IN(scenario_step, at_s), 0, time_max_s, true},
    {"backend", CFG_TEXT, IN(scenario_step, backend), 0, 0, false},
    {"weir", CFG_TEXT, IN(scenario_step, weir), 0, 0, false},
    {"fleet", CFG_TEXT, IN(scenario_step, fleet_line), 0, 0, false},
    {"on", CFG_TEXT, IN(scenario_step, on), 0, 0, false},
    {"reload", CFG_BOOL, IN(scenario_step, reload), 0, 0, false},
    {"say", CFG_TEXT, IN(scenario_step, say), 0, 0, false},
};

static const struct cfg_key assertion_keys[] = {
    {"what", CFG_TEXT, IN(scenario_assertion, name), 0, 0, true},
    {"target", CFG_TEXT, IN(scenario_assertion, target), 0, 0, false},
    {"beside", CFG_TEXT, IN(scenario_assertion, beside), 0, 0, false},
    {"beyond", CFG_TEXT, IN(scenario_assertion, beyond), 0, 0, false},
    {"from", CFG_TIME, IN(scenario_assertion, from_s), 0, time_max_s, false},
    {"to", CFG_TIME, IN(scenario_assertion, to_s), 0, time_max_s, false},
    {"of", CFG_REAL, IN(scenario_assertion, of), 0, 1e9, false},
    {"least", CFG_REAL, IN(scenario_assertion, least), 0, 1e9, false},
    {"most", CFG_REAL, IN(scenario_assertion, most), 0, 1e9, false},
};

static bool read_speech(const config_setting_t *g, const char *name, enum speech *out)
{
    return speech_find(name, out) || cfg_wrong(g, "speech = \"%s\": wanted %s", name, speech_list);
}

/* What a load asks follows from the engine unless it says otherwise. */
static void fill_load(const struct scenario *s, const struct engine_conf *e,
                      struct scenario_load *l)
{
    l->conf.model = l->model;
    l->conf.keys = s->n_pools > 0 ? l->name : NULL;
    l->conf.path = l->path[0] == '\0' ? NULL : l->path;
    l->conf.upload_s = l->upload_s;
    l->conf.leave = l->leave;
    l->conf.stay_s = l->stay_s;
    l->conf.check = l->check;
    l->conf.users = (uint32_t)l->users;
    l->conf.clients = (uint32_t)l->clients;
    l->conf.turns = (uint32_t)l->turns;
    l->conf.think_s = l->clients > 0 ? 0 : l->think_s;
    l->conf.retries = (int)l->retries;
    l->conf.unary = l->unary;
    l->conf.patience_s = l->patience_s;
    l->conf.silence_s = l->patience_s > 60 ? l->patience_s : 60;
    l->conf.ttft_promise_s = l->ttft_s;
    l->conf.pace_promise_s = l->pace_s > 0 ? l->pace_s : e->promise_ms / 1e3;
    l->conf.prompt_median = l->prompt > 0 ? l->prompt : e->prompt_median;
    l->conf.prompt_sigma = e->prompt_sigma;
    l->conf.output_median = l->output > 0 ? l->output : e->out_median;
    l->conf.output_sigma = isnan(l->output_sigma) ? e->out_sigma : l->output_sigma;
    l->conf.exact = true;
    l->conf.verify = l->verify;
    l->conf.seed = (uint64_t)s->seed;
    l->conf.max_open = 20000;
}

static const struct scenario_pool *scenario_pool_of(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->n_pools; i++) {
        if (strcmp(s->pools[i].name, name) == 0)
            return &s->pools[i];
    }
    return NULL;
}

static bool read_load(const config_setting_t *g, struct scenario *s)
{
    struct scenario_load *l = &s->loads[s->n_loads];
    char why[256];
    bool good;

    if (s->n_loads == LOADS_MAX)
        return cfg_wrong(g, "more than %d loads", LOADS_MAX);
    *l = (struct scenario_load){.name = "people",
                                .sdk = "none",
                                .model = "weir-bench",
                                .stay_s = 10,
                                .speech = "chat",
                                .turns = 1,
                                .think_s = 8,
                                .retries = -1,
                                .patience_s = 30,
                                .output_sigma = NAN,
                                .ttft_s = 2};
    good = cfg_read(g, load_keys, COUNT(load_keys), l);
    if (good && shape_parse(slice_str(l->shape), &l->conf.shape, why, sizeof why) != WEIR_OK)
        good = cfg_wrong(g, "shape: %s", why);
    l->conf.sdk = sdk_find(l->sdk);
    if (l->conf.sdk == NULL)
        good = cfg_wrong(g, "sdk = \"%s\": see weir-bench load --list-sdks", l->sdk);
    good = read_speech(g, l->speech, &l->conf.speech) && good;
    if (s->n_pools > 0) {
        const struct scenario_pool *p = scenario_pool_of(s, l->pool);
        if (p == NULL)
            good = cfg_wrong(g, "pool = \"%s\": none of the pools", l->pool);
        else
            fill_load(s, p->engine, l);
    } else if (s->engine != NULL) {
        fill_load(s, s->engine, l);
    }
    s->n_loads++;
    return good;
}

static bool check_faults(const config_setting_t *g, const char *lines)
{
    struct slice rest = slice_str(lines);
    struct fault_line ignored;
    char why[256];
    bool good = true;

    while (rest.len > 0) {
        struct slice line = next_part(&rest, ';');
        if (line.len > 0 && fault_parse(line, &ignored, why, sizeof why) != WEIR_OK)
            good = cfg_wrong(g, "backend: %s", why);
    }
    return good;
}

static bool read_step(const config_setting_t *g, struct scenario *s)
{
    struct scenario_step *t = &s->steps[s->n_steps];
    char why[256];

    if (s->n_steps == STEPS_MAX)
        return cfg_wrong(g, "more than %d steps", STEPS_MAX);
    *t = (struct scenario_step){0};
    if (!cfg_read(g, step_keys, COUNT(step_keys), t))
        return false;
    if (s->n_steps > 0 && t->at_s < s->steps[s->n_steps - 1].at_s)
        return cfg_wrong(g, "at %gs: steps are in order of time", t->at_s);
    if (fleet_step_parse(slice_str(t->fleet_line), &t->fleet, why, sizeof why) != WEIR_OK)
        return cfg_wrong(g, "fleet: %s", why);
    s->n_steps++;
    if (s->n_pools > 0 && t->backend[0] != '\0' && t->on[0] == '\0')
        return cfg_wrong(g, "at %gs: `on` says which server this is for", t->at_s);
    return check_faults(g, t->backend);
}

static bool read_assertion(const config_setting_t *g, struct scenario *s)
{
    struct scenario_assertion *m = &s->assertions[s->n_assertions];

    if (s->n_assertions == ASSERTIONS_MAX)
        return cfg_wrong(g, "more than %d of them", ASSERTIONS_MAX);
    *m = (struct scenario_assertion){
        .target = "weir", .to_s = s->duration_s, .least = NAN, .most = NAN};
    if (!cfg_read(g, assertion_keys, COUNT(assertion_keys), m))
        return false;
    m->kind = assertion_find(m->name);
    if (m->kind == NULL)
        return cfg_wrong(g, "what = \"%s\": no such figure; see weir-bench run --list-figures",
                         m->name);
    if (isnan(m->least) && isnan(m->most))
        return cfg_wrong(g, "%s: wanted `least`, `most` or both", m->name);
    s->n_assertions++;
    return true;
}

static bool read_list(const config_setting_t *root, const char *name, struct scenario *s,
                      bool (*one)(const config_setting_t *g, struct scenario *s))
{
    const config_setting_t *list = config_setting_get_member(root, name);
    bool good = true;

    if (list == NULL)
        return true;
    if (!config_setting_is_list(list))
        return cfg_wrong(list, "%s: wanted a list of groups: ( { ... }, { ... } )", name);
    for (int i = 0; i < config_setting_length(list); i++)
        good = one(config_setting_get_elem(list, (unsigned)i), s) && good;
    return good;
}

static bool read_targets(const config_setting_t *root, struct scenario *s)
{
    const config_setting_t *list = config_setting_get_member(root, "targets");

    if (list == NULL) {
        (void)strcpy(s->targets[s->n_targets++], "weir");
        return true;
    }
    for (int i = 0; i < config_setting_length(list); i++) {
        const char *name = config_setting_get_string_elem(list, i);
        if (name == NULL || s->n_targets == TARGET_LIST_MAX || strlen(name) > 63)
            return cfg_wrong(list, "targets: wanted at most %d names in quotes", TARGET_LIST_MAX);
        (void)strcpy(s->targets[s->n_targets++], name);
    }
    return true;
}

static bool read_pool(const config_setting_t *g, struct scenario *s)
{
    struct scenario_pool *p = &s->pools[s->n_pools];

    if (s->n_pools == POOLS_MAX)
        return cfg_wrong(g, "more than %d pools", POOLS_MAX);
    *p = (struct scenario_pool){.servers = 1};
    if (!cfg_read(g, pool_keys, COUNT(pool_keys), p))
        return false;
    p->engine = engine_find(p->engine_name);
    if (p->engine == NULL)
        return cfg_wrong(g, "engine = \"%s\": see weir-bench backend --list-engines",
                         p->engine_name);
    s->n_pools++;
    return true;
}

/* One backend, or several pools. */
static bool read_servers(const config_setting_t *root, struct scenario *s)
{
    bool good = read_list(root, "pools", s, read_pool);

    if (s->n_pools > 0)
        return good;
    s->engine = engine_find(s->engine_name);
    return s->engine != NULL ||
           cfg_wrong(root, "engine = \"%s\": see weir-bench backend --list-engines",
                     s->engine_name);
}

void scenario_compress(struct scenario *s, double factor)
{
    s->duration_s /= factor;
    for (size_t i = 0; i < s->n_loads; i++)
        shape_compress(&s->loads[i].conf.shape, factor);
    for (size_t i = 0; i < s->n_steps; i++)
        s->steps[i].at_s /= factor;
    for (size_t i = 0; i < s->n_assertions; i++) {
        s->assertions[i].from_s /= factor;
        s->assertions[i].to_s /= factor;
    }
}

static bool read_all(const config_setting_t *root, struct scenario *s)
{
    bool good = cfg_read(root, top_keys, COUNT(top_keys), s);

    good = read_servers(root, s) && good;
    if (s->weights_text[0] != '\0' &&
        fleet_weights_parse(slice_str(s->weights_text), s->weights) != WEIR_OK)
        good = cfg_wrong(root, "weights = \"%s\": wanted at most %d numbers", s->weights_text,
                         FLEET_NODES_MAX);
    good = read_targets(root, s) && good;
    good = read_list(root, "load", s, read_load) && good;
    good = read_list(root, "steps", s, read_step) && good;
    good = read_list(root, "must", s, read_assertion) && good;
    if (s->n_loads == 0)
        good = cfg_wrong(root, "no load");
    return good;
}

enum weir_status scenario_read(const char *path, struct scenario **out)
{
    struct scenario *s = calloc(1, sizeof *s);
    config_t c;
    bool good;

    WEIR_ASSERT(s != NULL);
    config_init(&c);
    (void)snprintf(s->file, sizeof s->file, "%s", path);
    s->seed = 1;
    s->grace_s = 10;
    if (config_read_file(&c, path) != CONFIG_TRUE) {
        (void)fprintf(stderr, "%s:%d: %s\n", path, config_error_line(&c), config_error_text(&c));
        good = false;
    } else {
        good = read_all(config_root_setting(&c), s);
    }
    config_destroy(&c);
    if (!good) {
        free(s);
        return WEIR_BAD;
    }
    *out = s;
    return WEIR_OK;
}

void scenario_backend_args(char *words, const char **args, size_t most)
{
    size_t n = 0;
    char *word, *rest = words;

    while (n + 1 < most && (word = strtok_r(rest, " ", &rest)) != NULL)
        args[n++] = word;
    args[n] = NULL;
}
