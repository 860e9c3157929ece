/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "weir/base/hash.h"

/* Test vectors of the SipHash-2-4 reference implementation: key 00..0f, input 00..n-1. */
Test(hash, matches_the_reference_vectors)
{
    struct hash_key k = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    char in[15];

    for (int i = 0; i < 15; i++)
        in[i] = (char)i;
    cr_assert_eq(hash_keyed(k, slice_of(in, 0)), UINT64_C(0x726fdb47dd0e0e31));
    cr_assert_eq(hash_keyed(k, slice_of(in, 8)), UINT64_C(0x93f5f5799a932462));
    cr_assert_eq(hash_keyed(k, slice_of(in, 15)), UINT64_C(0xa129ca6149be45e5));
}

Test(rng, replays_from_its_seed_and_stays_in_range)
{
    struct rng a, b;

    rng_seed(&a, 42);
    rng_seed(&b, 42);
    for (int i = 0; i < 1000; i++) {
        double x = rng_unit(&a);
        cr_assert(x >= 0 && x < 1);
        cr_assert_eq(x, rng_unit(&b));
    }
}
