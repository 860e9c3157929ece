/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "bench/http/fnv.h"
#include "bench/http/ws.h"

static void round_trip(size_t len, uint32_t mask)
{
    struct grow text = {0}, frame = {0}, back = {0};
    struct ws_frame f;

    while (text.len < len)
        grow_str(&text, "x");
    ws_frame_put(&frame, WS_TEXT, grow_slice(&text), mask);
    for (size_t i = 0; i < frame.len; i++)
        cr_assert_eq(ws_frame_parse(slice_of(frame.p, i), &f), WEIR_AGAIN);
    cr_assert_eq(ws_frame_parse(grow_slice(&frame), &f), WEIR_OK);
    ws_frame_payload(&f, &back);
    cr_assert_eq(f.opcode, WS_TEXT);
    cr_assert_eq(f.size, frame.len);
    cr_assert(slice_eq(grow_slice(&back), grow_slice(&text)));
    grow_free(&text);
    grow_free(&frame);
    grow_free(&back);
}

Test(ws, a_frame_is_read_as_it_was_written_and_not_before_it_is_whole)
{
    static const size_t lengths[] = {0, 1, 125, 126, 300, 60000};

    for (size_t i = 0; i < 6; i++) {
        round_trip(lengths[i], 0);
        round_trip(lengths[i], 0x12345678);
    }
}

Test(ws, a_frame_that_is_too_long_or_has_reserved_bits_is_bad)
{
    struct ws_frame f;

    cr_assert_eq(ws_frame_parse(SLICE_LIT("\x81\x7f\0\0\0\1\0\0\0\0"), &f), WEIR_BAD);
    cr_assert_eq(ws_frame_parse(SLICE_LIT("\xc1\x01x"), &f), WEIR_BAD);
}

Test(ws, the_key_is_answered_as_rfc_6455_says)
{
    char out[WS_ACCEPT_SIZE];

    ws_accept_value(SLICE_LIT("dGhlIHNhbXBsZSBub25jZQ=="), out);
    cr_assert_str_eq(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

Test(fnv, pieces_have_the_sum_of_the_whole)
{
    uint64_t whole = fnv_feed(fnv_start, SLICE_LIT("foobar")),
             pieces = fnv_feed(fnv_feed(fnv_start, SLICE_LIT("foo")), SLICE_LIT("bar"));

    cr_assert_eq(whole, 0x85944171f73967e8ULL);
    cr_assert_eq(pieces, whole);
}
