/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_test.h"

#include <unistd.h>

#define LONG (30 * NS_PER_S)
#define PING "*1\r\n$4\r\nPING\r\n"

static void open_plain(struct redis_test *t, uint64_t timeout_ns)
{
    redis_test_open(t, "", "", timeout_ns);
    redis_test_accept(t);
    wait_until(t, t->ready == 1);
}

Test(link, a_call_is_answered_and_another_may_follow)
{
    struct redis_test t;

    open_plain(&t, LONG);
    for (int i = 1; i <= 2; i++) {
        cr_assert(redis_test_ping(&t));
        cr_assert_not(link_is_ready(t.link), "one call at a time");
        cr_assert_not(redis_test_ping(&t));
        redis_test_expect(&t, PING);
        redis_test_say(&t, "+PONG\r\n");
        wait_until(&t, t.answers == i);
        cr_assert_str_eq(t.last, "PONG");
    }
    cr_assert_eq(t.downs, 0);
    redis_test_close(&t);
}

Test(link, it_logs_in_by_user_and_password_and_chooses_the_database)
{
    struct redis_test t;

    redis_test_open(&t, "weir", "s3cret", LONG);
    (void)snprintf(t.means.database, sizeof t.means.database, "5");
    redis_test_accept(&t);
    redis_test_expect(&t, "*3\r\n$4\r\nAUTH\r\n$4\r\nweir\r\n$6\r\ns3cret\r\n");
    redis_test_say(&t, "+OK\r\n");
    redis_test_expect(&t, "*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n");
    cr_assert_eq(t.ready, 0);
    redis_test_say(&t, "+OK\r\n");
    wait_until(&t, t.ready == 1);
    redis_test_close(&t);
}

Test(link, a_refused_password_is_not_tried_again_at_once_and_not_repeated)
{
    struct redis_test t;

    redis_test_open(&t, "", "s3cret", LONG);
    redis_test_accept(&t);
    redis_test_expect(&t, "*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret\r\n");
    redis_test_say(&t, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    wait_until(&t, t.downs == 1);
    cr_assert_eq(t.fault, LINK_WRONGPASS);
    cr_assert_null(strstr(t.why, "s3cret"));
    cr_assert_not_null(strstr(t.why, "refuses the login"));
    redis_test_close(&t);
}

Test(link, a_call_without_an_answer_is_dropped_with_its_connection_and_not_said_again)
{
    struct redis_test t;
    char byte;

    open_plain(&t, 50 * NS_PER_MS);
    cr_assert(redis_test_ping(&t));
    redis_test_expect(&t, PING);
    wait_until(&t, t.downs == 1);
    cr_assert_eq(t.fault, LINK_TIMEOUT);
    cr_assert_eq(t.none, 1);
    cr_assert_eq(recv(t.other, &byte, 1, 0), 0, "the connection is closed");
    redis_test_accept(&t);
    wait_until(&t, t.ready == 2);
    cr_assert_eq(recv(t.other, &byte, 1, MSG_DONTWAIT), -1, "nothing is said by itself");
    redis_test_close(&t);
}

Test(link, errors_of_a_server_that_cannot_write_end_the_connection)
{
    static const struct {
        const char *says;
        enum link_fault fault;
    } rows[] = {
        {"-READONLY You can't write against a read only replica.\r\n", LINK_READONLY},
        {"-LOADING Redis is loading the dataset in memory\r\n", LINK_LOADING},
        {"-MASTERDOWN Link with MASTER is down\r\n", LINK_MASTERDOWN},
        {"-MOVED 3999 127.0.0.1:6381\r\n", LINK_MOVED},
        {"-ASK 3999 127.0.0.1:6381\r\n", LINK_ASK},
        {"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", LINK_TRYAGAIN},
        {"-CLUSTERDOWN Hash slot not served\r\n", LINK_CLUSTERDOWN},
        {"-NOREPLICAS Not enough good replicas to write.\r\n", LINK_NOREPLICAS},
        {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", LINK_OOM},
        {"-NOAUTH Authentication required.\r\n", LINK_NOAUTH},
        {"-NOPERM this user has no permissions to run the 'evalsha' command\r\n", LINK_NOPERM},
        {"-ERR Error running script (call to f_1): @user_script:3: -READONLY You can't\r\n",
         LINK_READONLY},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct redis_test t;

        open_plain(&t, LONG);
        cr_assert(redis_test_ping(&t));
        redis_test_say(&t, rows[i].says);
        wait_until(&t, t.downs == 1);
        cr_assert_eq(t.fault, rows[i].fault, "%s", rows[i].says);
        cr_assert_eq(t.none, 1);
        redis_test_close(&t);
    }
}

Test(link, other_errors_are_answers)
{
    struct redis_test t;

    open_plain(&t, LONG);
    cr_assert(redis_test_ping(&t));
    redis_test_say(&t, "-NOSCRIPT No matching script. Please use EVAL.\r\n");
    wait_until(&t, t.answers == 1);
    cr_assert_eq(t.downs, 0);
    cr_assert_eq(t.none, 0);
    cr_assert(link_is_ready(t.link));
    redis_test_close(&t);
}

Test(link, garbage_and_what_nobody_asked_for_end_the_connection)
{
    static const char *const says[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "*99999\r\n",
                                       "+OK\r\n+OK\r\n"};

    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        struct redis_test t;

        open_plain(&t, LONG);
        if (i < 2)
            cr_assert(redis_test_ping(&t));
        redis_test_say(&t, says[i]);
        wait_until(&t, t.downs == 1);
        cr_assert_eq(t.fault, LINK_BAD_REPLY);
        cr_assert_eq(t.none, i < 2);
        redis_test_close(&t);
    }
}

Test(link, a_server_that_goes_is_come_back_to)
{
    struct redis_test t;

    open_plain(&t, LONG);
    (void)close(t.other);
    t.other = -1;
    wait_until(&t, t.downs == 1);
    cr_assert_eq(t.fault, LINK_CLOSED);
    redis_test_accept(&t);
    wait_until(&t, t.ready == 2);
    redis_test_close(&t);
}

Test(link, tries_come_later_and_later_also_where_each_connect_works)
{
    struct redis_test t;
    uint64_t begun = mono_now_ns();

    redis_test_open(&t, "", "", LONG);
    for (int i = 1; i <= 4; i++) {
        redis_test_accept(&t);
        (void)close(t.other);
        t.other = -1;
        wait_until(&t, t.downs == i);
    }
    /* 0.2, 0.4 and 0.8 s, less a quarter at most */
    cr_assert_geq(mono_now_ns() - begun, 1050 * NS_PER_MS);
    redis_test_close(&t);
}

/* Says of a call that others have the slot, at this place; the fault of it. */
static void moved(struct redis_test *t, const char *to)
{
    char says[128];
    int downs = t->downs;

    cr_assert(redis_test_ping(t));
    (void)snprintf(says, sizeof says, "-MOVED 3999 %s\r\n", to);
    redis_test_say(t, says);
    wait_until(t, t->downs == downs + 1);
    cr_assert_eq(t->fault, LINK_MOVED);
}

Test(link, whoever_has_the_slot_is_connected_to_at_once_but_not_without_end)
{
    static const char *const hosts[] = {"127.0.0.1", "", "?", "127.0.0.1", "127.0.0.1", ""};
    struct redis_test t;
    uint64_t begun;

    open_plain(&t, LONG);
    t.means.cluster = true;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char to[64];

        begun = mono_now_ns();
        (void)snprintf(to, sizeof to, "%s:%u", hosts[i], t.means.hosts[0].port);
        moved(&t, to);
        redis_test_accept(&t);
        wait_until(&t, t.ready == (int)i + 2);
    }
    /* those that said the same four times before wait as after any fault, 5 s less a quarter */
    cr_assert_geq(mono_now_ns() - begun, 2 * NS_PER_S);
    redis_test_close(&t);
}

Test(link, a_place_that_is_none_leads_back_to_the_hosts_that_are_known)
{
    static const char *const to[] = {"", "x", "127.0.0.1", ":0", "127.0.0.1:65536", "no host:1"};

    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        struct redis_test t;

        open_plain(&t, LONG);
        t.means.cluster = true;
        moved(&t, to[i]);
        redis_test_accept(&t);
        wait_until(&t, t.ready == 2);
        redis_test_close(&t);
    }
}
