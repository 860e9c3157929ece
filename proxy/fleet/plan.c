/* SPDX-License-Identifier: Apache-2.0 */
/* The leader's plans, on their way to Redis.  Control thread. */
#include <string.h>

#include "codec.h"
#include "fleet_priv.h"

enum { PLAN_MAX = 1024 };

static void on_planned(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);

    if (r != NULL && !f->renewed && r->type == REPLY_INTEGER && r->integer >= 0) {
        for (size_t i = 0; i < f->n_upstreams; i++)
            if (f->plans[i].epoch != 0)
                f->hooks->plan(i, &f->plans[i], 0, f->owner);
    }
    fleet_step(f);
}

bool plan_send(struct fleet *f)
{
    char text[PLAN_MAX];
    struct text t;

    script_begin(&f->call, f->link, &script_plan, slice_str(f->prefix));
    script_word(&f->call, slice_str(f->id));
    script_i64(&f->call, FLEET_PLAN_NS / NS_PER_MS);
    for (size_t i = 0; i < f->n_upstreams; i++) {
        if (f->plans[i].epoch == 0)
            continue;
        text_init(&t, text, sizeof text);
        codec_put_plan(&t, f->upstreams[i].rules, &f->plans[i]);
        script_word(&f->call, slice_str(f->upstreams[i].name));
        script_i64(&f->call, (int64_t)f->plans[i].epoch);
        script_i64(&f->call, f->plans[i].total);
        script_i64(&f->call, (int64_t)(f->plans[i].limits.pending + 0.999));
        script_word(&f->call, text_slice(&t));
    }
    return fleet_send(f, FLEET_PLAN, on_planned);
}
