/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records, plans, orders, answers about limits and what is shown, as strangers may have written
 * them.  The first byte says which.  What is taken lies in its ranges after it was mended, and is
 * taken alike when it is written anew.
 */
#include <math.h>
#include <string.h>

#include "fleet/codec.h"
#include "fleet/limits.h"
#include "fuzz.h"

enum { MAX_STREAMS = 48 };

static void check_rows(const struct fleet_row *rows, size_t n, const void *of)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)of + rows[i].at;

        if (rows[i].form == FLEET_REAL) {
            double x;

            memcpy(&x, at, sizeof x);
            WEIR_ASSERT(isfinite(x) && x >= rows[i].least && x <= rows[i].most);
        }
    }
}

static void fuzz_record(struct slice in)
{
    char again[4096];
    struct codec_head h;
    struct codec_line l, same;
    size_t n;
    const struct fleet_row *rows = fleet_record_rows(&n);
    struct text t;

    if (codec_take_head(&in, &h) != WEIR_OK)
        return;
    while (codec_take_line(&in, &l) == WEIR_OK) {
        struct slice s;

        fleet_record_mend(&l.record, MAX_STREAMS);
        check_rows(rows, n, &l.record);
        if (l.name.len > 1024)
            continue;
        text_init(&t, again, sizeof again);
        codec_put_line(&t, &l);
        s = text_slice(&t);
        WEIR_ASSERT(!t.full && codec_take_line(&s, &same) == WEIR_OK && same.held == l.held);
    }
}

static void fuzz_plan(struct slice in)
{
    struct fleet_plan p;
    uint64_t rules;
    size_t n;
    const struct fleet_row *rows = fleet_plan_rows(&n);

    if (codec_take_plan(in, &rules, &p) != WEIR_OK)
        return;
    fleet_plan_mend(&p, MAX_STREAMS);
    check_rows(rows, n, &p);
    WEIR_ASSERT(p.total <= MAX_STREAMS && p.limits.streams <= MAX_STREAMS);
}

/* A line: what; the next: the value. */
static void fuzz_order(struct slice in)
{
    const char *end = in.len == 0 ? NULL : memchr(in.p, '\n', in.len);
    struct fleet_order o;

    if (end == NULL || codec_take_order(slice_of(in.p, (size_t)(end - in.p)),
                                        slice_from(in, (size_t)(end - in.p) + 1), &o) != WEIR_OK)
        return;
    WEIR_ASSERT(o.pool[0] != '\0' && o.node[0] != '\0' && o.topic < FLEET_TOPIC_COUNT);
    WEIR_ASSERT(o.value >= 0 && strlen(o.text) <= FLEET_TEXT_MAX && o.given_ms != 0);
    for (const char *p = o.text; *p != '\0'; p++)
        WEIR_ASSERT((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_name(const char *name, size_t room)
{
    size_t n = strlen(name);

    WEIR_ASSERT(n > 0 && n < room);
    WEIR_ASSERT(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-/") == n);
}

/* What is taken is taken alike when it is written anew, and has a place in the sums. */
static void fuzz_shown(struct slice in)
{
    static char again[64 * 1024];
    static struct fleet_shown n, same;
    static struct fleet_sum sum;
    struct text t;

    if (!codec_take_shown(in, &n))
        return;
    WEIR_ASSERT(n.n_pools <= FLEET_SHOWN_POOLS && n.n_upstreams <= FLEET_SHOWN_UPSTREAMS);
    for (size_t i = 0; i < n.n_pools; i++)
        check_name(n.pools[i].name, sizeof n.pools[i].name);
    for (size_t i = 0; i < n.n_upstreams; i++)
        check_name(n.upstreams[i].name, sizeof n.upstreams[i].name);
    text_init(&t, again, sizeof again);
    codec_put_shown(&t, &n);
    WEIR_ASSERT(!t.full && codec_take_shown(text_slice(&t), &same));
    WEIR_ASSERT(same.state == n.state && same.n_pools == n.n_pools &&
                same.n_upstreams == n.n_upstreams);
    memset(&sum, 0, sizeof sum);
    fleet_sum_add(&sum, "a", &n);
    fleet_sum_add(&sum, "b", &same);
    WEIR_ASSERT(!sum.cut && sum.nodes == 2);
}

static void fuzz_limits(struct slice in)
{
    struct quota_answer a;

    if (limits_take_answer(in, &a) != WEIR_OK)
        return;
    WEIR_ASSERT(a.limit < QUOTA_LIMITS && a.wait_ms <= 2 * QUOTA_DAY_MS);
    WEIR_ASSERT(a.granted[QUOTA_REQUESTS] <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    char which = size == 0 ? 'r' : in.p[0];

    in = slice_from(in, size == 0 ? 0 : 1);
    if (which == 'p')
        fuzz_plan(in);
    else if (which == 's')
        fuzz_shown(in);
    else if (which == 'o')
        fuzz_order(in);
    else if (which == 'l')
        fuzz_limits(in);
    else
        fuzz_record(in);
    return 0;
}
