/* SPDX-License-Identifier: Apache-2.0 */
/* Per-user counts.  A slot with places is never given away, so counts stay exact. */
#include "weir/decide/users.h"

#include <stddef.h>

#include "weir/base/assert.h"
#include "weir/decide/num.h"

#define ROUND_NS (10 * NS_PER_S)

static struct user_slot *group_of(struct users *t, uint64_t user)
{
    return &t->slot[user % USERS_SLOTS / USERS_GROUP * USERS_GROUP];
}

struct user_slot *users_find(struct users *t, uint64_t user)
{
    struct user_slot *g = group_of(t, user);

    for (int i = 0; i < USERS_GROUP && user != 0; i++)
        if (g[i].user == user)
            return &g[i];
    return NULL;
}

/* The slot that was silent longest and has no place; NULL if all have one. */
static struct user_slot *make(struct users *t, uint64_t user)
{
    struct user_slot *g = group_of(t, user), *old = NULL;

    for (int i = 0; i < USERS_GROUP; i++)
        if (g[i].places == 0 && (old == NULL || g[i].seen_ns < old->seen_ns))
            old = &g[i];
    if (old != NULL)
        *old = (struct user_slot){.user = user};
    return old;
}

static void turn_round(struct users *t, uint64_t now_ns)
{
    uint64_t age = now_ns - t->round_ns;

    if (t->round != 0 && age < ROUND_NS)
        return;
    t->seen_before = t->round != 0 && age < 2 * ROUND_NS ? t->seen : 0;
    t->seen = 0;
    t->round++;
    t->round_ns = now_ns;
}

struct user_slot *users_arrived(struct users *t, uint64_t user, uint64_t now_ns)
{
    struct user_slot *u = users_find(t, user);

    if (user == 0)
        return NULL;
    turn_round(t, now_ns);
    if (u == NULL && (u = make(t, user)) == NULL)
        return NULL;
    u->seen_ns = now_ns;
    if (u->round != t->round) {
        u->round = t->round;
        t->seen++;
    }
    return u;
}

void user_takes_place(struct users *t, struct user_slot *u)
{
    t->with_places += u->places++ == 0;
}

void user_gives_place(struct users *t, struct user_slot *u)
{
    WEIR_ASSERT(u->places > 0);
    t->with_places -= --u->places == 0;
}

uint32_t users_recent(struct users *t, uint64_t now_ns)
{
    uint32_t came;

    turn_round(t, now_ns);
    came = t->seen > t->seen_before ? t->seen : t->seen_before;
    return came > t->with_places ? came : t->with_places;
}
