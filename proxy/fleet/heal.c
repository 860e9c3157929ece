/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of weir's own that somebody has made another type: each call that needs them fails.  They
 * are taken away, by whoever meets them first.  Control thread.
 */
#include <string.h>

#include "fleet_priv.h"
#include "weir/base/clock.h"

#define HEAL_NS (250 * NS_PER_MS) /* somebody may put them there again and again */

void heal_note(struct fleet *f, struct slice error)
{
    f->heal_due = f->heal_due || memmem(error.p, error.len, "WRONGTYPE", 9) != NULL;
}

static void on_healed(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);
    int64_t n;

    f->heal_due = false;
    if (reply_i64(r, &n) == WEIR_OK && n > 0) {
        fleet_reject(f, "keys of another type");
        f->version_read[0] = '\0'; /* the orders may have been among them */
        f->sync_due_ns = 0;
    }
    fleet_step(f);
}

bool heal_send(struct fleet *f)
{
    uint64_t now = loop_now_ns(f->loop);

    if (!f->heal_due || now < f->heal_after_ns)
        return false;
    f->heal_after_ns = now + HEAL_NS;
    script_begin(&f->call, f->link, &script_heal, slice_str(f->prefix));
    for (size_t i = 0; i < f->n_upstreams; i++)
        script_word(&f->call, slice_str(f->upstreams[i].name));
    return fleet_send(f, FLEET_HEAL, on_healed);
}
