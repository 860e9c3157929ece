/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another process hands over: whatever the bytes are, the pools can be worked with after it,
 * and places that come back never leave more than there were.
 */
#include <string.h>

#include "../unit/flow/handed.h"
#include "fuzz.h"
#include "weir/decide/pool_priv.h"

/* Events point at names, and say what a terminal may be shown. */
static void on_event(const struct control_event *e, void *arg)
{
    (void)arg;
    WEIR_ASSERT(strlen(e->pool) + strlen(e->upstream) < 100 && e->to < BREAKER_STATE_COUNT);
    for (const char *s = e->sentence; *s != '\0'; s++)
        WEIR_ASSERT((unsigned char)*s >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct control *c;
    struct gate_counts counts = {0};
    struct gate *g;

    log_set_level(LOG_LEVEL_ERROR);
    if (c == NULL)
        c = handed_control();
    handed_control_again(c);
    g = c->snapshot->pools[0].gate;
    (void)handed_state_read(c, slice_of(data, size));
    for (int i = 1; i < 4; i++)
        gate_tick(g, &counts, mono_now_ns() + (uint64_t)i * NS_PER_S);
    control_events(c, 0, on_event, NULL);
    (void)control_why(c, "some");
    (void)handed_state_lend(c, 1);
    handed_state_give(c, 0, 1);
    handed_state_alone(c);
    WEIR_ASSERT(gate_lock(g)->upstream[0].elsewhere <= 1000000);
    gate_unlock(g);
    return 0;
}
