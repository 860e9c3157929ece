/* SPDX-License-Identifier: Apache-2.0 */
/* News of limits as text, and the answers to them.  Pure. */
#include "codec.h"
#include "limits.h"

#define MOST UINT64_C(1000000000000000)

static void put_debts(struct text *t, const int64_t d[QUOTA_DEBTS])
{
    for (int i = 0; i < QUOTA_DEBTS; i++)
        text_printf(t, " %lld", (long long)d[i]);
}

static bool any(const int64_t d[QUOTA_DEBTS])
{
    int64_t all = 0;

    for (int i = 0; i < QUOTA_DEBTS; i++)
        all |= d[i];
    return all != 0;
}

void limits_put_news(struct text *t, const struct quota_news *n)
{
    text_hex(t, n->id, 16);
    for (int l = 0; l < QUOTA_LIMITS; l++)
        text_printf(t, " %llu",
                    (unsigned long long)(n->limits.most[l] < MOST ? n->limits.most[l] : MOST));
    put_debts(t, n->sure);
    text_printf(t, " %u %u", n->streams, n->waiting);
    for (int u = QUOTA_PROMPT; u < QUOTA_UNITS; u++)
        text_printf(t, " %llu", (unsigned long long)n->need[u]);
    for (int u = QUOTA_PROMPT; u < QUOTA_UNITS; u++)
        text_printf(t, " %llu", (unsigned long long)n->first[u]);
    if (any(n->unsure))
        put_debts(t, n->unsure);
}

enum weir_status limits_take_answer(struct slice s, struct quota_answer *out)
{
    enum { OTHERS = 6, GRANTED, FULL = 10, LIMIT, WAIT, RESET_MINUTE, RESET_DAY, NUMBERS };
    static const uint64_t most[NUMBERS] = {MOST,
                                           MOST,
                                           MOST,
                                           MOST,
                                           MOST,
                                           MOST,
                                           UINT32_MAX / 2,
                                           UINT32_MAX,
                                           UINT32_MAX,
                                           UINT32_MAX,
                                           1,
                                           QUOTA_LIMITS - 1,
                                           2 * QUOTA_DAY_MS,
                                           2 * QUOTA_DAY_MS,
                                           2 * QUOTA_DAY_MS};
    uint64_t n[NUMBERS];

    for (int i = 0; i < NUMBERS; i++)
        if (!codec_take_u64(&s, most[i], &n[i]))
            return WEIR_BAD;
    if (s.len > 0)
        return WEIR_BAD;
    *out = (struct quota_answer){.minute = {n[0], n[1], n[2]},
                                 .day = {n[3], n[4], n[5]},
                                 .streams = (uint32_t)n[OTHERS],
                                 .granted = {n[GRANTED], n[GRANTED + 1], n[GRANTED + 2]},
                                 .full = n[FULL] != 0,
                                 .limit = (uint8_t)n[LIMIT],
                                 .wait_ms = (uint32_t)n[WAIT],
                                 .reset_minute_ms = (uint32_t)n[RESET_MINUTE],
                                 .reset_day_ms = (uint32_t)n[RESET_DAY]};
    return WEIR_OK;
}
