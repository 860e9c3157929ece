/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handed.h"
#include "weir/decide/pool_priv.h"
#include "weir/decide/succession.h"

static struct control *old, *new;
static struct buf state;

static struct pool *pool_in(const struct control *c)
{
    return gate_pool(c->snapshot->pools[0].gate);
}

/* An operator has said something of everything, and one user has come. */
static void start(void)
{
    struct control_who who = {7, "words"};
    char why[200];

    log_set_level(LOG_LEVEL_ERROR);
    old = handed_control();
    new = handed_control();
    state = BUF_INIT;
    cr_assert(control_command(old, &who, 0, 0, OPERATOR_LIMIT_STREAMS, 5, 60 * NS_PER_S, why, 200));
    cr_assert(control_mode(old, &who, 0, SET_QUEUE, false, 60 * NS_PER_S, why, sizeof why));
    cr_assert(control_incident(old, &who, 0, "back soon", 60 * NS_PER_S, why, sizeof why));
    cr_assert_not_null(users_arrived(&pool_in(old)->users, 9, mono_now_ns()));
    lease_renew(&pool_in(old)->leases, 9, mono_now_ns() + 60 * NS_PER_S);
    pool_hand_over(pool_in(old));
    pool_take_places(pool_in(old), 0, 3, mono_now_ns());
    cr_assert(handed_state_write(old, &state));
}

static void stop(void)
{
    buf_free(&state);
    handed_control_free(&old);
    handed_control_free(&new);
}

TestSuite(handed_state, .init = start, .fini = stop);

Test(handed_state, arrives_as_it_was)
{
    const struct pool_watch *watch = &new->pools[new->snapshot->pools[0].slot];

    cr_assert_null(handed_state_read(new, buf_slice(&state)));
    cr_assert_eq(pool_in(new)->upstream[0].limiter.override, 5);
    cr_assert_eq(pool_in(new)->upstream[0].override_until_ns[OVERRIDE_LIMIT_STREAMS],
                 pool_in(old)->upstream[0].override_until_ns[OVERRIDE_LIMIT_STREAMS]);
    cr_assert(new->upstreams[0].by[OVERRIDE_LIMIT_STREAMS].known);
    cr_assert_eq(new->upstreams[0].by[OVERRIDE_LIMIT_STREAMS].uid, 7);
    cr_assert_eq(new->upstreams[0].limit_value, 5);
    cr_assert(watch->modes[SET_QUEUE].on && !watch->modes[SET_QUEUE].enforce);
    cr_assert_not(pool_enforces(pool_in(new), SET_QUEUE));
    cr_assert_str_eq(watch->incident, "back soon");
    cr_assert_not_null(users_find(&pool_in(new)->users, 9));
    cr_assert(lease_is_in_force(&pool_in(new)->leases, 9, mono_now_ns()));
    cr_assert_eq(new->snapshot->user_key.k0, old->snapshot->user_key.k0);
    cr_assert_eq(pool_in(new)->upstream[0].elsewhere, pool_places(pool_in(old), 0));
}

Test(handed_state, places_come_back_by_the_numbers_of_the_old_one)
{
    cr_assert_null(handed_state_read(new, buf_slice(&state)));
    handed_state_give(new, 0, 2);
    cr_assert_eq(pool_in(new)->upstream[0].elsewhere, pool_places(pool_in(old), 0) - 2);
    handed_state_give(new, 200, 1);
    handed_state_give(new, UINT32_MAX, 1);
    handed_state_alone(new);
    cr_assert_eq(pool_in(new)->upstream[0].elsewhere, 0);
    cr_assert_eq(handed_state_lend(new, 1), -1, "nobody is there any more");
}

Test(handed_state, an_upstream_that_comes_again_and_again_counts_no_more_than_there_can_be)
{
    struct buf many = BUF_INIT;

    for (int i = 0; i < 3; i++)
        cr_assert_eq(buf_append(&many, buf_slice(&state), 1 << 20), WEIR_OK);
    (void)handed_state_read(new, buf_slice(&many));
    for (int i = 0; i < 10; i++)
        pool_add_elsewhere(pool_in(new), 0, UINT32_MAX);
    cr_assert_eq(pool_in(new)->upstream[0].elsewhere, 1000000);
    handed_state_alone(new);
    cr_assert_eq(pool_in(new)->upstream[0].elsewhere, 0);
    buf_free(&many);
}

Test(handed_state, a_limit_that_is_no_number_is_out_of_range)
{
    double wanted = 5, nan = __builtin_nan("");
    char *at = memmem(state.mem + state.at, state.len, &wanted, sizeof wanted);

    cr_assert_not_null(at);
    memcpy(at, &nan, sizeof nan);
    cr_assert_not_null(handed_state_read(new, buf_slice(&state)));
    cr_assert_eq(new->upstreams[0].limit_value, 0);
}

/* In memory that ends where the bytes end, so that reading further is seen. */
static const char *read_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    const char *wrong;

    cr_assert_not_null(copy);
    memcpy(copy, bytes, len);
    handed_control_free(&new);
    new = handed_control();
    wrong = handed_state_read(new, slice_of(copy, len));
    free(copy);
    return wrong;
}

Test(handed_state, a_part_of_it_is_told, .timeout = 120)
{
    const char *bytes = buf_slice(&state).p;

    for (size_t len = 1; len < state.len; len += len < 200 || len > state.len - 200 ? 1 : 97)
        (void)read_copy(bytes, len); /* no crash; a cut between records is a shorter state */
    cr_assert_not_null(read_copy(bytes, state.len - 1));
    cr_assert_not_null(read_copy(bytes, 7));
}

Test(handed_state, no_byte_of_it_can_do_harm, .timeout = 120)
{
    char *bytes = (char *)state.mem + state.at;

    for (size_t i = 0; i < state.len; i += i < 400 ? 1 : 61) {
        char was = bytes[i];

        bytes[i] = (char)(was ^ 0x5a);
        (void)read_copy(bytes, state.len);
        control_take_pool_events(new);
        bytes[i] = was;
    }
    cr_assert_null(read_copy(bytes, state.len));
}

/* --- what it has seen */

static const struct control_event *newest;
static size_t n_events;

static void on_event(const struct control_event *e, void *arg)
{
    (void)arg;
    newest = e;
    n_events++;
}

static void refusal(struct control *c, const char *id, enum cause cause)
{
    struct request_record r = {
        .decision = cause == CAUSE_NONE ? DECISION_ADMITTED : DECISION_REFUSED,
        .cause = cause,
        .pool = (int16_t)c->snapshot->pools[0].slot,
        .upstream = -1,
        .route = 3,
        .queue_ns = -1,
        .status = 503,
        .method = "POST",
        .numbers = {.rule = RULE_PENDING_LIMIT, .pending = 3, .upstream = 0},
        .limit = {.used = 7, .most = 8, .wait_ms = 900, .rule = 2, .limit = QUOTA_LIMITS - 1}};

    (void)snprintf(r.id, sizeof r.id, "%s", id);
    why_ring_add(&c->why, &r);
}

static void write_again(void)
{
    buf_free(&state);
    cr_assert(handed_state_write(old, &state));
}

Test(handed_state, events_go_on_in_the_next_process)
{
    control_say(new, "", "", "start", "the new one says something first");
    control_say(old, "default", "default", "cause", "with \x1b[31mcolour");
    write_again();
    cr_assert_null(handed_state_read(new, buf_slice(&state)));
    n_events = 0;
    control_events(new, 0, on_event, NULL);
    cr_assert_eq(n_events, old->events.n + 1);
    cr_assert_str_eq(newest->sentence, "the new one says something first");
    cr_assert_eq(newest->seq, old->events.seq + 1);
    cr_assert_null(strchr(new->events.at[n_events - 2].sentence, '\x1b'));
    cr_assert_str_eq(new->events.at[n_events - 2].cause, "cause");
}

Test(handed_state, refusals_can_still_be_explained)
{
    const struct request_record *r;

    why_ring_free(&old->why);
    cr_assert(why_ring_init(&old->why, 8));
    refusal(old, "admitted", CAUSE_NONE);
    for (int i = 0; i < 6; i++) {
        char id[8];

        (void)snprintf(id, sizeof id, "r%d", i);
        refusal(old, id, CAUSE_OVERLOADED);
    }
    write_again();
    cr_assert_null(handed_state_read(new, buf_slice(&state)));
    cr_assert_null(control_why(new, "admitted"));
    cr_assert_null(control_why(new, "r1"), "the new one has room for four");
    r = control_why(new, "r5");
    cr_assert_not_null(r);
    cr_assert_eq(r->pool, 0);
    cr_assert_eq(r->upstream, -1);
    cr_assert_eq(r->numbers.rule, RULE_PENDING_LIMIT);
    cr_assert_eq(r->numbers.pending, 3);
    cr_assert_eq(r->limit.used, 7);
    cr_assert_eq(r->limit.most, 8);
    cr_assert_eq(r->limit.wait_ms, 900);
    cr_assert_eq(r->limit.rule, 2);
    cr_assert_eq(r->limit.limit, QUOTA_LIMITS - 1);
    cr_assert_eq(r->queue_ns, -1);
    cr_assert_str_eq(r->method, "POST");
}
