/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, inbox and deferred frees of the loop. */
#include <pthread.h>

#include "net_test.h"
#include "weir/net/loop.h"

static void count(void *arg)
{
    ++*(int *)arg;
}

Test(loop, a_timer_fires_once_and_not_early)
{
    struct loop *l = loop_create();
    struct loop_timer t;
    uint64_t due = loop_refresh_now(l) + 5 * NS_PER_MS;
    int fired = 0;

    loop_timer_init(&t, l, count, &fired);
    cr_assert_not(loop_timer_is_on(&t));
    loop_timer_at(&t, due);
    cr_assert(loop_timer_is_on(&t));
    wait_until(l, fired > 0);
    cr_assert_geq(loop_now_ns(l), due);
    cr_assert_not(loop_timer_is_on(&t));
    settle(l);
    cr_assert_eq(fired, 1);
    loop_destroy(&l);
}

Test(loop, a_timer_due_already_fires_in_the_next_round)
{
    struct loop *l = loop_create();
    struct loop_timer t;
    int fired = 0;

    loop_timer_init(&t, l, count, &fired);
    loop_timer_at(&t, 1);
    cr_assert_eq(fired, 0);
    loop_poll(l);
    cr_assert_eq(fired, 1);
    loop_destroy(&l);
}

Test(loop, a_stopped_timer_does_not_fire)
{
    struct loop *l = loop_create();
    struct loop_timer t, later;
    int fired = 0, passed = 0;

    loop_timer_init(&t, l, count, &fired);
    loop_timer_init(&later, l, count, &passed);
    loop_timer_at(&t, loop_now_ns(l) + NS_PER_MS);
    loop_timer_at(&later, loop_now_ns(l) + 5 * NS_PER_MS);
    loop_timer_stop(&t);
    loop_timer_stop(&t);
    wait_until(l, passed > 0);
    cr_assert_eq(fired, 0);
    loop_destroy(&l);
}

Test(loop, a_deadline_may_move_both_ways)
{
    struct loop *l = loop_create();
    uint64_t start = loop_refresh_now(l), later = start + 12 * NS_PER_MS;
    struct loop_timer out, in;
    int fired_out = 0, fired_in = 0;

    loop_timer_init(&out, l, count, &fired_out);
    loop_timer_init(&in, l, count, &fired_in);
    loop_timer_at(&out, start + 2 * NS_PER_MS);
    loop_timer_at(&out, later);
    loop_timer_at(&in, start + 3600 * NS_PER_S);
    loop_timer_at(&in, start + 2 * NS_PER_MS);
    wait_until(l, fired_in > 0);
    wait_until(l, fired_out > 0);
    cr_assert_geq(loop_now_ns(l), later);
    cr_assert_eq(fired_in, 1);
    cr_assert_eq(fired_out, 1);
    loop_destroy(&l);
}

static struct loop_timer *victim;

static void stop_victim(void *arg)
{
    loop_timer_stop(victim);
    count(arg);
}

Test(loop, a_timer_may_stop_another_that_is_due_as_well)
{
    struct loop *l = loop_create();
    struct loop_timer a, b;
    int stopped = 0, fired = 0;

    loop_timer_init(&a, l, stop_victim, &stopped);
    loop_timer_init(&b, l, count, &fired);
    victim = &b;
    loop_timer_at(&a, 1);
    loop_timer_at(&b, 1);
    settle(l);
    cr_assert_eq(stopped, 1);
    cr_assert_eq(fired, 0);
    loop_destroy(&l);
}

struct again {
    struct loop *l;
    struct loop_timer t;
    int left, rounds;
};

static void go_again(void *arg)
{
    struct again *a = arg;

    if (--a->left > 0)
        loop_timer_at(&a->t, loop_now_ns(a->l));
}

Test(loop, a_timer_that_is_always_due_does_not_hold_up_the_round)
{
    struct again a = {.l = loop_create(), .left = 3};

    loop_timer_init(&a.t, a.l, go_again, &a);
    loop_timer_at(&a.t, 1);
    loop_poll(a.l);
    cr_assert_eq(a.left, 2);
    loop_poll(a.l);
    loop_poll(a.l);
    cr_assert_eq(a.left, 0);
    loop_destroy(&a.l);
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

Test(loop, run_returns_after_stop)
{
    struct loop *l = loop_create();
    struct loop_timer t;

    loop_timer_init(&t, l, stop_loop, l);
    loop_timer_at(&t, loop_now_ns(l) + NS_PER_MS);
    loop_run(l);
    loop_timer_at(&t, loop_refresh_now(l) + NS_PER_MS);
    loop_run(l);
    loop_destroy(&l);
}

/* The inbox */

enum { THREADS = 4, EACH = 20000 };

struct numbered {
    struct loop_message m;
    int thread, number;
};

struct poster {
    struct loop *l;
    struct numbered *messages;
};

static int next_number[THREADS], delivered;
static struct loop *receiving;

static void deliver(struct loop_message *m)
{
    struct numbered *n = LIST_OBJECT(m, struct numbered, m);

    cr_assert_eq(n->number, next_number[n->thread]++, "out of order");
    if (++delivered == THREADS * EACH)
        loop_stop(receiving);
}

static void *post_all(void *arg)
{
    struct poster *p = arg;

    for (int i = 0; i < EACH; i++)
        loop_post(p->l, &p->messages[i].m);
    return NULL;
}

Test(loop, delivers_every_message_of_four_threads_in_order)
{
    pthread_t thread[THREADS];
    struct poster p[THREADS];

    receiving = loop_create();
    for (int t = 0; t < THREADS; t++) {
        p[t] = (struct poster){receiving, calloc(EACH, sizeof(struct numbered))};
        for (int i = 0; i < EACH; i++) {
            p[t].messages[i].m.deliver = deliver;
            p[t].messages[i].thread = t;
            p[t].messages[i].number = i;
        }
        cr_assert_eq(pthread_create(&thread[t], NULL, post_all, &p[t]), 0);
    }
    loop_run(receiving);
    cr_assert_eq(delivered, THREADS * EACH);
    for (int t = 0; t < THREADS; t++) {
        cr_assert_eq(pthread_join(thread[t], NULL), 0);
        free(p[t].messages);
    }
    loop_destroy(&receiving);
}

struct repost {
    struct loop_message m;
    struct loop *l;
    int times;
};

static void post_again(struct loop_message *m)
{
    struct repost *r = LIST_OBJECT(m, struct repost, m);

    if (++r->times < 3)
        loop_post(r->l, m);
}

Test(loop, a_message_may_be_posted_again_when_it_is_delivered)
{
    struct repost r = {.m.deliver = post_again, .l = loop_create()};

    loop_post(r.l, &r.m);
    wait_until(r.l, r.times == 3);
    loop_destroy(&r.l);
}

/* Deferred frees */

struct mortal {
    struct loop_deferred deferred;
    struct loop_timer t;
    struct loop *l;
    int *freed;
    bool seen_alive;
};

static void free_deferred(struct loop_deferred *d)
{
    struct mortal *m = LIST_OBJECT(d, struct mortal, deferred);

    ++*m->freed;
    free(m);
}

static void die(void *arg)
{
    struct mortal *m = arg;

    loop_defer_free(m->l, &m->deferred);
    loop_defer_free(m->l, &m->deferred);
    m->seen_alive = *m->freed == 0; /* a sanitizer would see a dead object here */
    cr_assert(m->seen_alive);
}

Test(loop, frees_after_the_callback_and_only_once)
{
    struct loop *l = loop_create();
    struct mortal *m = calloc(1, sizeof *m);
    int freed = 0;

    m->l = l;
    m->freed = &freed;
    loop_deferred_init(&m->deferred, free_deferred);
    loop_timer_init(&m->t, l, die, m);
    loop_timer_at(&m->t, 1);
    loop_poll(l);
    cr_assert_eq(freed, 1);
    loop_destroy(&l);
}

Test(loop, frees_the_rest_when_it_is_destroyed)
{
    struct loop *l = loop_create();
    struct mortal *m = calloc(1, sizeof *m);
    int freed = 0;

    m->freed = &freed;
    loop_deferred_init(&m->deferred, free_deferred);
    loop_defer_free(l, &m->deferred);
    loop_destroy(&l);
    cr_assert_eq(freed, 1);
    cr_assert_null(l);
}

/* The flush */

struct gathering {
    struct loop_deferred late;
    struct loop *l;
    int gathered, sent;
};

static void gather_more(struct loop_deferred *d)
{
    LIST_OBJECT(d, struct gathering, late)->gathered++;
}

static void gather(void *arg)
{
    struct gathering *g = arg;

    g->gathered++;
    loop_defer_free(g->l, &g->late);
}

static void send_gathered(void *arg)
{
    struct gathering *g = arg;

    g->sent += g->gathered;
    g->gathered = 0;
}

Test(loop, flushes_what_a_callback_and_what_was_deferred_by_it_have_gathered)
{
    struct gathering g = {.l = loop_create()};
    struct loop_timer t;

    loop_on_flush(g.l, send_gathered, &g);
    loop_deferred_init(&g.late, gather_more);
    loop_timer_init(&t, g.l, gather, &g);
    loop_timer_at(&t, 1);
    loop_poll(g.l);
    cr_assert_eq(g.sent, 2);
    cr_assert_eq(g.gathered, 0);
    loop_destroy(&g.l);
}
