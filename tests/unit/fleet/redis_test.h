/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_REDIS_TEST_H
#define WEIR_TESTS_REDIS_TEST_H

#include <criterion/criterion.h>
#include <sched.h>

#include "link.h"
#include "weir/base/clock.h"

/* A link, and the other end of its connection in the test's hand. */
struct redis_test {
    struct loop *loop;
    struct resolver *resolver;
    struct fleet_means means;
    struct link *link;
    int listening, other; /* -1 = none */
    int ready, downs;
    enum link_fault fault;
    char why[256];
    /* of calls */
    int answers, none;
    char last[256];
};

void redis_test_open(struct redis_test *t, const char *user, const char *password,
                     uint64_t timeout_ns);
void redis_test_close(struct redis_test *t);
/* Takes the next connection. */
void redis_test_accept(struct redis_test *t);
/* Waits until these bytes came. */
void redis_test_expect(struct redis_test *t, const char *bytes);
void redis_test_say(struct redis_test *t, const char *bytes);
/* Begins a PING whose answer is counted in t. */
bool redis_test_ping(struct redis_test *t);

#define wait_until(t, cond)                                                                        \
    do {                                                                                           \
        uint64_t give_up_ns = mono_now_ns() + 10 * NS_PER_S;                                       \
        while (!(cond)) {                                                                          \
            cr_assert_lt(mono_now_ns(), give_up_ns, "never came true: %s", #cond);                 \
            loop_poll((t)->loop);                                                                  \
            (void)sched_yield();                                                                   \
        }                                                                                          \
    } while (0)

#endif
