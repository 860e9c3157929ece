/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the admin side of another process remembers: whatever the bytes are, the history can be
 * shown and goes on, and what is shown is JSON whose values the page can draw.
 */
#include <jansson.h>
#include <stdlib.h>

#include "../unit/admin/fake_control.h"
#include "fuzz.h"
#include "metrics/tally.h"
#include "web/history.h"

enum { SHOWN_MAX = 4 * 1024 * 1024 };

static void check(const struct history *h)
{
    static char mem[SHOWN_MAX];
    struct json_out j;
    struct text t;
    json_t *shown, *at, *upstream, *state;
    size_t i, k;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    history_json(&j, h);
    json_close(&j);
    if (t.full)
        return;
    shown = json_loads(mem, 0, NULL);
    WEIR_ASSERT(shown != NULL);
    at = json_object_get(shown, "at");
    json_array_foreach(json_object_get(shown, "upstreams"), i, upstream)
    {
        json_t *states = json_object_get(upstream, "state");
        WEIR_ASSERT(json_array_size(states) == json_array_size(at));
        json_array_foreach(states, k, state)
            WEIR_ASSERT(json_is_null(state) || json_integer_value(state) < BREAKER_STATE_COUNT);
    }
    json_decref(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct control control;
    struct unpacker u = {slice_of(data, size), false};
    struct history *h = history_create();
    struct tally *t = tally_create();
    const struct tally_row *rows;

    if (control.loop == NULL)
        fake_control_init(&control);
    tally_restore(t, &u);
    WEIR_ASSERT(tally_rows(t, &rows) <= TALLY_MAX);
    history_restore(&h, &u);
    check(h);
    history_tick(h, &control.view);
    check(h);
    history_destroy(&h);
    tally_destroy(&t);
    return 0;
}
