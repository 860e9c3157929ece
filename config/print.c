/* SPDX-License-Identifier: Apache-2.0 */
/* What would run, for `weir --check`: the shape first, then every value that is not a default. */
#include "conf_priv.h"

static const char *or_any(const char *s)
{
    return s[0] == '\0' ? "any" : s;
}

static void print_listeners(const struct settings *s, FILE *out)
{
    (void)fprintf(out, "listeners\n");
    for (size_t i = 0; i < s->n_listeners; i++) {
        const struct listener_conf *l = &s->listeners[i];

        (void)fprintf(out, "  %-28s %s", l->address, l->tls ? "TLS by " : "plain");
        if (l->tls)
            (void)fprintf(out, "%s", l->tls_certificate);
        if (l->n_sni > 0)
            (void)fprintf(out, " and %zu more by name", l->n_sni);
        if (l->tls_client_ca[0] != '\0')
            (void)fprintf(out, ", clients by %s", l->tls_client_ca);
        (void)fprintf(out, "%s\n", s->default_listener ? " (default)" : "");
    }
}

static void print_upstream(const struct upstream_conf *u, FILE *out)
{
    bool tls = strncmp(u->url, "https:", 6) == 0;

    (void)fprintf(out, "    %-26s %s, at most %u at once", u->name, u->url, u->max_streams);
    if (tls)
        (void)fprintf(out, u->verify ? ", verified" : ", NOT verified");
    (void)fprintf(out, "\n");
}

static const char *mode(bool enforce)
{
    return enforce ? "enforce" : "observe";
}

static void print_pools(const struct settings *s, FILE *out)
{
    (void)fprintf(out, "pools\n");
    for (size_t i = 0; i < s->n_pools; i++) {
        const struct pool_conf *p = &s->pools[i];
        const struct decide_conf *d = &p->decide;

        (void)fprintf(out,
                      "  %-28s %zu upstream%s, profile %s, limiter %s, breaker %s, ramp %s, "
                      "queue %s\n",
                      p->name, p->n_upstreams, p->n_upstreams == 1 ? "" : "s",
                      d->api ? "api" : "chat", mode(d->limiter.enforce), mode(d->breaker.enforce),
                      mode(d->ramp.enforce), mode(d->queue.enforce));
        for (size_t u = 0; u < p->n_upstreams; u++)
            print_upstream(&p->upstreams[u], out);
    }
}

static void print_routes(const struct settings *s, FILE *out)
{
    (void)fprintf(out, "routes (the first match wins)\n");
    for (size_t i = 0; i < s->n_routes; i++) {
        const struct route_conf *r = &s->routes[i];

        (void)fprintf(out, "  %-28s to %s, class %s", r->path, r->pool_name, class_name(r->class));
        if (r->host[0] != '\0' || r->method[0] != '\0')
            (void)fprintf(out, ", host %s, method %s", or_any(r->host), or_any(r->method));
        (void)fprintf(out, "%s\n", r->websocket ? ", WebSocket" : "");
    }
    if (s->n_routes == 0)
        (void)fprintf(out, "  %-28s to %s, class %s\n", "everything", s->pools[0].name,
                      class_name(CLASS_INTERACTIVE));
    else
        (void)fprintf(out, "  %-28s 404\n", "no match");
}

static void print_admin(const struct settings *s, FILE *out)
{
    (void)fprintf(out, "admin\n  %-28s %s\n", "socket",
                  s->admin.socket[0] == '\0' ? "at the first default place that can be made"
                                             : s->admin.socket);
    (void)fprintf(out, "  %-28s %s%s\n", "http", s->admin.http[0] == '\0' ? "off" : s->admin.http,
                  s->admin.default_http ? " (default)" : "");
    (void)fprintf(out, "process\n  %-28s %u\n  %-28s %s\n", "workers", s->workers, "access log",
                  s->log.access);
}

static void print_given(const char *key, const char *value, const char *origin, void *arg)
{
    if (strcmp(origin, "default") != 0)
        (void)fprintf(arg, "  %-28s %s = %s\n", origin, key, value);
}

void conf_print_check(const struct settings *s, FILE *out)
{
    print_listeners(s, out);
    print_pools(s, out);
    print_routes(s, out);
    print_admin(s, out);
    (void)fprintf(out, "set, all else is default\n");
    conf_dump(s, print_given, out);
}
