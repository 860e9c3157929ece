/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call about limits: what was used here goes out, and who waits for more is answered.  Redis
 * keeps the number of a node's last call, so that one whose answer was lost is not counted twice.
 * Control thread.
 */
#include "limits.h"

#include "codec.h"
#include "fleet_priv.h"
#include "weir/base/clock.h"

enum { USERS_PER_S = 25000, NEWS_TEXT_MAX = 600 };
#define TELL_NS (50 * NS_PER_MS) /* nobody waits for it */

static void put_limits(struct fleet *f)
{
    char mem[QUOTA_LIMITS * 8];
    struct text t;

    text_init(&t, mem, sizeof mem);
    for (int l = 0; l < QUOTA_LIMITS; l++)
        text_printf(&t, "%d %u ", (int)quota_limit_span((enum quota_limit)l),
                    quota_limit_units((enum quota_limit)l));
    script_word(&f->call, text_slice(&t));
}

static void put_front(struct fleet *f)
{
    script_begin(&f->call, f->link, &script_users, slice_str(f->prefix));
    script_word(&f->call, slice_str(f->id));
    script_i64(&f->call, (int64_t)++f->limits_call);
    script_i64(&f->call, (int64_t)f->limits_unsure);
    script_i64(&f->call, f->hot_ms);
    script_i64(&f->call, FLEET_LEASE_NS / NS_PER_MS);
    put_limits(f);
}

static void put_news(struct fleet *f, const struct quota_news *n)
{
    char mem[NEWS_TEXT_MAX];
    struct text t;

    text_init(&t, mem, sizeof mem);
    limits_put_news(&t, n);
    f->call.full = f->call.full || t.full;
    script_word(&f->call, text_slice(&t));
}

static void no_answers(struct fleet *f)
{
    static const struct quota_answer *const none[QUOTA_NEWS_MAX];

    f->limits_unsure = f->limits_call;
    f->hooks->limits_answers(none, f->n_limits, f->owner);
}

static void take_answers(struct fleet *f, const struct reply *r)
{
    static struct quota_answer answers[QUOTA_NEWS_MAX]; /* control's alone */
    const struct quota_answer *list[QUOTA_NEWS_MAX] = {NULL};

    f->limits_unsure = 0;
    for (size_t i = 0; i < f->n_limits; i++) {
        if (limits_take_answer(reply_text(reply_item(r, i)), &answers[i]) == WEIR_OK)
            list[i] = &answers[i];
        else
            fleet_reject(f, "an answer about limits");
    }
    f->hooks->limits_answers(list, f->n_limits, f->owner);
}

static void take_hot(struct fleet *f, struct slice ids, int64_t now_ms)
{
    uint64_t id;

    f->hot_ms = now_ms;
    while (ids.len > 0) {
        if (!codec_take_hex(&ids, &id)) {
            fleet_reject(f, "a list of counts");
            return;
        }
        f->hooks->limits_hot(id, f->owner);
    }
}

static void on_answer(const struct reply *reply, void *arg)
{
    struct fleet *f = arg;
    const struct reply *r = fleet_took(f, reply);
    int64_t now_ms;

    if (r == NULL || reply_i64(reply_item(r, 0), &now_ms) != WEIR_OK || now_ms < 0 || r->n != 3) {
        if (r != NULL)
            fleet_reject(f, "the answer to a call about limits");
        no_answers(f);
    } else {
        take_hot(f, reply_text(reply_item(r, 1)), now_ms);
        take_answers(f, reply_item(r, 2));
    }
    fleet_step(f);
}

static bool is_due(struct fleet *f, uint64_t now_ns)
{
    enum fleet_limits_want want = f->hooks->limits_want(f->owner);

    if (want == FLEET_LIMITS_ASK && now_ns < f->limits_due_ns)
        loop_timer_at(&f->timer, f->limits_due_ns);
    if (want == FLEET_LIMITS_ASK)
        return now_ns >= f->limits_due_ns;
    if (want == FLEET_LIMITS_TELL)
        return now_ns >= f->limits_due_ns && now_ns >= f->limits_tell_ns;
    return want == FLEET_LIMITS_IDLE && now_ns >= f->limits_hot_ns;
}

bool limits_send(struct fleet *f, uint64_t now_ns)
{
    static struct quota_news news[QUOTA_NEWS_MAX]; /* control's alone */

    if (!is_due(f, now_ns))
        return false;
    f->n_limits = f->hooks->limits_news(news, QUOTA_NEWS_MAX, f->owner);
    put_front(f);
    for (size_t i = 0; i < f->n_limits; i++)
        put_news(f, &news[i]);
    f->limits_due_ns = now_ns + f->n_limits * f->nodes * (NS_PER_S / USERS_PER_S);
    f->limits_tell_ns = now_ns + TELL_NS;
    f->limits_hot_ns = now_ns + fleet_period_ns(f->nodes, (uint32_t)f->n_upstreams);
    if (fleet_send(f, FLEET_USERS, on_answer))
        return true;
    no_answers(f);
    return false;
}
