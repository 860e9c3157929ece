/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that follow from other settings or from the machine, where the file is silent. */
#include <sched.h>
#include <strings.h>
#include <unistd.h>

#include "conf_priv.h"
#include "weir/base/clock.h"

enum { WORKERS_MAX = 256 };

static bool was_given(const struct settings *s, const void *field)
{
    return conf_origin_of(s, field, false) != NULL;
}

/* The cores this process may use, which in a container are fewer than the machine has. */
static uint32_t cores(void)
{
    cpu_set_t set;
    int n = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (uint32_t)n;
}

/* Each node has a server of its own there. */
static bool is_on_this_machine(const char *url)
{
    const char *host = strstr(url, "://");

    if (host == NULL)
        return true; /* unix: */
    host += 3;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
           (strncasecmp(host, "localhost", 9) == 0 && strchr(":/", host[9]) != NULL);
}

static void derive_shared(const struct settings *s, struct pool_conf *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        if (!was_given(s, &p->upstreams[i].shared))
            p->upstreams[i].shared = !is_on_this_machine(p->upstreams[i].url);
    }
}

static void derive_pool(const struct settings *s, struct pool_conf *p)
{
    const uint64_t longest_ns = 7200 * NS_PER_S; /* the end of the range of first_token_last */

    if (p->decide.api && !was_given(s, &p->decide.limiter.queue_target_ns))
        p->decide.limiter.queue_target_ns = 125 * NS_PER_MS;
    if (!was_given(s, &p->timeouts.first_token_last_ns)) {
        uint64_t last_ns = 4 * p->timeouts.first_token_ns;
        p->timeouts.first_token_last_ns = last_ns < longest_ns ? last_ns : longest_ns;
    }
    p->decide.first_token_ns = p->timeouts.first_token_ns;
    derive_shared(s, p);
}

static void derive_routes(struct settings *s)
{
    for (size_t r = 0; r < s->n_routes; r++)
        for (size_t p = s->n_pools; p > 0; p--)
            if (strcmp(s->routes[r].pool_name, s->pools[p - 1].name) == 0)
                s->routes[r].pool = p - 1;
}

static void derive_redact(struct settings *s)
{
    static const char *const usual[] = {"key", "api_key",   "token",   "access_token",
                                        "sig", "signature", "password"};

    if (was_given(s, &s->log.redact))
        return;
    s->log.redact = conf_alloc(s, sizeof usual / sizeof usual[0], sizeof *s->log.redact);
    if (s->log.redact == NULL)
        return;
    s->log.n_redact = sizeof usual / sizeof usual[0];
    for (size_t i = 0; i < s->log.n_redact; i++)
        s->log.redact[i] = conf_copy(s, usual[i]);
}

/* The machine's name, in the letters that a node's name may have. */
static void derive_node(struct settings *s)
{
    char name[33] = "";

    if (was_given(s, &s->fleet.node) || gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
        return;
    for (char *p = name; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
        else if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *p) == NULL)
            *p = '-';
    }
    s->fleet.node = conf_copy(s, name);
}

void conf_derive(struct settings *s)
{
    if (s->workers == 0)
        s->workers = cores();
    s->default_listener = !was_given(s, &s->listeners);
    s->admin.default_http = !was_given(s, &s->admin.http);
    for (size_t i = 0; i < s->n_pools; i++)
        derive_pool(s, &s->pools[i]);
    derive_routes(s);
    derive_redact(s);
    if (s->fleet.redis[0] != '\0')
        derive_node(s);
}
