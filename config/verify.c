/* SPDX-License-Identifier: Apache-2.0 */
/* What must fit together: names, references, pairs of files.  Single values were judged when read.
 */
#include "conf_priv.h"

struct verify {
    const struct settings *s;
    struct conf_diagnostics *m;
};

/* The place of a field, or of a list's element; the file as a whole where it was not given. */
static struct conf_origin place_of(const struct verify *v, const void *field, bool item)
{
    const struct conf_origin *o = conf_origin_of(v->s, field, item);

    return o != NULL ? *o : (struct conf_origin){.file = v->s->file, .line = 0};
}

static bool was_given(const struct verify *v, const void *field)
{
    return conf_origin_of(v->s, field, false) != NULL;
}

static void twice(struct verify *v, const char *what, char *const *first, char *const *second)
{
    struct conf_origin here = place_of(v, second, false), there = place_of(v, first, false);
    bool elsewhere = strcmp(here.file, there.file) != 0;

    if (!was_given(v, first))
        conf_diagnostic(v->m, here.file, here.line,
                        "%s \"%s\" is given twice; the first has it by default", what, *second);
    else
        conf_diagnostic(v->m, here.file, here.line,
                        "%s \"%s\" is given twice; the first is in line %d%s%s", what, *second,
                        there.line, elsewhere ? " of " : "", elsewhere ? there.file : "");
}

/* `at(list, i)` is the i-th name; each name that an earlier element has is a diagnostic. */
static void find_twice(struct verify *v, const char *what, size_t n,
                       char *const *(*at)(const void *list, size_t i), const void *list)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!was_given(v, at(list, i)) || strcmp(*at(list, i), *at(list, j)) != 0)
                continue;
            twice(v, what, at(list, j), at(list, i));
            break;
        }
    }
}

static char *const *pool_name(const void *list, size_t i)
{
    return &((const struct pool_conf *)list)[i].name;
}

static char *const *upstream_name(const void *list, size_t i)
{
    return &((const struct upstream_conf *)list)[i].name;
}

static char *const *listener_address(const void *list, size_t i)
{
    return &((const struct listener_conf *)list)[i].address;
}

static void verify_listeners(struct verify *v)
{
    const struct settings *s = v->s;
    struct conf_origin here = place_of(v, &s->admin.http, false);

    find_twice(v, "listener", s->n_listeners, listener_address, s->listeners);
    for (size_t i = 0; i < s->n_listeners; i++)
        if (was_given(v, &s->admin.http) && strcmp(s->admin.http, s->listeners[i].address) == 0)
            conf_diagnostic(v->m, here.file, here.line,
                            "admin.http = \"%s\" is the address of listeners[%zu] as well",
                            s->admin.http, i);
}

static void verify_upstream(struct verify *v, const struct pool_conf *p,
                            const struct upstream_conf *u)
{
    struct conf_origin certificate = place_of(v, &u->certificate, false);
    struct conf_origin key = place_of(v, &u->key, false);

    if (u->certificate[0] != '\0' && u->key[0] == '\0')
        conf_diagnostic(v->m, certificate.file, certificate.line,
                        "pools[%s].upstreams[%s].key is missing: a certificate needs its key",
                        p->name, u->name);
    if (u->key[0] != '\0' && u->certificate[0] == '\0')
        conf_diagnostic(
            v->m, key.file, key.line,
            "pools[%s].upstreams[%s].certificate is missing: a key needs its certificate", p->name,
            u->name);
}

/* Reported at the longer name if that was given, else at the shorter. */
static void shorter(struct verify *v, const struct pool_conf *p, const char *what,
                    const uint64_t *lesser_ns, const uint64_t *greater_ns)
{
    struct conf_origin here = place_of(v, was_given(v, greater_ns) ? greater_ns : lesser_ns, false);
    char lesser[32], greater[32];
    struct text t;

    if (*greater_ns >= *lesser_ns)
        return;
    text_init(&t, greater, sizeof greater);
    conf_units_format(conf_durations, *greater_ns, &t);
    text_init(&t, lesser, sizeof lesser);
    conf_units_format(conf_durations, *lesser_ns, &t);
    conf_diagnostic(v->m, here.file, here.line, what, p->name, greater, lesser);
}

static bool is_of_one_user(const struct limit_conf *l)
{
    return l->user[0] != '\0' && l->model[0] == '\0' && l->class == CLASS_COUNT;
}

/* Is there a model that both names mean? */
static bool models_meet(const char *a, const char *b)
{
    size_t n = strcspn(a, "*"), m = strcspn(b, "*"), least = n < m ? n : m;

    if (*a == '\0' || *b == '\0')
        return true;
    if (strncmp(a, b, least) != 0)
        return false;
    return (a[n] == '*' && m >= n) || (b[m] == '*' && n >= m) || n == m;
}

static bool may_meet(const struct limit_conf *a, const struct limit_conf *b)
{
    bool users = a->user[0] == '\0' || b->user[0] == '\0' || strcmp(a->user, b->user) == 0;
    bool classes = a->class == CLASS_COUNT || b->class == CLASS_COUNT || a->class == b->class;

    return users && classes && models_meet(a->model, b->model);
}

static bool is_about_the_same(const struct limit_conf *a, const struct limit_conf *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->model, b->model) == 0 &&
           a->class == b->class && a->shared == b->shared;
}

static bool limits_nothing(const struct limit_conf *l)
{
    for (int i = 0; i < QUOTA_LIMITS; i++)
        if (l->limits.most[i] != 0)
            return false;
    return true;
}

/* Counted in pairs: as many as meet one of them meet a request at most. */
static void verify_meetings(struct verify *v, const struct pool_conf *p, size_t i,
                            struct conf_origin here)
{
    size_t n = 0;

    if (is_of_one_user(&p->limits[i]))
        return;
    for (size_t k = 0; k < p->n_limits; k++)
        n += !is_of_one_user(&p->limits[k]) && may_meet(&p->limits[i], &p->limits[k]);
    if (n > LIMITS_MEET_MAX)
        conf_diagnostic(v->m, here.file, here.line,
                        "pools[%s].limits[%zu]: a request may come under %zu limits with it, at "
                        "most %d are possible",
                        p->name, i, n, LIMITS_MEET_MAX);
}

static void verify_limits(struct verify *v, const struct pool_conf *p)
{
    for (size_t i = 0; i < p->n_limits; i++) {
        struct conf_origin here = place_of(v, &p->limits[i], true);

        if (limits_nothing(&p->limits[i]))
            conf_diagnostic(v->m, here.file, here.line,
                            "pools[%s].limits[%zu] limits nothing: give it requests_per_minute or "
                            "another number",
                            p->name, i);
        for (size_t k = 0; k < i; k++)
            if (is_about_the_same(&p->limits[k], &p->limits[i]))
                conf_diagnostic(v->m, here.file, here.line,
                                "pools[%s].limits[%zu] is about the same requests as limits[%zu]: "
                                "put their numbers into one",
                                p->name, i, k);
        verify_meetings(v, p, i, here);
    }
}

static void verify_pool(struct verify *v, const struct pool_conf *p)
{
    const struct breaker_conf *b = &p->decide.breaker;
    const struct timeouts_conf *t = &p->timeouts;

    find_twice(v, "upstream", p->n_upstreams, upstream_name, p->upstreams);
    for (size_t i = 0; i < p->n_upstreams; i++)
        verify_upstream(v, p, &p->upstreams[i]);
    verify_limits(v, p);
    shorter(v, p, "pools[%s].breaker: open_max (%s) is shorter than open_min (%s)", &b->open_min_ns,
            &b->open_max_ns);
    shorter(v, p, "pools[%s].timeouts: first_token_last (%s) is shorter than first_token (%s)",
            &t->first_token_ns, &t->first_token_last_ns);
}

static void unknown_pool(struct verify *v, size_t route)
{
    const struct settings *s = v->s;
    const char *name = s->routes[route].pool_name;
    struct conf_origin here = place_of(v, &s->routes[route].pool_name, false);
    char hint[256];
    struct nearest near;
    struct text t;

    nearest_begin(&near, name);
    text_init(&t, hint, sizeof hint);
    for (size_t i = 0; i < s->n_pools; i++)
        nearest_offer(&near, s->pools[i].name);
    if (nearest_found(&near) != NULL)
        text_printf(&t, "; did you mean \"%s\"?", nearest_found(&near));
    for (size_t i = 0; nearest_found(&near) == NULL && i < s->n_pools; i++)
        text_printf(&t, "%s%s", i == 0 ? " (pools: " : ", ", s->pools[i].name);
    if (nearest_found(&near) == NULL && s->n_pools > 0)
        text_char(&t, ')');
    conf_diagnostic(v->m, here.file, here.line, "routes[%zu].pool = \"%s\" is no pool%s", route,
                    name, hint);
}

/* False if a route goes nowhere: then it is not known which pools are reached. */
static bool verify_routes(struct verify *v)
{
    const struct settings *s = v->s;
    bool all_known = true;

    for (size_t r = 0; r < s->n_routes; r++) {
        const struct route_conf *route = &s->routes[r];

        if (strcmp(s->pools[route->pool].name, route->pool_name) == 0 &&
            route->pool_name[0] != '\0')
            continue;
        all_known = false;
        if (route->pool_name[0] != '\0')
            unknown_pool(v, r);
    }
    return all_known;
}

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Does every request that b matches match a?  Said only where it is certain. */
static bool route_covers(const struct route_conf *a, const struct route_conf *b)
{
    size_t len = strlen(a->path);
    bool path = strcmp(a->path, b->path) == 0 ||
                (begins(b->path, a->path) && (a->path[len - 1] == '/' || b->path[len] == '/'));

    return path && (a->host[0] == '\0' || strcasecmp(a->host, b->host) == 0) &&
           (a->method[0] == '\0' || strcmp(a->method, b->method) == 0);
}

static bool route_is_covered(const struct settings *s, size_t route)
{
    for (size_t i = 0; i < route; i++)
        if (route_covers(&s->routes[i], &s->routes[route]))
            return true;
    return false;
}

/* NULL if some request can reach the pool, else why none does. */
static const char *why_unreached(const struct settings *s, size_t pool)
{
    const char *why = "";

    if (s->n_routes == 0)
        return pool == 0 ? NULL : ": without routes everything goes to the first pool";
    for (size_t r = 0; r < s->n_routes; r++) {
        if (strcmp(s->routes[r].pool_name, s->pools[pool].name) != 0)
            continue;
        if (!route_is_covered(s, r))
            return NULL;
        why = ": an earlier one takes all its requests";
    }
    return why;
}

static void verify_reach(struct verify *v)
{
    const struct settings *s = v->s;

    for (size_t p = 0; p < s->n_pools; p++) {
        struct conf_origin here = place_of(v, &s->pools[p].name, false);
        const char *why = s->pools[p].name[0] == '\0' ? NULL : why_unreached(s, p);

        if (why != NULL)
            conf_diagnostic(v->m, here.file, here.line, "pool \"%s\" is reached by no route%s",
                            s->pools[p].name, why);
    }
}

static void without(struct verify *v, const void *given, const char *what)
{
    struct conf_origin here = place_of(v, given, false);

    if (was_given(v, given))
        conf_diagnostic(v->m, here.file, here.line, "%s", what);
}

static void verify_fleet(struct verify *v)
{
    const struct fleet_conf *f = &v->s->fleet;
    struct conf_origin here = place_of(v, &f->redis, false);

    if (f->redis[0] == '\0')
        return;
    if (f->name[0] == '\0')
        conf_diagnostic(v->m, here.file, here.line,
                        "fleet.name is missing: the nodes of one fleet have the same name");
    if ((f->certificate[0] == '\0') != (f->key[0] == '\0'))
        conf_diagnostic(v->m, here.file, here.line,
                        "fleet.%s is missing: a certificate and its key come together",
                        f->key[0] == '\0' ? "key" : "certificate");
    if (begins(f->redis, "rediss"))
        return;
    without(v, &f->ca, "fleet.ca is for rediss:// alone: nothing is verified without TLS");
    without(v, &f->server_name, "fleet.server_name is for rediss:// alone");
    without(v, &f->certificate, "fleet.certificate is for rediss:// alone");
}

void conf_verify(const struct settings *s, struct conf_diagnostics *m)
{
    struct verify v = {s, m};

    verify_listeners(&v);
    verify_fleet(&v);
    find_twice(&v, "pool", s->n_pools, pool_name, s->pools);
    for (size_t i = 0; i < s->n_pools; i++)
        verify_pool(&v, &s->pools[i]);
    if (s->n_pools == 0)
        return; /* said already */
    if (verify_routes(&v))
        verify_reach(&v);
}
