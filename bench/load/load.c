/* SPDX-License-Identifier: Apache-2.0 */
/* The run: who arrives when, who stays, who comes back, and the sums over all of them. */
#include "bench/load/load.h"

#include <stdlib.h>

#include "bench/common/draw.h"
#include "bench/load/load_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { ARRIVALS_AT_ONCE = 16 };

static const struct {
    const char *name;
    enum turn_group group;
} ends[] = {
#define TURN_ROW(e, name, group) {name, group},
    TURN_ENDS(TURN_ROW)
#undef TURN_ROW
};

const char *turn_end_name(enum turn_end e)
{
    return ends[e].name;
}

enum turn_group turn_end_group(enum turn_end e)
{
    return ends[e].group;
}

struct load_bin *load_bin_at(struct load *l, uint64_t at_ns)
{
    size_t i = at_ns > l->start_ns ? (size_t)((at_ns - l->start_ns) / NS_PER_S) : 0;

    if (i >= l->cap_bins) {
        size_t cap = i + 256;
        l->bins = realloc(l->bins, cap * sizeof l->bins[0]);
        WEIR_ASSERT(l->bins != NULL);
        memset(l->bins + l->cap_bins, 0, (cap - l->cap_bins) * sizeof l->bins[0]);
        l->cap_bins = cap;
    }
    if (i >= l->n_bins)
        l->n_bins = i + 1;
    l->bins[i].open = (uint32_t)l->n_open;
    return &l->bins[i];
}

static void timer_at(struct event *e, uint64_t at_ns)
{
    uint64_t now = mono_now_ns(), us = at_ns > now ? (at_ns - now) / 1000 : 0;
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

    (void)event_add(e, &tv);
}

/* Virtual users */

static void new_conversation(struct virtual_user *p)
{
    struct load *l = p->load;

    p->conversation = l->n_conversations++;
    l->sums.conversations++;
    p->turn = 0;
    p->poor = false;
    memset(p->said, 0, sizeof p->said);
    /* what is asked depends on the seed and the number alone: the same for every target */
    rng_seed(&p->rng, l->conf.seed * 0x9e3779b97f4a7c15ULL + p->conversation);
}

static struct virtual_user *new_virtual_user(struct load *l)
{
    struct virtual_user *p = calloc(1, sizeof *p);

    WEIR_ASSERT(p != NULL);
    p->magic = VIRTUAL_USER_MAGIC;
    p->load = l;
    p->number = l->n_virtual_users++;
    p->timer = event_new(l->loop, -1, 0, on_virtual_user_timer, p);
    WEIR_ASSERT(p->timer != NULL);
    list_push_back(&l->virtual_users, &p->node);
    new_conversation(p);
    return p;
}

static void go_idle_when_done(struct load *l)
{
    if (l->next_ns == 0 && list_empty(&l->virtual_users) && l->idle != NULL)
        event_active(l->idle, EV_TIMEOUT, 0);
}

/* Breaks off whatever is under way and forgets the virtual user. */
static void virtual_user_remove(struct virtual_user *p)
{
    struct load *l = p->load;

    WEIR_CHECK(p, VIRTUAL_USER_MAGIC);
    httpc_cancel(&p->call);
    event_free(p->timer);
    list_remove(&p->node);
    reading_free(&p->reading);
    grow_free(&p->request);
    grow_free(&p->body);
    p->magic = 0;
    free(p);
    go_idle_when_done(l);
}

static void think(struct virtual_user *p, uint64_t now)
{
    double mean = p->load->conf.think_s;

    if (mean <= 0) {
        virtual_user_ask(p, now);
        return;
    }
    p->state = VIRTUAL_USER_THINKING;
    timer_at(p->timer, now + (uint64_t)(draw_exp(&p->rng, mean) * 1e9));
}

static bool stays(const struct load *l)
{
    return l->conf.users > 0 || l->conf.clients > 0;
}

void load_turn_over(struct virtual_user *p, enum turn_end end, uint64_t now)
{
    struct load *l = p->load;
    bool served = turn_end_group(end) == SERVED, last = p->turn + 1 >= l->conf.turns;

    l->sums.ends[end]++;
    load_bin_at(l, now)->ends[end]++;
    l->sums.last_end_s = (double)(now - l->start_ns) / 1e9;
    p->poor = p->poor || end != TURN_GOOD;
    if (served && last) {
        l->sums.completed++;
        l->sums.completed_good += !p->poor;
    } else if (!served && p->turn == 0) {
        l->sums.broken_first++;
    } else if (!served) {
        l->sums.broken_later++;
    }
    if (l->stopping || (l->conf.max_turns > 0 && l->sums.turns >= l->conf.max_turns)) {
        virtual_user_remove(p);
        return;
    }
    if (served && !last) {
        p->turn++;
        think(p, now);
    } else if (stays(l)) {
        new_conversation(p);
        think(p, now);
    } else {
        virtual_user_remove(p);
    }
}

/* Arrivals */

static void plan_next(struct load *l)
{
    double at_s;

    l->next_ns = 0;
    if (l->conf.trace != NULL) {
        if (l->trace_at < l->conf.n_trace)
            l->next_ns = l->shape_ns + (uint64_t)(l->conf.trace[l->trace_at].at_s * 1e9);
    } else if (shape_next(&l->conf.shape, &l->walk, &l->arrivals, &at_s)) {
        l->next_ns = l->shape_ns + (uint64_t)(at_s * 1e9);
    }
}

static void not_sent(struct load *l)
{
    l->sums.not_sent++;
    load_bin_at(l, l->next_ns)->intended++;
    l->trace_at += l->conf.trace != NULL;
}

static void one_arrives(struct load *l)
{
    struct virtual_user *p;

    if (l->n_open >= l->conf.max_open) {
        not_sent(l);
        return;
    }
    p = new_virtual_user(l);
    if (l->conf.trace != NULL) {
        p->said[0].prompt = l->conf.trace[l->trace_at].prompt;
        p->said[0].output = l->conf.trace[l->trace_at].output;
        l->trace_at++;
    }
    virtual_user_ask(p, l->next_ns);
}

/*
 * Those who are due, a few at a time: between two lots answers are read and connections come free.
 * A generator that was held up for a moment would otherwise open a connection for each of those who
 * were due meanwhile, be later still for that, and never catch up.
 */
static void on_arrival(evutil_socket_t fd, short what, void *arg)
{
    struct load *l = arg;
    uint64_t now = mono_now_ns();

    (void)fd, (void)what;
    for (int n = 0; n < ARRIVALS_AT_ONCE && l->next_ns != 0 && l->next_ns <= now; n++) {
        one_arrives(l);
        plan_next(l);
    }
    if (l->next_ns != 0)
        timer_at(l->arrival, l->next_ns);
    go_idle_when_done(l);
}

static uint64_t end_of_shape(const struct load *l)
{
    return l->shape_ns + (uint64_t)(l->conf.shape.end_s * 1e9);
}

/* The loop's clock is coarse and may be some milliseconds early: somebody may be due in these. */
static void on_finish(evutil_socket_t fd, short what, void *arg)
{
    struct load *l = arg;

    (void)fd, (void)what;
    if (mono_now_ns() < end_of_shape(l))
        timer_at(l->finish, end_of_shape(l));
    else
        load_stop(l);
}

static void on_idle_event(evutil_socket_t fd, short what, void *arg)
{
    struct load *l = arg;
    void (*told)(void *ctx) = l->on_idle;

    (void)fd, (void)what;
    l->on_idle = NULL;
    if (told != NULL)
        told(l->ctx);
}

/* Users begin spread over a thinking time, clients over a tenth of a second: no artificial wave. */
static void virtual_users_who_stay(struct load *l)
{
    const struct load_conf *c = &l->conf;
    double spread = c->users > 0 && c->think_s > 0 ? c->think_s : 0.1;

    for (uint32_t i = 0; i < c->users + c->clients; i++) {
        struct virtual_user *p = new_virtual_user(l);
        p->state = VIRTUAL_USER_THINKING;
        timer_at(p->timer, l->start_ns + (uint64_t)(draw_between(&p->rng, 0, spread) * 1e9));
    }
}

struct load *load_new(struct event_base *loop, const struct load_conf *conf)
{
    struct load *l = calloc(1, sizeof *l);

    WEIR_ASSERT(l != NULL && conf->sdk != NULL && conf->turns > 0);
    l->conf = *conf;
    l->loop = loop;
    list_init(&l->virtual_users);
    load_set_place(l, 0, &conf->target, 1);
    l->arrival = event_new(loop, -1, 0, on_arrival, l);
    l->finish = event_new(loop, -1, 0, on_finish, l);
    l->idle = event_new(loop, -1, 0, on_idle_event, l);
    WEIR_ASSERT(l->arrival != NULL && l->finish != NULL && l->idle != NULL);
    return l;
}

static void start_shape(struct load *l)
{
    l->shape_ns = mono_now_ns();
    shape_start(&l->walk);
    plan_next(l);
    if (l->next_ns != 0)
        timer_at(l->arrival, l->next_ns);
    timer_at(l->finish, end_of_shape(l));
}

void load_start(struct load *l, void (*on_idle)(void *ctx), void *ctx)
{
    l->on_idle = on_idle;
    l->ctx = ctx;
    l->start_ns = mono_now_ns();
    rng_seed(&l->arrivals, l->conf.seed);
    start_shape(l);
    virtual_users_who_stay(l);
}

void load_reshape(struct load *l, const struct shape *shape)
{
    l->conf.shape = *shape;
    l->stopping = false;
    event_del(l->arrival);
    start_shape(l);
}

/* Those who were due and have not been sent are the generator's own failing. */
static void count_not_sent(struct load *l)
{
    uint64_t now = mono_now_ns();

    while (l->next_ns != 0 && l->next_ns <= now) {
        not_sent(l);
        plan_next(l);
    }
}

void load_stop(struct load *l)
{
    count_not_sent(l);
    l->stopping = true;
    l->next_ns = 0;
    event_del(l->arrival);
    event_del(l->finish);
    LIST_EACH_SAFE(n, next, &l->virtual_users)
    {
        struct virtual_user *p = LIST_OBJECT(n, struct virtual_user, node);
        if (p->state == VIRTUAL_USER_THINKING)
            virtual_user_remove(p);
    }
    go_idle_when_done(l);
}

void load_cut(struct load *l)
{
    load_stop(l);
    LIST_EACH_SAFE(n, next, &l->virtual_users)
    {
        l->sums.left++;
        l->n_open--;
        attempts_write(LIST_OBJECT(n, struct virtual_user, node), "under_way");
        virtual_user_remove(LIST_OBJECT(n, struct virtual_user, node));
    }
}

void load_free(struct load *l)
{
    struct event *idle = l->idle;

    l->idle = NULL; /* nobody is to be told any more */
    event_free(idle);
    LIST_EACH_SAFE(n, next, &l->virtual_users)
    virtual_user_remove(LIST_OBJECT(n, struct virtual_user, node));
    places_free(l);
    event_free(l->arrival);
    event_free(l->finish);
    samples_free(&l->lateness);
    free(l->bins);
    free(l->records);
    free(l);
}

double load_now_s(const struct load *l)
{
    return (double)(mono_now_ns() - l->start_ns) / 1e9;
}

uint64_t load_open(const struct load *l)
{
    return l->n_open;
}

const struct load_conf *load_conf_of(const struct load *l)
{
    return &l->conf;
}

const struct load_sums *load_sums_of(const struct load *l)
{
    return &l->sums;
}

const struct load_bin *load_bins(const struct load *l, size_t *n)
{
    *n = l->n_bins;
    return l->bins;
}

const struct load_record *load_records(const struct load *l, size_t *n)
{
    *n = l->n_records;
    return l->records;
}

struct samples *load_lateness(struct load *l)
{
    return &l->lateness;
}
