/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of a fleet: its life, its state, and which call comes next.  One call is under way at a
 * time; what is due is asked after each answer and each few milliseconds.  Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_priv.h"
#include "weir/base/clock.h"
#include "weir/base/hash.h"
#include "weir/base/log.h"

#define STEP_NS  (25 * NS_PER_MS)  /* how late a request that waits may be asked for */
#define JOIN_NS  (1 * NS_PER_S)    /* not reached for so long after the start: alone */
#define ORDER_NS (500 * NS_PER_MS) /* the version of the orders is looked at that often */
#define LEAVE_NS (500 * NS_PER_MS)

static const char *const state_names[] = {
    [FLEET_OFF] = "off", [FLEET_JOINED] = "joined", [FLEET_ALONE] = "alone"};
static const char *const call_names[FLEET_CALL_COUNT] = {
    [FLEET_SYNC] = "sync", [FLEET_ASK] = "ask",       [FLEET_READ] = "read",
    [FLEET_PLAN] = "plan", [FLEET_ORDERS] = "orders", [FLEET_ORDER] = "order",
    [FLEET_HEAL] = "heal", [FLEET_USERS] = "users",
};
static const char *const result_names[FLEET_RESULT_COUNT] = {
    [FLEET_ANSWERED] = "ok", [FLEET_ERROR] = "error", [FLEET_NO_ANSWER] = "none"};

const char *fleet_state_name(enum fleet_state s)
{
    return state_names[s];
}

const char *fleet_call_name(enum fleet_call c)
{
    return call_names[c];
}

const char *fleet_result_name(enum fleet_result r)
{
    return result_names[r];
}

void fleet_name_of(struct slice id, char out[33])
{
    const char *dot = id.len == 0 ? NULL : memrchr(id.p, '.', id.len);
    struct text t;

    text_init(&t, out, 33);
    text_shown(&t, dot == NULL ? id : slice_of(id.p, (size_t)(dot - id.p)));
}

uint64_t fleet_number_of(struct slice id)
{
    const struct hash_key key = {0x6e6f6465, 0x77656972};
    uint64_t h = hash_keyed(key, id);

    return h == 0 ? 1 : h;
}

uint64_t fleet_self(const struct fleet *f)
{
    return fleet_number_of(slice_str(f->id));
}

/* --- calls */

void fleet_reject(struct fleet *f, const char *what)
{
    f->rejected++;
    log_debug("fleet: what Redis says is none that weir writes: %s", what);
}

bool fleet_send(struct fleet *f, enum fleet_call kind, link_answer_fn *fn)
{
    f->sent_ns = loop_now_ns(f->loop);
    f->renewed = false;
    f->kind = kind;
    return script_send(&f->call, fn, f);
}

static void note_error(struct fleet *f, const char *what, struct slice says)
{
    struct text t;

    text_init(&t, f->error, sizeof f->error);
    text_str(&t, what);
    text_shown(&t, slice_of(says.p, says.len < 100 ? says.len : 100));
}

const struct reply *fleet_took(struct fleet *f, const struct reply *r)
{
    enum fleet_result result = r == NULL                ? FLEET_NO_ANSWER
                               : r->type == REPLY_ERROR ? FLEET_ERROR
                                                        : FLEET_ANSWERED;

    f->calls[f->kind][result]++;
    if (result == FLEET_ERROR) {
        note_error(f, "it says ", r->text);
        heal_note(f, r->text);
    }
    return result == FLEET_ANSWERED ? r : NULL;
}

/* --- what comes next */

static void say_goodbye(struct fleet *f);

static bool wants_members(const struct fleet *f)
{
    return f->n_members > 0;
}

static bool other_call(struct fleet *f, uint64_t now)
{
    int wants = -1;

    if (orders_send(f) || orders_tell(f))
        return true;
    if (f->reading == NULL && (f->read_due || wants_members(f)))
        return read_send(f);
    if (now >= f->version_due_ns) {
        f->version_due_ns = now + ORDER_NS;
        if (now + ORDER_NS < f->sync_due_ns)
            return orders_version_send(f);
    }
    if (now >= f->ask_due_ns)
        wants = f->hooks->wants(f->owner);
    return wants >= 0 ? ask_send(f, wants) : read_on_send(f);
}

/* Requests that wait for their limits come first, in turns with all else. */
static bool next_call(struct fleet *f, uint64_t now)
{
    bool others_turn = f->kind == FLEET_USERS;

    if (heal_send(f))
        return true;
    if (now >= f->sync_due_ns)
        return sync_send(f);
    if (f->state != FLEET_JOINED)
        return false;
    if (!others_turn && limits_send(f, now))
        return true;
    return other_call(f, now) || (others_turn && limits_send(f, now));
}

void fleet_step(struct fleet *f)
{
    if (!link_is_ready(f->link))
        return;
    if (!f->leaving)
        (void)next_call(f, loop_now_ns(f->loop));
    else if (!f->goodbye_said && !f->left)
        say_goodbye(f);
}

void fleet_look(struct fleet *f)
{
    fleet_step(f);
}

bool fleet_answers(const struct fleet *f)
{
    return f->state == FLEET_JOINED && f->up && !f->leaving;
}

uint32_t fleet_nodes(const struct fleet *f)
{
    return f->nodes;
}

/* --- alone */

static void go_alone(struct fleet *f)
{
    f->state = FLEET_ALONE;
    f->leads = f->mismatch = f->read_due = f->begin_due = false;
    f->leader[0] = '\0';
    f->n_seen = 0;
    read_drop(f);
    f->hooks->on_state(FLEET_ALONE, f->error[0] == '\0' ? "it does not answer" : f->error,
                       f->owner);
}

static bool is_lost(const struct fleet *f, uint64_t now)
{
    if (f->state == FLEET_OFF)
        return now - f->created_ns >= JOIN_NS;
    return f->state == FLEET_JOINED && now - f->heard_ns >= FLEET_LEASE_NS;
}

static void give_up_members(struct fleet *f, uint64_t now)
{
    for (size_t i = 0; i < f->n_members; i++) {
        if (now >= f->members[i].until_ns) {
            members_fail(f, f->error[0] == '\0' ? "Redis does not answer" : f->error);
            return;
        }
    }
}

static void on_timer(void *arg)
{
    struct fleet *f = arg;
    uint64_t now = loop_now_ns(f->loop);

    if (is_lost(f, now))
        go_alone(f);
    give_up_members(f, now);
    loop_timer_at(&f->timer, now + STEP_NS);
    fleet_step(f); /* which may want to look sooner */
}

/* --- the link's news */

static void on_ready(void *owner)
{
    struct fleet *f = owner;

    f->up = true;
    f->sync_due_ns = 0;
    fleet_step(f);
}

static void on_down(enum link_fault fault, const char *why, void *owner)
{
    struct fleet *f = owner;

    (void)fault;
    f->up = false;
    (void)snprintf(f->error, sizeof f->error, "%s", why);
    if (f->leaving)
        f->left = true;
}

static const struct link_events link_events = {on_ready, on_down};

/* --- leaving */

static void on_left(const struct reply *r, void *arg)
{
    (void)r;
    ((struct fleet *)arg)->left = true;
}

static void say_goodbye(struct fleet *f)
{
    script_begin(&f->call, f->link, &script_leave, slice_str(f->prefix));
    script_word(&f->call, slice_str(f->id));
    for (size_t i = 0; i < f->n_upstreams; i++)
        script_word(&f->call, slice_str(f->upstreams[i].name));
    f->goodbye_said = true;
    f->left = !script_send(&f->call, on_left, f);
}

void fleet_leave(struct fleet *f)
{
    if (f->leaving)
        return;
    f->leaving = true;
    f->leave_by_ns = loop_now_ns(f->loop) + LEAVE_NS;
    f->left = f->state != FLEET_JOINED;
    fleet_step(f);
}

bool fleet_has_left(const struct fleet *f)
{
    return f->left || (f->leaving && loop_now_ns(f->loop) >= f->leave_by_ns);
}

/* --- life */

bool fleet_members(struct fleet *f, fleet_members_fn *fn, void *arg)
{
    if (f->n_members == MEMBERS_ASKED_MAX)
        return false;
    f->members[f->n_members++] = (struct members_asked){fn, arg, loop_now_ns(f->loop) + MEMBERS_NS};
    fleet_step(f);
    return true;
}

void fleet_set_upstreams(struct fleet *f, const struct fleet_upstream *list, size_t n,
                         uint64_t settings)
{
    f->n_upstreams = n < FLEET_UPSTREAMS_MAX ? n : FLEET_UPSTREAMS_MAX;
    if (n > 0)
        memcpy(f->upstreams, list, f->n_upstreams * sizeof *list);
    f->settings = settings;
    f->renewed = true;
    read_drop(f);
    f->sync_due_ns = 0;
    f->version_read[0] = '\0'; /* orders may concern what is new */
}

struct fleet *fleet_create(const struct fleet_setup *s)
{
    struct fleet *f = calloc(1, sizeof *f);

    if (f == NULL)
        return NULL;
    f->loop = s->loop;
    f->hooks = s->hooks;
    f->owner = s->owner;
    f->conf = s->conf;
    f->has_secret = s->means->has_secret;
    f->nodes = s->conf->nodes;
    f->created_ns = loop_now_ns(s->loop);
    f->asked = -1;
    random_bytes(&f->start, sizeof f->start);
    f->start &= 0xffffffff;
    (void)snprintf(f->id, sizeof f->id, "%s.%08llx", s->conf->node, (unsigned long long)f->start);
    (void)snprintf(f->prefix, sizeof f->prefix, "weir:{%s}:", s->conf->name);
    f->orders = calloc(FLEET_ORDERS_MAX, sizeof *f->orders);
    loop_timer_init(&f->timer, s->loop, on_timer, f);
    if (f->orders != NULL)
        f->link = link_create(s->loop, s->resolver, s->means, s->conf->timeout_ns, f->start,
                              &link_events, f);
    if (f->link == NULL)
        fleet_destroy(&f);
    else
        loop_timer_at(&f->timer, f->created_ns + STEP_NS);
    return f;
}

void fleet_destroy(struct fleet **fp)
{
    struct fleet *f = *fp;

    *fp = NULL;
    if (f == NULL)
        return;
    members_fail(f, "the fleet's settings are new");
    loop_timer_stop(&f->timer);
    link_destroy(&f->link);
    read_drop(f);
    free(f->orders);
    free(f);
}

void fleet_view(const struct fleet *f, struct fleet_view *v)
{
    uint64_t now = loop_now_ns(f->loop);

    *v = (struct fleet_view){
        .state = f->state,
        .name = f->conf->name,
        .node = f->conf->node,
        .leads = f->leads,
        .mismatch = f->mismatch,
        .has_secret = f->has_secret,
        .nodes = f->state == FLEET_JOINED ? f->nodes : 1,
        .sync_age_ns = f->heard_ns == 0 ? UINT64_MAX : now - f->heard_ns,
        .rtt_ns = link_rtt_ns(f->link),
        .period_ns = fleet_period_ns(f->nodes, (uint32_t)f->n_upstreams),
        .error = f->error,
        .sync_ns = f->sync_ns,
        .leases = f->leases,
        .rejected = f->rejected,
        .connects = link_connects(f->link),
    };
    fleet_name_of(slice_str(f->leader), v->leader);
    memcpy(v->calls, f->calls, sizeof v->calls);
}
