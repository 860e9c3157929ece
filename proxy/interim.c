/* SPDX-License-Identifier: Apache-2.0 */
/* Until the resolver lands: numeric addresses only. */
#include "weir/net/resolver.h"
#include <stdio.h>
#include <stdlib.h>
struct resolver {
    int x;
};
struct resolver_watch {
    struct loop_grave g;
    struct net_addr a;
    resolver_fn *fn;
    void *arg;
};
struct resolver *resolver_create(struct loop *l)
{
    (void)l;
    return malloc(4);
}
void resolver_destroy(struct resolver **r)
{
    free(*r);
    *r = NULL;
}
struct resolver_watch *resolver_watch(struct resolver *r, const char *host, uint16_t port,
                                      resolver_fn *fn, void *arg)
{
    (void)r;
    struct resolver_watch *w = calloc(1, sizeof *w);
    char t[300];
    snprintf(t, 300, "%s:%d", host, port);
    if (net_addr_parse(slice_str(t), &w->a) != WEIR_OK)
        abort();
    fn(&w->a, 1, NULL, arg);
    return w;
}
void resolver_unwatch(struct resolver_watch **w)
{
    free(*w);
    *w = NULL;
}
