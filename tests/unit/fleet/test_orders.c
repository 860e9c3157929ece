/* SPDX-License-Identifier: Apache-2.0 */
/* A node and the fleet's commands, with a Redis in the test's hand that fails at the wrong time. */
#include <unistd.h>

#include "redis_test.h"
#include "script.h"
#include "weir/fleet/fleet.h"

static struct redis_test t;
static struct fleet *fleet;
static char got[64 * 1024];

static void no_state(enum fleet_state state, const char *sentence, void *owner)
{
    (void)state;
    (void)sentence;
    (void)owner;
}

static void no_leader(bool on, const char *node, void *owner)
{
    (void)on;
    (void)node;
    (void)owner;
}

static int wants_none(void *owner)
{
    (void)owner;
    return -1;
}

static enum fleet_limits_want limits_none(void *owner)
{
    (void)owner;
    return FLEET_LIMITS_OFF;
}

static void no_leases(struct fleet_leases *l, struct lease_rooms rooms, void *owner)
{
    (void)l;
    (void)rooms;
    (void)owner;
}

static void no_lease_answer(const uint64_t *left_ns, void *owner)
{
    (void)left_ns;
    (void)owner;
}

static const struct fleet_shown *shows_nothing(void *owner)
{
    static const struct fleet_shown none;

    (void)owner;
    return &none;
}

static const struct fleet_hooks hooks = {.on_state = no_state,
                                         .on_leader = no_leader,
                                         .on_mismatch = no_leader,
                                         .wants = wants_none,
                                         .leases = no_leases,
                                         .leases_answer = no_lease_answer,
                                         .shown = shows_nothing,
                                         .limits_want = limits_none};

/* Reads on, answering each sync, until a call with this word comes. */
static bool has_heard(const char *word)
{
    size_t n = strlen(got);
    ssize_t more = recv(t.other, got + n, sizeof got - 1 - n, 0);

    if (more <= 0)
        return false;
    got[n + (size_t)more] = '\0';
    if (strstr(got, word) != NULL)
        return true;
    if (strstr(got, script_sync.sha) != NULL) {
        got[0] = '\0';
        redis_test_say(&t, "*7\r\n:1700000000000\r\n:1\r\n$5\r\na.1 0\r\n$1\r\n1\r\n*0\r\n*0\r\n*0"
                           "\r\n");
    }
    return false;
}

static void hear(const char *word)
{
    memset(got, 0, sizeof got);
    wait_until(&t, has_heard(word));
}

static void open_fleet(void)
{
    static struct fleet_conf conf;
    struct fleet_setup setup;

    redis_test_open(&t, "", "", 30 * NS_PER_S);
    link_destroy(&t.link); /* the fleet has its own */
    conf = (struct fleet_conf){.redis = (char[]){"r"},
                               .name = (char[]){"f"},
                               .node = (char[]){"n"},
                               .timeout_ns = 30 * NS_PER_S,
                               .nodes = 1};
    setup = (struct fleet_setup){
        .loop = t.loop, .resolver = t.resolver, .conf = &conf, .means = &t.means, .hooks = &hooks};
    fleet = fleet_create(&setup);
    cr_assert_not_null(fleet);
    fleet_set_upstreams(fleet, NULL, 0, 0);
    redis_test_accept(&t);
}

static void close_fleet(void)
{
    fleet_destroy(&fleet);
    redis_test_close(&t);
}

TestSuite(fleet_orders, .init = open_fleet, .fini = close_fleet);

static void give(const char *text)
{
    struct fleet_order o = {.topic = FLEET_INCIDENT, .pool = "p", .verb = 1};

    (void)snprintf(o.text, sizeof o.text, "%s", text);
    cr_assert(fleet_publish(fleet, &o));
}

Test(fleet_orders, what_takes_the_place_of_one_on_its_way_is_told_as_well)
{
    hear(script_orders.sha);
    redis_test_say(&t, "*2\r\n*0\r\n:0\r\n");
    give("the first one");
    hear("the first one");
    give("the second one");
    redis_test_say(&t, ":1\r\n");
    hear("the second one");
}

Test(fleet_orders, a_reading_that_got_no_answer_is_made_again)
{
    hear(script_orders.sha);
    redis_test_accept(&t); /* the connection ends; the version stays what it is */
    hear(script_orders.sha);
}
