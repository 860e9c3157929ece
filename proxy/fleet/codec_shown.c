/* SPDX-License-Identifier: Apache-2.0 */
/* What a node tells of itself for people, as lines of its record, and back.  Pure. */
#include <string.h>

#include "codec_priv.h"

enum sign { SIGN_NODE = '@', SIGN_POOL = '=', SIGN_UPSTREAM = '+' };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROW(type, member, means)                                                                   \
    {                                                                                              \
        .name = #member, .at = offsetof(type, member), .form = means                               \
    }
#define POOL(member, means)     ROW(struct fleet_shown_pool, member, means)
#define UPSTREAM(member, means) ROW(struct fleet_shown_upstream, member, means)

/* New ones go to the end: what an older weir knows stays where it is. */
static const struct fleet_row node_rows[] = {ROW(struct fleet_shown, state, FLEET_WORD)};
static const struct fleet_row pool_rows[] = {
    POOL(state, FLEET_WORD),     POOL(waiting, FLEET_NUMBER), POOL(admitted, FLEET_NUMBER),
    POOL(refused, FLEET_NUMBER), POOL(limited, FLEET_NUMBER),
};
static const struct fleet_row upstream_rows[] = {
    UPSTREAM(state, FLEET_WORD),  UPSTREAM(shared, FLEET_FLAG),   UPSTREAM(limit, FLEET_NUMBER),
    UPSTREAM(held, FLEET_NUMBER), UPSTREAM(used, FLEET_NUMBER),   UPSTREAM(pending, FLEET_NUMBER),
    UPSTREAM(ok, FLEET_NUMBER),   UPSTREAM(failed, FLEET_NUMBER), UPSTREAM(refused, FLEET_NUMBER),
};

/* No name begins so. */
bool codec_is_shown(struct slice s)
{
    return s.len > 0 && (s.p[0] == SIGN_NODE || s.p[0] == SIGN_POOL || s.p[0] == SIGN_UPSTREAM);
}

/* --- out */

static void put_line(struct text *t, enum sign sign, const char *name, const struct fleet_row *rows,
                     size_t n, const void *of)
{
    text_char(t, (char)sign);
    text_str(t, name);
    codec_put_rows(t, rows, n, of);
    text_char(t, '\n');
}

void codec_put_shown(struct text *t, const struct fleet_shown *n)
{
    put_line(t, SIGN_NODE, "", node_rows, COUNT(node_rows), n);
    for (size_t i = 0; i < n->n_pools; i++)
        put_line(t, SIGN_POOL, n->pools[i].name, pool_rows, COUNT(pool_rows), &n->pools[i]);
    for (size_t i = 0; i < n->n_upstreams; i++)
        put_line(t, SIGN_UPSTREAM, n->upstreams[i].name, upstream_rows, COUNT(upstream_rows),
                 &n->upstreams[i]);
}

/* --- in */

static void copy_name(char *to, struct slice name)
{
    memcpy(to, name.p, name.len);
    to[name.len] = '\0';
}

static bool take_pool(struct slice name, struct slice line, struct fleet_shown *out)
{
    struct fleet_shown_pool p = {0};

    if (!codec_is_name(name, sizeof p.name - 1) || out->n_pools == FLEET_SHOWN_POOLS ||
        !codec_take_rows(&line, pool_rows, COUNT(pool_rows), &p) ||
        (unsigned)p.state >= SERVICE_STATE_COUNT)
        return false;
    copy_name(p.name, name);
    out->pools[out->n_pools++] = p;
    return true;
}

static bool is_path(struct slice name)
{
    const char *slash = memchr(name.p, '/', name.len);
    size_t n = slash == NULL ? 0 : (size_t)(slash - name.p);

    return codec_is_name(slice_of(name.p, n), 63) && codec_is_name(slice_from(name, n + 1), 63);
}

static bool take_upstream(struct slice name, struct slice line, struct fleet_shown *out)
{
    struct fleet_shown_upstream u = {0};

    if (name.len == 0 || !is_path(name) || out->n_upstreams == FLEET_SHOWN_UPSTREAMS ||
        !codec_take_rows(&line, upstream_rows, COUNT(upstream_rows), &u) ||
        (unsigned)u.state >= BREAKER_STATE_COUNT)
        return false;
    copy_name(u.name, name);
    out->upstreams[out->n_upstreams++] = u;
    return true;
}

static bool take_node(struct slice line, struct fleet_shown *out)
{
    return codec_take_rows(&line, node_rows, COUNT(node_rows), out) &&
           (unsigned)out->state < SERVICE_STATE_COUNT;
}

bool codec_take_shown(struct slice s, struct fleet_shown *out)
{
    bool told = false;

    out->state = SERVICE_SERVING;
    out->n_pools = out->n_upstreams = 0;
    while (s.len > 0) {
        struct slice line = codec_whole_line(&s), name;
        char sign;

        if (!codec_is_shown(line))
            continue;
        sign = line.p[0];
        line = slice_from(line, 1);
        name = codec_word(&line);
        if (sign == SIGN_NODE)
            told = take_node(line, out);
        else if (sign == SIGN_POOL)
            (void)take_pool(name, line, out);
        else
            (void)take_upstream(name, line, out);
    }
    return told;
}
