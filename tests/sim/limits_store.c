/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store of a fleet does with the news of one count: proxy/fleet/lua/users.lua says the
 * same in Redis.  Here for tests and for the simulation.
 */
#include "limits_store.h"

#include <string.h>

#include "../../proxy/decide/quota_priv.h"

static uint64_t room_of(const struct quota_stored *s, const struct quota_news *n,
                        enum quota_limit l, uint32_t now_ms)
{
    enum quota_span span = quota_limit_span(l);
    uint64_t sum[QUOTA_UNITS], used;

    if (span == QUOTA_AT_ONCE) {
        used = (uint64_t)s->streams + n->streams;
    } else {
        quota_window_sum(span == QUOTA_MINUTE ? &s->minute : &s->day,
                         span == QUOTA_MINUTE ? QUOTA_MINUTE_MS : QUOTA_DAY_MS, now_ms, sum);
        used = quota_sum(sum, quota_limit_units(l));
    }
    return n->limits.most[l] > used ? n->limits.most[l] - used : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool takes(enum quota_limit l, enum quota_unit u)
{
    return (quota_limit_units(l) >> u & 1) != 0 ||
           (u == QUOTA_REQUESTS && quota_limit_span(l) == QUOTA_AT_ONCE);
}

/* As many as there is room for under every limit; none, if not even the first. */
static void grant(const struct quota_stored *s, const struct quota_news *n,
                  struct quota_answer *out, uint32_t now_ms)
{
    uint64_t *g = out->granted;

    g[QUOTA_REQUESTS] = n->waiting;
    g[QUOTA_PROMPT] = n->need[QUOTA_PROMPT];
    g[QUOTA_OUTPUT] = n->need[QUOTA_OUTPUT];
    for (int u = 0; u < QUOTA_UNITS; u++)
        for (int i = 0; i < QUOTA_LIMITS; i++) {
            enum quota_limit l = (enum quota_limit)i;
            uint64_t room, before = 0;

            if (n->limits.most[l] == 0 || !takes(l, (enum quota_unit)u))
                continue;
            if (u == QUOTA_OUTPUT && takes(l, QUOTA_PROMPT))
                before = g[QUOTA_PROMPT];
            room = room_of(s, n, l, now_ms);
            g[u] = least(g[u], room > before ? room - before : 0);
        }
    if (g[QUOTA_REQUESTS] < 1 || g[QUOTA_PROMPT] < n->first[QUOTA_PROMPT] ||
        g[QUOTA_OUTPUT] < n->first[QUOTA_OUTPUT])
        memset(g, 0, sizeof out->granted);
}

static void note_wait(const struct quota_stored *s, const struct quota_news *n,
                      struct quota_answer *out, uint32_t now_ms)
{
    for (int i = 0; i < QUOTA_LIMITS; i++) {
        enum quota_limit l = (enum quota_limit)i;
        bool day = quota_limit_span(l) == QUOTA_DAY, at_once = quota_limit_span(l) == QUOTA_AT_ONCE;
        unsigned bits = quota_limit_units(l);
        const uint64_t one[QUOTA_UNITS] = {1, n->first[QUOTA_PROMPT], n->first[QUOTA_OUTPUT]};
        uint64_t need = at_once ? 1 : quota_sum(one, bits), most = n->limits.most[l];
        uint32_t wait_ms = 0;

        if (most == 0 || room_of(s, n, l, now_ms) >= need + (at_once ? out->granted[0] : 0))
            continue;
        if (!at_once)
            wait_ms = quota_window_wait_ms(day ? &s->day : &s->minute,
                                           day ? QUOTA_DAY_MS : QUOTA_MINUTE_MS, bits,
                                           most > need ? most - need : 0, now_ms);
        if (wait_ms >= out->wait_ms) {
            out->wait_ms = wait_ms;
            out->limit = (uint8_t)l;
        }
    }
}

/* Nothing makes no new part. */
static void add_some(struct quota_window *w, uint32_t span_ms, const uint32_t n[QUOTA_UNITS],
                     uint32_t now_ms)
{
    if ((n[0] | n[1] | n[2]) != 0)
        quota_window_add(w, span_ms, n, now_ms);
}

static void add(struct quota_window *w, uint32_t span_ms, const int64_t *n, uint32_t now_ms)
{
    uint32_t more[QUOTA_UNITS] = {0}, less[QUOTA_UNITS] = {0};

    for (int u = 0; u < QUOTA_UNITS; u++) {
        more[u] = n[u] > 0 ? (uint32_t)n[u] : 0;
        less[u] = n[u] < 0 ? (uint32_t)-n[u] : 0;
    }
    add_some(w, span_ms, more, now_ms);
    quota_window_take_back(w, span_ms, less, now_ms, now_ms);
}

static void charge(struct quota_stored *s, const int64_t debts[QUOTA_DEBTS], uint32_t now_ms)
{
    int64_t minute[QUOTA_UNITS];

    for (int u = 0; u < QUOTA_UNITS; u++)
        minute[u] = debts[u] - debts[QUOTA_DEBT_BACK * QUOTA_UNITS + u];
    add(&s->minute, QUOTA_MINUTE_MS, minute, now_ms);
    add(&s->day, QUOTA_DAY_MS, &debts[QUOTA_DEBT_DAY * QUOTA_UNITS], now_ms);
}

void quota_store(struct quota_stored *s, const struct quota_news *n, struct quota_answer *out,
                 uint32_t now_ms)
{
    uint32_t granted[QUOTA_UNITS];

    memset(out, 0, sizeof *out);
    charge(s, n->sure, now_ms);
    if (n->waiting > 0) {
        grant(s, n, out, now_ms);
        for (int u = 0; u < QUOTA_UNITS; u++)
            granted[u] = (uint32_t)out->granted[u];
        add_some(&s->minute, QUOTA_MINUTE_MS, granted, now_ms);
        add_some(&s->day, QUOTA_DAY_MS, granted, now_ms);
        out->full = out->granted[QUOTA_REQUESTS] < n->waiting ||
                    out->granted[QUOTA_PROMPT] < n->need[QUOTA_PROMPT] ||
                    out->granted[QUOTA_OUTPUT] < n->need[QUOTA_OUTPUT];
        if (out->full)
            note_wait(s, n, out, now_ms);
    }
    quota_window_sum(&s->minute, QUOTA_MINUTE_MS, now_ms, out->minute);
    quota_window_sum(&s->day, QUOTA_DAY_MS, now_ms, out->day);
    out->streams = s->streams;
    out->reset_minute_ms = quota_window_wait_ms(&s->minute, QUOTA_MINUTE_MS, 7, 0, now_ms);
    out->reset_day_ms = quota_window_wait_ms(&s->day, QUOTA_DAY_MS, 7, 0, now_ms);
}
