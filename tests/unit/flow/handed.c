/* SPDX-License-Identifier: Apache-2.0 */
#include "handed.h"

#include <stdlib.h>

struct control *handed_control(void)
{
    struct conf_diagnostics m = {0};
    struct settings *s = conf_from_upstream("http://127.0.0.1:1", NULL, &m);
    struct control *c = calloc(1, sizeof *c);
    char why[300];

    WEIR_ASSERT(s != NULL && c != NULL);
    s->pages.status_path = ""; /* nobody to hand it to */
    c->loop = loop_create();
    c->snapshot = snapshot_create(&s, NULL, &c->slots, why, sizeof why, mono_now_ns());
    WEIR_ASSERT(c->loop != NULL && c->snapshot != NULL && control_keep_names(c, c->snapshot) &&
                why_ring_init(&c->why, 4));
    return c;
}

void handed_control_again(struct control *c)
{
    const struct snapshot_pool *p = &c->snapshot->pools[0];
    struct upstream_watch *u = &c->upstreams[p->upstreams[0].slot];
    struct pool_watch *watch = &c->pools[p->slot];
    struct hash_key key = {1, 2};
    struct pool *pool = gate_lock(p->gate);

    memset(pool, 0, pool_bytes(1));
    (void)pool_init(pool, &p->conf->decide, &p->conf->upstreams[0].max_streams, 1, key, 1,
                    mono_now_ns());
    pool_name(pool, 0, (uint32_t)p->upstreams[0].slot);
    gate_unlock(p->gate);
    free(watch->incident);
    *watch = (struct pool_watch){0};
    *u = (struct upstream_watch){0};
    c->snapshot->user_key = key;
}

void handed_control_free(struct control **cp)
{
    struct control *c = *cp;

    *cp = NULL;
    for (int i = 0; i <= SNAPSHOT_POOLS_MAX; i++) {
        free(c->pools[i].incident);
        free(c->names.pools[i]);
    }
    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        free(c->names.upstreams[i]);
    why_ring_free(&c->why);
    snapshot_unref(c->snapshot);
    slot_book_free(&c->slots);
    loop_destroy(&c->loop);
    free(c);
}
