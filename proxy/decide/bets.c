/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence by betting: the purses, what is bet on a request, and ranks. */
#include "weir/decide/bets.h"

#include "weir/base/assert.h"
#include "weir/decide/num.h"

#define KEPT_ASIDE  0.3 /* of the purse is not bet */
#define SHARED_ANEW 0.004
#define PURSE_MOST  1e6 /* far beyond any verdict: no overflow */

static double prior(int i)
{
    return i == 0 ? KEPT_ASIDE : (1 - KEPT_ASIDE) / (BETS - 1);
}

void bets_begin(struct bets *b)
{
    for (int i = 0; i < BETS; i++)
        b->purse[i] = prior(i);
}

double bets_sum(const struct bets *b)
{
    double sum = 0;

    for (int i = 0; i < BETS; i++)
        sum += b->purse[i];
    return sum;
}

void bets_forget(struct bets *b)
{
    double left = num_min(1, bets_sum(b));

    for (int i = 0; i < BETS; i++)
        b->purse[i] = left * prior(i);
}

/* A part of each goes back to where it came from: the more, the more a request can tell. */
static void share_anew(struct bets *b, double share)
{
    double sum = bets_sum(b), part = SHARED_ANEW * share * (1 - share);

    if (sum > PURSE_MOST) {
        bets_begin(b);
        for (int i = 0; i < BETS; i++)
            b->purse[i] *= PURSE_MOST;
        return;
    }
    for (int i = 0; i < BETS; i++)
        b->purse[i] += part * (prior(i) * sum - b->purse[i]);
}

/* The likelihood of the label where the canary is `odds` times as likely as by lot, over the lot's.
 */
static double label_ratio(const struct bets_lot *l, double odds)
{
    double all = l->share * odds + 1 - l->share;

    return (l->canary ? odds : 1) / all;
}

void bets_on_more_failures(struct bets *b, const struct bets_lot *l)
{
    static const double times[BETS] = {1, 1.4, 2, 4, 10, 50}; /* as many failures */

    WEIR_ASSERT(l->share > 0 && l->share < 1);
    for (int i = 1; i < BETS; i++)
        b->purse[i] *= label_ratio(l, times[i]);
    share_anew(b, l->share);
}

/* What the request adds to the estimate of (canary's share of failures) - (peers'). */
static double weighted(const struct bets_lot *l, bool failed)
{
    if (!failed)
        return 0;
    return l->canary ? 1 / l->share : -1 / (1 - l->share);
}

void bets_on_failures_within(struct bets *b, const struct bets_lot *l, bool failed, double margin)
{
    static const double stake[BETS] = {0, 0.95, 0.6, 0.35, 0.2, 0.1}; /* 1: all, on no failure */

    WEIR_ASSERT(l->share > 0 && l->share < 1);
    for (int i = 1; i < BETS; i++)
        b->purse[i] *= 1 + stake[i] * l->share * (margin - weighted(l, failed));
    share_anew(b, l->share);
}

void bets_on_rank(struct bets *b, const struct bets_lot *l, double rank, bool larger)
{
    static const double slope[BETS] = {0, 0.15, 0.3, 0.5, 0.7, 0.9};
    double at = larger ? 2 * rank - 1 : 1 - 2 * rank;

    WEIR_ASSERT(l->share > 0 && l->share < 1 && rank >= 0 && rank <= 1);
    for (int i = 1; i < BETS; i++)
        b->purse[i] *= label_ratio(l, (1 + slope[i] * at) / (1 - slope[i] * at));
    share_anew(b, l->share);
}

/* --- ranks */

static double as_if_peers(double value, bool canary, const struct ranks_slack *slack)
{
    return canary ? (value - slack->more) / slack->times : value;
}

double ranks_find(const struct ranks *r, unsigned kind, double value, bool canary,
                  const struct ranks_slack *slack)
{
    const struct ranks_of_kind *k = &r->of[kind];
    double mine = as_if_peers((float)value, canary, slack), below = 0.5;

    WEIR_ASSERT(kind < RANKS_KINDS);
    for (unsigned i = 0; i < k->n; i++) {
        double kept = k->value[i];
        double other = as_if_peers(kept < 0 ? -kept : kept, kept < 0, slack);
        below += other < mine ? 1 : other > mine ? 0 : 0.5;
    }
    return below / (k->n + 1);
}

void ranks_keep(struct ranks *r, unsigned kind, double value, bool canary)
{
    struct ranks_of_kind *k = &r->of[kind];

    WEIR_ASSERT(kind < RANKS_KINDS);
    k->value[k->next] = (float)(canary ? -value : value);
    k->next = (uint8_t)((k->next + 1) % RANKS_KEPT);
    if (k->n < RANKS_KEPT)
        k->n++;
}
