/* SPDX-License-Identifier: Apache-2.0 */
/* Places on the list of those who may come back. */
#include "weir/decide/appoint.h"

#define PER_S_LEAST 0.5 /* a pool that admits nothing now is taken to admit one in two seconds */
#define FIRST_S     1.0 /* nobody is told to come back sooner */
#define LONGEST_S   59.0
#define LATE_FROM_S 30.0
#define LIST_MAX_S  120.0 /* the list is no longer than that: most of its users never come */
#define JITTER      0.1
#define LATER       0.05
#define LATELY_S    10u
#define EARLY_S     2u /* clients that come a little before their time keep it, too */

static uint32_t to_ms(double s)
{
    return num_floor(num_clamp(1000 * s, APPOINT_MIN_MS, APPOINT_MAX_MS));
}

uint32_t appoint_late(struct random *random)
{
    return to_ms(random_between(random, LATE_FROM_S, LONGEST_S));
}

uint32_t appoint_next(uint64_t *end_ns, struct random *random, double per_s, uint64_t not_before_ns,
                      uint64_t now_ns)
{
    uint64_t end = now_ns + num_ns(FIRST_S);
    double wait_s;

    if (*end_ns > end)
        end = *end_ns;
    if (not_before_ns > end)
        end = not_before_ns;
    end += num_ns(1 / num_max(PER_S_LEAST, per_s));
    wait_s = num_s(end - now_ns);
    if (wait_s > LONGEST_S)
        wait_s = random_between(random, LATE_FROM_S, LONGEST_S);
    if (end > now_ns + num_ns(LIST_MAX_S))
        end = now_ns + num_ns(LIST_MAX_S);
    *end_ns = end;
    return to_ms(wait_s * random_between(random, 1 - JITTER, 1 + JITTER));
}

uint32_t appoint_after(struct random *random, uint64_t turn_ns, uint64_t room_ns, uint64_t now_ns)
{
    double wait_s = num_s(turn_ns - now_ns);
    double room_s = num_clamp(num_s(room_ns - now_ns), LATE_FROM_S, LONGEST_S);

    if (wait_s > LONGEST_S)
        return to_ms(random_between(random, room_s, LONGEST_S));
    return to_ms(wait_s * random_between(random, 1, 1 + LATER) + 0.001);
}

/* Forgets what lies further back than anybody asks. */
static void appointed_turn(struct appointed *a, uint64_t second)
{
    uint64_t oldest = second > LATELY_S ? second - LATELY_S : 0;

    if (oldest > a->second + APPOINTED_SECONDS)
        a->second = oldest - APPOINTED_SECONDS;
    for (; a->second < oldest; a->second++)
        a->due[a->second % APPOINTED_SECONDS] = 0;
}

void appointed_note(struct appointed *a, uint32_t wait_ms, uint64_t now_ns)
{
    uint64_t at = (now_ns + wait_ms * NS_PER_MS) / NS_PER_S;
    uint16_t *due = &a->due[at % APPOINTED_SECONDS];

    appointed_turn(a, now_ns / NS_PER_S);
    if (*due < UINT16_MAX)
        (*due)++;
}

uint32_t appointed_lately(struct appointed *a, uint64_t now_ns)
{
    uint64_t second = now_ns / NS_PER_S;
    uint32_t sum = 0;

    appointed_turn(a, second);
    for (uint64_t s = a->second; s <= second + EARLY_S; s++)
        sum += a->due[s % APPOINTED_SECONDS];
    return sum;
}
