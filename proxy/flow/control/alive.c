/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager hears of: whether the workers live, and the state in one line. */
#include <stdio.h>

#include "control/control_priv.h"
#include "weir/base/words.h"

enum { OVER_S = 10 }; /* what "a second" is the mean of */

static bool worker_lives(struct control *c, int index, uint64_t within_ns)
{
    struct worker_life *life = &c->workers.life[index];
    uint64_t now = loop_now_ns(c->loop);
    uint64_t seconds = counter_get(&worker_counters(c->workers.list[index])->seconds);

    if (life->seen_ns == 0 || seconds != life->seconds) {
        *life = (struct worker_life){seconds, now, false};
        return true;
    }
    if (now - life->seen_ns <= within_ns)
        return true;
    if (!life->said)
        log_error("worker %d has not gone round its loop for %.0f s", index,
                  (double)(now - life->seen_ns) / 1e9);
    life->said = true;
    return false;
}

bool control_workers_live(struct control *c, uint64_t within_ns)
{
    bool all = true;

    for (int i = 0; i < c->workers.n_running; i++)
        all = worker_lives(c, i, within_ns) && all;
    return all;
}

static double refused_per_s(const struct control *c)
{
    uint64_t n = 0;

    for (size_t i = 0; i < c->snapshot->settings->n_pools; i++) {
        for (int cause = 0; cause < CAUSE_COUNT; cause++)
            n += control_shed_in(c, c->snapshot->pools[i].slot, OVER_S, (enum cause)cause);
    }
    return (double)n / OVER_S;
}

void control_say_state(struct control *c, char *text, size_t room)
{
    const char *name = service_state_name(c->service.state);
    struct worker_sum sum;

    switch (c->service.state) {
    case SERVICE_SERVING:
        (void)snprintf(text, room, "%s", name);
        break;
    case SERVICE_SHEDDING:
        (void)snprintf(text, room, "%s: %.1f requests a second are refused", name,
                       refused_per_s(c));
        break;
    case SERVICE_RECOVERING:
        (void)snprintf(text, room, "%s: %.0f %% of the load is let in", name,
                       100 * c->service.share);
        break;
    case SERVICE_DOWN:
        (void)snprintf(text, room, "%s: no upstream takes requests", name);
        break;
    case SERVICE_DRAINING:
        control_sum_workers(c, &sum);
        (void)snprintf(text, room, "%s: %llu client connections are left", name,
                       (unsigned long long)sum.client_open);
        break;
    }
}
