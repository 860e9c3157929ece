/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TEST_DECIDE_FIXTURE_H
#define WEIR_TEST_DECIDE_FIXTURE_H

#include "weir/decide/pool_priv.h"

/* Settings as they come without a file, and a pool with a clock that the test turns. */

#define MS(n) ((uint64_t)(n)*NS_PER_MS)
#define S(n)  ((uint64_t)(n)*NS_PER_S)

struct decide_conf default_conf(void);

enum { FIXTURE_ASKED = 256 };

struct fixture {
    struct decide_conf conf;
    uint32_t max_streams[POOL_UPSTREAMS_MAX];
    uint64_t events[POOL_UPSTREAMS_MAX];
    struct pool *pool;
    struct quota *quota;       /* NULL: nothing is limited */
    struct quota_rule *limits; /* beside those of conf.users */
    size_t n_limits;
    struct quota_request asked[FIXTURE_ASKED]; /* of those that come under limits */
    size_t n_asked;
    uint64_t now_ns;
    uint64_t last_user; /* of those that exchange() made up */
};

/* Default settings; change f->conf and then fixture_start. */
void fixture_init(struct fixture *f);
void fixture_start(struct fixture *f, size_t n_upstreams);
void fixture_stop(struct fixture *f);

/* Lets time pass, with a tick every 100 ms. */
void pass(struct fixture *f, uint64_t ns);

/* An interactive stream of this user, 1024 bytes. */
struct pool_request request_of(uint64_t user);

enum pool_verdict arrive(struct fixture *f, struct pool_request *r);
void first(struct fixture *f, struct pool_request *r);
void end_ok(struct fixture *f, struct pool_request *r);
void end_as(struct fixture *f, struct pool_request *r, enum outcome o, uint32_t status);

/* One whole exchange that ends as o; true if it was admitted. */
bool exchange(struct fixture *f, enum outcome o, uint32_t status);
/* n exchanges that fail before any content, each of another user. */
void fail_times(struct fixture *f, int n);
/* Until the breaker of upstream i is in state s; at most 30 s. */
void wait_for_state(struct fixture *f, size_t i, enum breaker_state s);
enum breaker_state state_of(const struct fixture *f, size_t i);
/* Three good probes, or as many as the settings ask for. */
void good_probes(struct fixture *f);
void order(struct fixture *f, enum pool_command o, double value, uint64_t until_ns);

#endif
