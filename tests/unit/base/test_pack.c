/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "weir/base/pack.h"

static struct buf b;

static void stop(void)
{
    buf_free(&b);
}

TestSuite(pack, .fini = stop);

static struct packer begin(size_t max)
{
    return (struct packer){&b, max, true};
}

static struct unpacker read_all(void)
{
    return (struct unpacker){buf_slice(&b), false};
}

Test(pack, comes_back_as_it_was)
{
    const uint64_t list[2] = {1, UINT64_MAX};
    struct packer p = begin(100);
    struct unpacker u;
    uint64_t back[2];
    char name[8];

    pack_number(&p, 0x1234, 2);
    pack_numbers(&p, list, 2);
    pack_real(&p, -0.25);
    pack_text(&p, "weir");
    pack_text(&p, "");
    cr_assert(p.ok);
    u = read_all();
    cr_assert_eq(unpack_number(&u, 2), 0x1234);
    unpack_numbers(&u, back, 2);
    cr_assert_arr_eq(back, list, sizeof list);
    cr_assert_eq(unpack_real(&u, -1, 1), -0.25);
    unpack_string(&u, name, sizeof name);
    cr_assert_str_eq(name, "weir");
    cr_assert_eq(unpack_text(&u).len, 0);
    cr_assert(!u.bad && u.rest.len == 0);
}

Test(pack, writes_nothing_more_once_something_did_not_fit)
{
    struct packer p = begin(4);

    pack_number(&p, 1, 3);
    pack_number(&p, 1, 2);
    pack_number(&p, 1, 1);
    cr_assert(!p.ok);
    cr_assert_eq(b.len, 3);
}

Test(pack, what_is_cut_short_is_bad_and_reads_as_nothing)
{
    struct packer p = begin(100);
    struct unpacker u;
    char name[8] = "before";

    pack_text(&p, "weir");
    u = (struct unpacker){slice_of(buf_slice(&b).p, 5), false};
    unpack_string(&u, name, sizeof name);
    cr_assert(u.bad);
    cr_assert_str_eq(name, "");
    cr_assert_eq(unpack_number(&u, 1), 0);
}

Test(pack, values_out_of_their_range_are_bad)
{
    const double reals[] = {NAN, INFINITY, -INFINITY, 1.5, -0.1};
    struct unpacker u;
    struct packer p;
    char name[4];

    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        buf_free(&b);
        p = begin(100);
        pack_real(&p, reals[i]);
        u = read_all();
        cr_assert_eq(unpack_real(&u, 0, 1), 0);
        cr_assert(u.bad);
    }
    buf_free(&b);
    p = begin(100);
    pack_number(&p, 6, 1);
    u = read_all();
    cr_assert_eq(unpack_at_most(&u, 1, 5), 0);
    cr_assert(u.bad);
    buf_free(&b);
    p = begin(100);
    pack_text(&p, "long");
    u = read_all();
    unpack_string(&u, name, sizeof name);
    cr_assert(u.bad);
    buf_free(&b);
    p = begin(100);
    pack_number(&p, 2, 2);
    pack_bytes(&p, "a\0", 2);
    u = read_all();
    unpack_string(&u, name, sizeof name);
    cr_assert(u.bad, "a NUL would end it early");
}
