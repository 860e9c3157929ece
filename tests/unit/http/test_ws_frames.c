/* SPDX-License-Identifier: Apache-2.0 */
/* Where frames end, in every split; the frame that closes. */
#include "guard.h"
#include "weir/http/ws_frames.h"

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static struct ws_frames after(struct slice bytes)
{
    struct ws_frames f = {0};

    ws_frames_feed(&f, bytes);
    return f;
}

/* The frames of one input: every prefix is asked. */
static void expect_boundaries(struct slice in, const size_t *ends, size_t n)
{
    size_t next = 0;

    for (size_t len = 1; len <= in.len; len++) {
        struct ws_frames f = after(slice_of(in.p, len));
        bool at_end = next < n && ends[next] == len;

        cr_assert_eq(ws_frames_can_add(&f), at_end, "after %zu of %zu bytes", len, in.len);
        next += at_end;
    }
    cr_assert_eq(next, n);
}

Test(ws_frames, a_frame_of_ours_fits_between_frames_only)
{
    static const size_t ends[] = {7, 9, 15, 23};

    /* text "Hello"; an empty ping; a masked pong without payload; half a message, masked */
    expect_boundaries(BYTES("\x81\x05Hello"
                            "\x89\x00"
                            "\x8a\x80mask"
                            "\x01\x82masktw"),
                      ends, 4);
}

Test(ws_frames, a_new_one_is_at_its_beginning)
{
    struct ws_frames f = {0};

    cr_assert(ws_frames_can_add(&f));
    cr_assert_not(f.closed);
}

Test(ws_frames, long_lengths_are_counted)
{
    static char in[2 * (70000 + 14)];
    static const size_t sizes[] = {126, 300, 65535, 65536, 70000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i], head = n < 65536 ? 4 : 10;
        struct ws_frames f = {0};

        memset(in, 0x77, sizeof in);
        in[0] = (char)0x82;
        in[1] = n < 65536 ? 126 : 127;
        for (size_t b = 0; b < head - 2; b++)
            in[2 + b] = (char)(n >> 8 * (head - 3 - b));
        ws_frames_feed(&f, slice_of(in, head + n - 1));
        cr_assert_not(ws_frames_can_add(&f), "%zu", n);
        ws_frames_feed(&f, slice_of(in, 1));
        cr_assert(ws_frames_can_add(&f), "%zu", n);
    }
}

/* Member by member: what lies between them is not copied. */
static bool is_same(const struct ws_frames *a, const struct ws_frames *b)
{
    return a->left == b->left && a->head == b->head && a->opcode == b->opcode &&
           a->size == b->size && a->closed == b->closed && a->bad == b->bad;
}

Test(ws_frames, every_split_gives_the_same_and_reads_no_byte_too_far)
{
    static const struct slice rows[] = {
        {"\x81\x05Hello\x88\x02\x03\xe8", 11},
        {"\x02\x00\x80\x84maskabcd\x89\x00", 14},
        {"\x82\x7e\x00\x03"
         "abc\x81\x7f\0\0\0\0\0\0\0\x01z",
         18},
        {"\xc1\x07"
         "deflate\x88\x80mask",
         15}, /* compressed; a close frame without a code */
    };
    struct guard g;

    guard_init(&g, 64);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice in = guard_put(&g, rows[i]);
        struct ws_frames whole = after(in);

        for (size_t a = 0; a <= in.len; a++) {
            for (size_t b = a; b <= in.len; b++) {
                struct ws_frames f = {0};

                ws_frames_feed(&f, slice_of(in.p, a));
                ws_frames_feed(&f, slice_of(in.p + a, b - a));
                ws_frames_feed(&f, slice_from(in, b));
                cr_assert(is_same(&f, &whole), "row %zu at %zu, %zu", i, a, b);
            }
        }
    }
    guard_fini(&g);
}

Test(ws_frames, nothing_follows_a_close_frame)
{
    struct ws_frames f = after(BYTES("\x88\x02\x03\xe8"));

    cr_assert(f.closed);
    cr_assert_not(ws_frames_can_add(&f));
    f = after(BYTES("\x88\x02\x03"));
    cr_assert_not(f.closed, "half of one is none");
    f = after(BYTES("\x88\x00"));
    cr_assert(f.closed);
}

Test(ws_frames, where_a_length_is_impossible_nothing_is_known)
{
    struct ws_frames f = after(BYTES("\x82\x7f\x80\0\0\0\0\0\0\0"));

    cr_assert(f.bad);
    cr_assert_not(ws_frames_can_add(&f));
    ws_frames_feed(&f, BYTES("\x88\x00"));
    cr_assert_not(f.closed);
    f = after(BYTES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"));
    cr_assert_not(f.bad, "the most that is allowed, masked");
}

Test(ws_frames, a_close_frame_says_why)
{
    char to[WS_CLOSE_MAX];
    size_t n = ws_close_frame(WS_SERVICE_RESTART, SLICE_LIT("soon"), NULL, to);

    cr_assert(slice_eq(slice_of(to, n), BYTES("\x88\x06\x03\xf4soon")));
    n = ws_close_frame(WS_GOING_AWAY, SLICE_NONE, NULL, to);
    cr_assert(slice_eq(slice_of(to, n), BYTES("\x88\x02\x03\xe9")));
}

Test(ws_frames, a_close_frame_to_a_server_is_masked)
{
    static const uint8_t mask[] = {1, 2, 3, 4};
    char to[WS_CLOSE_MAX];
    size_t n = ws_close_frame(WS_GOING_AWAY, SLICE_LIT("abc"), mask, to);

    cr_assert(slice_eq(slice_of(to, n), BYTES("\x88\x85\x01\x02\x03\x04\x02\xeb"
                                              "bfb")));
}

Test(ws_frames, a_long_reason_is_cut_to_what_a_control_frame_takes)
{
    char reason[200], to[WS_CLOSE_MAX];
    uint8_t mask[4] = {0};
    struct ws_frames f;
    size_t n;

    memset(reason, 'r', sizeof reason);
    n = ws_close_frame(WS_TRY_AGAIN_LATER, slice_of(reason, sizeof reason), mask, to);
    cr_assert_eq(n, sizeof to);
    cr_assert_eq((uint8_t)to[1], 0x80 | 125);
    f = after(slice_of(to, n));
    cr_assert(f.closed);
}
