/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at a limit, and what is told of it.  How many are is exact: each count stands in the
 * second in which something was refused there last.  By name a few are told of: a stranger who
 * brings a thousand keys to their limits writes no thousand lines.
 */
#include <string.h>

#include "quota_priv.h"

#define NAME_EACH_NS   (10 * NS_PER_S)
#define NAMES_SAVED_NS (8 * NAME_EACH_NS) /* so many may come at once */
#define OTHERS_EACH_NS (60 * NS_PER_S)

/* Never 0.  Workers' clocks differ a little: what is behind the newest second counts as of it. */
static uint64_t second_of(const struct quota_reach *r, uint64_t now_ns)
{
    uint64_t second = now_ns / NS_PER_S + 1;

    return second > r->second ? second : r->second;
}

static void go_on(struct quota_reach *r, uint64_t second)
{
    if (second - r->second >= QUOTA_REACHED_S)
        memset(r->n, 0, sizeof r->n);
    else
        while (r->second < second)
            r->n[++r->second % QUOTA_REACHED_S] = 0;
    r->second = second;
}

static bool is_reached(const struct quota_slot *s, uint64_t second)
{
    return s->reached_s != 0 && s->reached_s + QUOTA_REACHED_S > second;
}

void quota_reach_forget(struct quota *q, const struct quota_slot *s)
{
    if (s->key != 0 && is_reached(s, q->reach.second))
        q->reach.n[s->reached_s % QUOTA_REACHED_S]--;
}

uint32_t quota_reached(const struct quota *q, uint64_t now_ns)
{
    const struct quota_reach *r = &q->reach;
    uint64_t second = second_of(r, now_ns);
    uint32_t sum = 0;

    for (uint64_t s = r->second; s + QUOTA_REACHED_S > second && s > 0; s--)
        sum += r->n[s % QUOTA_REACHED_S];
    return q->on ? sum : 0;
}

/* --- by name */

static struct quota_named *place_for(struct quota_reach *r, uint64_t now_ns)
{
    uint64_t saved_ns = now_ns > NAMES_SAVED_NS ? now_ns - NAMES_SAVED_NS : 0;

    if (r->paid_ns < saved_ns)
        r->paid_ns = saved_ns;
    for (int i = 0; i < QUOTA_TOLD_AT_ONCE && r->paid_ns + NAME_EACH_NS <= now_ns; i++) {
        if (r->named[i].key == 0) {
            r->paid_ns += NAME_EACH_NS;
            return &r->named[i];
        }
    }
    return NULL;
}

static void begin(struct quota *q, struct quota_slot *s, const struct quota_refusal *no,
                  uint64_t now_ns)
{
    struct quota_named *named = place_for(&q->reach, now_ns);

    if (named == NULL) {
        q->reach.others++;
        return;
    }
    *named = (struct quota_named){.key = s->key,
                                  .user = s->user,
                                  .rule_id = s->rule_id,
                                  .refused = 1,
                                  .first_ns = now_ns,
                                  .last_ns = now_ns,
                                  .no = *no};
    s->told = (uint8_t)(named - q->reach.named + 1);
}

void quota_note_refused(struct quota *q, const struct quota_refusal *no, uint64_t now_ns)
{
    struct quota_slot *s = quota_slot_find(q, no->key);
    struct quota_reach *r = &q->reach;

    if (s == NULL)
        return;
    go_on(r, second_of(r, now_ns));
    if (s->told != 0) {
        r->named[s->told - 1].refused++;
        r->named[s->told - 1].last_ns = now_ns;
    }
    if (is_reached(s, r->second))
        r->n[s->reached_s % QUOTA_REACHED_S]--;
    else if (s->told == 0)
        begin(q, s, no, now_ns);
    s->reached_s = r->second;
    r->n[r->second % QUOTA_REACHED_S]++;
}

/* --- what is new */

static bool limits_still(const struct quota *q, const struct quota_named *named, int rule)
{
    struct quota_limits l;

    if (!q->on || rule < 0)
        return false;
    l = rule == 0 ? quota_limits_of(q, named->user) : q->rule[rule].limits;
    return l.most[named->no.limit] != 0;
}

static void tell(const struct quota_named *named, enum quota_event_kind news,
                 struct quota_event *ev)
{
    *ev = (struct quota_event){.news = news,
                               .user = named->user,
                               .no = named->no,
                               .refused = named->refused,
                               .for_ns = named->last_ns - named->first_ns};
}

/* The slot may be another count's by now. */
static bool is_over(struct quota *q, struct quota_named *named, uint64_t second, bool in_force)
{
    struct quota_slot *s = quota_slot_find(q, named->key);
    bool is_its = s != NULL && s->told == named - q->reach.named + 1;

    if (is_its && is_reached(s, second) && in_force)
        return false;
    if (is_its)
        s->told = 0;
    return true;
}

static bool tell_named(struct quota *q, struct quota_named *named, struct quota_event *ev,
                       uint64_t now_ns)
{
    int rule = quota_rule_of(q, named->rule_id);
    bool in_force = limits_still(q, named, rule);

    if (!named->begun) {
        named->begun = true;
        tell(named, QUOTA_BEGINS, ev);
        return true;
    }
    if (!is_over(q, named, second_of(&q->reach, now_ns), in_force))
        return false;
    tell(named, QUOTA_ENDS, ev);
    ev->in_force = in_force;
    if (rule >= 0)
        ev->no.rule = (uint8_t)rule;
    named->key = 0;
    return true;
}

static bool tell_others(struct quota *q, struct quota_event *ev, uint64_t now_ns)
{
    struct quota_reach *r = &q->reach;

    if (r->others == 0 || (r->others_ns != 0 && now_ns - r->others_ns < OTHERS_EACH_NS))
        return false;
    *ev = (struct quota_event){
        .news = QUOTA_OTHERS, .others = r->others, .all = quota_reached(q, now_ns)};
    r->others = 0;
    r->others_ns = now_ns;
    return true;
}

bool quota_next_event(struct quota *q, struct quota_event *ev, uint64_t now_ns)
{
    for (int i = 0; i < QUOTA_TOLD_AT_ONCE; i++) {
        if (q->reach.named[i].key != 0 && tell_named(q, &q->reach.named[i], ev, now_ns))
            return true;
    }
    return tell_others(q, ev, now_ns);
}
