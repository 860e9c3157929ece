/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "weir/conf/settings.h"

struct decide_conf default_conf(void)
{
    return conf_decide_defaults(false);
}

void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->conf = default_conf();
    for (int i = 0; i < POOL_UPSTREAMS_MAX; i++)
        f->max_streams[i] = 4096;
    f->now_ns = S(1000);
}

void fixture_start(struct fixture *f, size_t n_upstreams)
{
    size_t bytes = pool_bytes(n_upstreams);
    void *mem = aligned_alloc(64, bytes);

    cr_assert_not_null(mem);
    memset(mem, 0, bytes);
    f->pool = pool_init(mem, &f->conf, f->max_streams, n_upstreams, (struct hash_key){1, 2}, 42,
                        f->now_ns);
    if (!quota_is_needed(&f->conf.users.limits, f->n_limits))
        return;
    f->quota = aligned_alloc(64, quota_bytes());
    cr_assert_not_null(f->quota);
    memset(f->quota, 0, quota_bytes());
    pool_set_limits(f->pool, f->quota, f->limits, f->n_limits);
}

void fixture_stop(struct fixture *f)
{
    free(f->quota);
    f->quota = NULL;
    free(f->pool);
    f->pool = NULL;
}

void pass(struct fixture *f, uint64_t ns)
{
    uint64_t end = f->now_ns + ns;

    while (f->now_ns < end) {
        f->now_ns = f->now_ns + MS(100) < end ? f->now_ns + MS(100) : end;
        pool_tick(f->pool, f->events, f->now_ns);
    }
}

struct pool_request request_of(uint64_t user)
{
    return (struct pool_request){
        .user = user, .class = CLASS_INTERACTIVE, .stream = true, .bytes = 1024};
}

enum pool_verdict arrive(struct fixture *f, struct pool_request *r)
{
    if (f->quota != NULL && r->quota == NULL && f->n_asked < FIXTURE_ASKED)
        r->quota = &f->asked[f->n_asked++];
    return pool_arrive(f->pool, r, f->now_ns);
}

void first(struct fixture *f, struct pool_request *r)
{
    pool_first(f->pool, r, f->now_ns);
}

void end_as(struct fixture *f, struct pool_request *r, enum outcome o, uint32_t status)
{
    struct pool_report rep = {.outcome = o, .status = status, .complete = o == OUTCOME_OK};

    pool_end(f->pool, r, &rep, f->now_ns);
}

void end_ok(struct fixture *f, struct pool_request *r)
{
    end_as(f, r, OUTCOME_OK, 200);
}

bool exchange(struct fixture *f, enum outcome o, uint32_t status)
{
    struct pool_request r = request_of(++f->last_user);

    if (arrive(f, &r) != POOL_ADMIT) {
        pool_leave(f->pool, &r, f->now_ns);
        return false;
    }
    if (o == OUTCOME_OK)
        first(f, &r);
    end_as(f, &r, o, status);
    return true;
}

void fail_times(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        cr_assert(exchange(f, OUTCOME_FAILED, 502));
}

enum breaker_state state_of(const struct fixture *f, size_t i)
{
    return f->pool->upstream[i].breaker.state;
}

void wait_for_state(struct fixture *f, size_t i, enum breaker_state s)
{
    for (int n = 0; n < 300 && state_of(f, i) != s; n++)
        pass(f, MS(100));
    cr_assert_eq(state_of(f, i), s, "it is %s", breaker_state_name(state_of(f, i)));
}

void good_probes(struct fixture *f)
{
    for (uint32_t i = 0; i < f->conf.breaker.probes; i++)
        cr_assert(exchange(f, OUTCOME_OK, 200));
}

void order(struct fixture *f, enum pool_command o, double value, uint64_t until_ns)
{
    const char *why = "";

    cr_assert_eq(pool_command(f->pool, 0, o, value, until_ns, f->now_ns, &why), WEIR_OK, "%s", why);
}
