/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_permits for each line of stdin: total, p, then of the others held, used, pending, weight,
 * better, equal, nodes; then of the ask used, pending, waiting, weight, most (-1: any number).
 */
#include <stdio.h>

#include "weir/decide/fleet.h"

int main(void)
{
    struct fleet_others o;
    struct fleet_ask a;
    unsigned total;
    double p;
    long most;

    o.rank = FLEET_NO_RANK;
    while (scanf("%u %lf %u %u %u %lf %u %u %u %u %u %u %lf %ld", &total, &p, &o.held, &o.used,
                 &o.pending, &o.weight, &o.better, &o.equal, &o.nodes, &a.used, &a.pending,
                 &a.waiting, &a.weight, &most) == 14) {
        a.most = most < 0 ? UINT32_MAX : (uint32_t)most;
        (void)printf("%u\n", fleet_permits(total, p, &o, &a));
    }
    return 0;
}
