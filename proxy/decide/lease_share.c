/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be told, and what the call under way carries. */
#include "weir/decide/lease_share.h"

#include "weir/base/assert.h"
#include "weir/decide/num.h"

#define TELL_PER_S 25000.0
#define ASK_PER_S  50000.0

static void drop_oldest(struct lease_share *s)
{
    s->given_at = (s->given_at + 1) % LEASE_SHARE_GIVEN;
    s->given_n--;
    s->telling -= s->telling > 0;
}

void lease_share_given(struct lease_share *s, uint64_t user, uint64_t lease_ns, uint64_t now_ns)
{
    uint64_t again_ns = lease_ns / 10 < LEASE_SHARE_AGAIN_NS ? lease_ns / 10 : LEASE_SHARE_AGAIN_NS;

    if (lease_is_in_force(&s->told, user, now_ns))
        return;
    lease_renew(&s->told, user, now_ns + again_ns);
    if (s->given_n == LEASE_SHARE_GIVEN)
        drop_oldest(s);
    s->given[(s->given_at + s->given_n++) % LEASE_SHARE_GIVEN] =
        (struct lease_slot){user, now_ns + lease_ns};
}

size_t lease_share_tell(struct lease_share *s, struct lease_slot *out, size_t room)
{
    WEIR_ASSERT(s->telling == 0);
    for (; s->telling < s->given_n && s->telling < room; s->telling++)
        out[s->telling] = s->given[(s->given_at + s->telling) % LEASE_SHARE_GIVEN];
    return s->telling;
}

static bool is_asked(const struct lease_share *s, uint64_t user)
{
    for (uint32_t i = 0; i < s->asked_n; i++)
        if (s->asked[i] == user)
            return true;
    return false;
}

bool lease_share_ask(struct lease_share *s, uint64_t user, size_t room)
{
    if (s->asked_n == room)
        return false;
    if (!is_asked(s, user))
        s->asked[s->asked_n++] = user;
    return true;
}

void lease_share_done(struct lease_share *s)
{
    while (s->telling > 0)
        drop_oldest(s);
    s->asked_n = 0;
}

void lease_share_lost(struct lease_share *s)
{
    s->telling = s->asked_n = 0; /* told again: twice is as good as once */
}

/* Of `per_s` over all nodes this one's. */
static size_t room_of(double per_s, uint32_t nodes, uint64_t since_ns, size_t most)
{
    double n = per_s / nodes * num_s(since_ns);

    return (size_t)num_floor(num_clamp(n, 1, (double)most));
}

struct lease_rooms lease_share_rooms(uint32_t nodes, uint64_t since_ns)
{
    return (struct lease_rooms){
        .tell = room_of(TELL_PER_S, nodes, since_ns, LEASE_SHARE_TOLD),
        .ask = room_of(ASK_PER_S, nodes, since_ns, LEASE_SHARE_ASKED),
    };
}
