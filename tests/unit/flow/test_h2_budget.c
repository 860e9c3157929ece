/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of HTTP/2 may do for nothing. */
#include <criterion/criterion.h>

#include "client/h2/budget.h"
#include "client/h2/debts.h"
#include "weir/base/clock.h"

static int taken_at(struct h2_budget *b, uint64_t now_ns)
{
    int n = 0;

    while (n < 2 * H2_BUDGET_BURST && h2_budget_take(b, now_ns))
        n++;
    return n;
}

Test(h2_budget, so_many_at_once_and_so_many_a_second)
{
    struct h2_budget b = {0};

    cr_assert_eq(taken_at(&b, NS_PER_S), H2_BUDGET_BURST);
    cr_assert_eq(taken_at(&b, NS_PER_S), 0);
    cr_assert_eq(taken_at(&b, 2 * NS_PER_S), H2_BUDGET_A_SECOND);
    cr_assert_eq(taken_at(&b, 100 * NS_PER_S), H2_BUDGET_BURST, "it is never more than full");
}

Test(h2_budget, a_client_below_the_rate_never_runs_out)
{
    struct h2_budget b = {0};

    for (uint64_t i = 0; i < 10000; i++)
        cr_assert(h2_budget_take(&b, NS_PER_S + i * NS_PER_S / H2_BUDGET_A_SECOND));
}

static struct net_addr address(const char *text)
{
    struct net_addr a;

    cr_assert_eq(net_addr_parse(slice_str(text), &a), WEIR_OK);
    return a;
}

Test(h2_budget, what_a_connection_spent_is_gone_for_the_next_of_its_address)
{
    static struct h2_debts d;
    struct net_addr one = address("192.0.2.1:7"), again = address("[::ffff:192.0.2.1]:8"),
                    other = address("192.0.2.2:7");
    struct h2_budget b = {0}, next;

    cr_assert_eq(taken_at(&b, NS_PER_S), H2_BUDGET_BURST);
    h2_debts_end(&d, &one, &b, NS_PER_S);
    cr_assert_not(h2_debts_begin(&d, &again, &next, NS_PER_S));
    cr_assert(h2_debts_begin(&d, &again, &next, 2 * NS_PER_S));
    cr_assert_eq(taken_at(&next, 2 * NS_PER_S), H2_BUDGET_A_SECOND);
    cr_assert(h2_debts_begin(&d, &other, &next, NS_PER_S));
    cr_assert_eq(taken_at(&next, NS_PER_S), H2_BUDGET_BURST);
}

Test(h2_budget, a_host_of_ipv6_is_its_network_and_unix_peers_have_no_debts)
{
    static struct h2_debts d;
    struct net_addr one = address("[2001:db8::1]:7"), near = address("[2001:db8::2]:7"),
                    far = address("[2001:db8:0:1::1]:7"), path = address("unix:/x");
    struct h2_budget b = {0}, next;

    (void)taken_at(&b, NS_PER_S);
    h2_debts_end(&d, &one, &b, NS_PER_S);
    h2_debts_end(&d, &path, &b, NS_PER_S);
    cr_assert_not(h2_debts_begin(&d, &near, &next, NS_PER_S));
    cr_assert(h2_debts_begin(&d, &far, &next, NS_PER_S));
    cr_assert(h2_debts_begin(&d, &path, &next, NS_PER_S));
}
