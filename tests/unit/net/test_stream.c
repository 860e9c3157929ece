/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered connections: what comes in any split, bounds, deadlines, the end after the last byte. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_test.h"
#include "weir/net/stream.h"

enum { IN_MAX = 64 };

/* An owner that takes whole lines, and what it was told. */
struct lines {
    struct loop *l;
    struct stream *s;
    int other;
    char got[256];
    int steps, opened, input_ends, hangups, ends;
    bool lazy; /* takes nothing */
    enum weir_status end;
};

static void take_lines(void *owner)
{
    struct lines *o = owner;
    struct buf *in = stream_in(o->s);
    const char *end;

    o->steps++;
    while (!o->lazy && in->len > 0 && (end = memchr(buf_slice(in).p, '\n', in->len)) != NULL) {
        size_t n = (size_t)(end - buf_slice(in).p);

        (void)snprintf(o->got + strlen(o->got), sizeof o->got - strlen(o->got), "[%.*s]", (int)n,
                       buf_slice(in).p);
        buf_consume(in, n + 1);
    }
}

static void on_open(void *owner)
{
    ((struct lines *)owner)->opened++;
}

static void on_input_end(void *owner)
{
    ((struct lines *)owner)->input_ends++;
}

static void on_hangup(void *owner)
{
    ((struct lines *)owner)->hangups++;
}

static void on_end(void *owner, enum weir_status s, const char *why)
{
    struct lines *o = owner;

    cr_assert_not_null(why);
    o->ends++;
    o->end = s;
    stream_close(&o->s);
}

static const struct stream_events told = {on_open, take_lines, on_input_end, on_hangup, on_end};
static const struct stream_events plain = {.on_step = take_lines, .on_end = on_end};

static void open_with(struct lines *o, const struct stream_events *ev)
{
    int ours;

    *o = (struct lines){.l = loop_create()};
    tcp_pair(&ours, &o->other);
    o->s = stream_accept(o->l, ours, IN_MAX, ev, o);
    cr_assert_not_null(o->s);
}

static void shut(struct lines *o)
{
    stream_close(&o->s);
    if (o->other != -1)
        cr_assert_eq(close(o->other), 0);
    settle(o->l);
    loop_destroy(&o->l);
}

static void say(const struct lines *o, const char *bytes, size_t n)
{
    cr_assert_eq(send(o->other, bytes, n, 0), (ssize_t)n);
}

Test(stream, takes_lines_however_they_are_split)
{
    static const char text[] = "one\n\ntwo words\nx\n";
    size_t len = sizeof text - 1;

    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b += 3) {
            struct lines o;

            open_with(&o, &plain);
            say(&o, text, a);
            settle(o.l);
            say(&o, text + a, b - a);
            settle(o.l);
            say(&o, text + b, len - b);
            wait_until(o.l, strcmp(o.got, "[one][][two words][x]") == 0);
            cr_assert(buf_empty(stream_in(o.s)));
            shut(&o);
        }
    }
}

Test(stream, is_over_when_more_comes_than_may_wait)
{
    char block[IN_MAX + 1];
    struct lines o;

    memset(block, 'a', sizeof block);
    open_with(&o, &plain);
    say(&o, block, IN_MAX);
    wait_until(o.l, stream_in(o.s)->len == IN_MAX);
    cr_assert_eq(o.ends, 0);
    say(&o, block, 1);
    wait_until(o.l, o.ends == 1);
    cr_assert_eq(o.end, WEIR_LIMIT);
    shut(&o);
}

Test(stream, reads_nothing_while_it_is_not_wanted)
{
    struct lines o;

    open_with(&o, &plain);
    stream_want_read(o.s, false);
    say(&o, "a\n", 2);
    settle(o.l);
    cr_assert_eq(o.steps, 0);
    stream_want_read(o.s, true);
    wait_until(o.l, strcmp(o.got, "[a]") == 0);
    shut(&o);
}

static void read_away(struct lines *o, size_t n)
{
    char block[1 << 16];

    while (n > 0) {
        ssize_t got = recv(o->other, block, n < sizeof block ? n : sizeof block, 0);

        cr_assert_gt(got, 0);
        n -= (size_t)got;
        loop_poll(o->l);
    }
}

/* More than a socket takes. */
static size_t put_much(struct lines *o)
{
    static char block[1 << 16];
    size_t n = 0;

    while (n < (16u << 20)) {
        cr_assert_eq(buf_append(stream_out(o->s), slice_of(block, sizeof block), 32u << 20),
                     WEIR_OK);
        n += sizeof block;
    }
    cr_assert(stream_flush(o->s));
    cr_assert(!buf_empty(stream_out(o->s)));
    return n;
}

Test(stream, what_is_put_leaves_and_a_step_follows_when_it_had_to_wait)
{
    struct lines o;
    char got[3];
    size_t n;

    open_with(&o, &plain);
    cr_assert_eq(buf_append(stream_out(o.s), SLICE_LIT("abc"), 8), WEIR_OK);
    cr_assert(stream_flush(o.s));
    cr_assert_eq(recv(o.other, got, sizeof got, MSG_WAITALL), 3);
    settle(o.l);
    cr_assert_eq(o.steps, 0);
    n = put_much(&o);
    read_away(&o, n);
    wait_until(o.l, o.steps == 1);
    cr_assert(buf_empty(stream_out(o.s)));
    shut(&o);
}

Test(stream, ends_when_all_is_sent)
{
    struct lines o;
    char byte;
    size_t n;

    open_with(&o, &plain);
    n = put_much(&o);
    stream_finish(o.s);
    cr_assert(stream_flush(o.s));
    read_away(&o, n);
    wait_until(o.l, o.ends == 1);
    cr_assert_eq(o.end, WEIR_OK);
    cr_assert_eq(recv(o.other, &byte, 1, 0), 0, "an orderly end");
    shut(&o);
}

Test(stream, ends_at_once_when_nothing_waits)
{
    struct lines o;

    open_with(&o, &plain);
    stream_finish(o.s);
    cr_assert_not(stream_flush(o.s));
    cr_assert_eq(o.end, WEIR_OK);
    shut(&o);
}

static void check_timeout(struct lines *o)
{
    wait_until(o->l, o->ends == 1);
    cr_assert_eq(o->end, WEIR_TIMEOUT);
    shut(o);
}

#define SOON    (5 * NS_PER_MS)
#define FAR_OFF (1000 * NS_PER_S)

Test(stream, each_wait_has_its_patience)
{
    struct lines o;

    open_with(&o, &plain);
    stream_set_patience(
        o.s, &(struct stream_patience){.idle_ns = SOON, .in_ns = FAR_OFF, .out_ns = FAR_OFF});
    check_timeout(&o);

    open_with(&o, &plain);
    stream_set_patience(o.s, &(struct stream_patience){.in_ns = SOON, .out_ns = FAR_OFF});
    say(&o, "half a li", 9);
    check_timeout(&o);

    open_with(&o, &plain);
    stream_set_patience(o.s, &(struct stream_patience){.out_ns = SOON});
    (void)put_much(&o);
    check_timeout(&o);
}

Test(stream, a_limit_counts_beside_the_patience)
{
    struct lines o;

    open_with(&o, &plain);
    stream_set_limit(o.s, loop_refresh_now(o.l) + SOON);
    check_timeout(&o);

    open_with(&o, &plain);
    stream_set_patience(o.s, &(struct stream_patience){.idle_ns = FAR_OFF, .in_ns = FAR_OFF});
    stream_set_limit(o.s, loop_refresh_now(o.l) + SOON);
    check_timeout(&o);

    open_with(&o, &plain);
    stream_set_patience(o.s, &(struct stream_patience){.idle_ns = SOON});
    stream_set_limit(o.s, loop_refresh_now(o.l) + FAR_OFF);
    check_timeout(&o);
}

Test(stream, the_end_of_input_is_the_end_unless_asked_for)
{
    struct lines o;

    open_with(&o, &plain);
    cr_assert_eq(shutdown(o.other, SHUT_WR), 0);
    wait_until(o.l, o.ends == 1);
    cr_assert_eq(o.end, WEIR_CLOSED);
    shut(&o);

    open_with(&o, &told);
    cr_assert_eq(shutdown(o.other, SHUT_WR), 0);
    wait_until(o.l, o.input_ends == 1);
    settle(o.l);
    cr_assert_eq(o.input_ends, 1);
    cr_assert_eq(o.ends, 0);
    shut(&o);
}

Test(stream, a_peer_that_hangs_up_unread_is_told_of_and_a_reset_is_the_end)
{
    struct linger now = {1, 0};
    struct lines o;

    open_with(&o, &told);
    stream_want_read(o.s, false);
    cr_assert_eq(shutdown(o.other, SHUT_WR), 0);
    wait_until(o.l, o.hangups == 1);
    cr_assert_eq(o.ends, 0);
    shut(&o);

    open_with(&o, &told);
    stream_want_read(o.s, false);
    cr_assert_eq(setsockopt(o.other, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    cr_assert_eq(close(o.other), 0);
    o.other = -1;
    wait_until(o.l, o.ends == 1);
    cr_assert_eq(o.end, WEIR_RESET);
    shut(&o);
}

Test(stream, what_is_put_before_it_is_open_is_sent_then)
{
    struct lines o = {.l = loop_create(), .other = -1};
    struct net_addr at;
    int listener = listen_somewhere(&at);
    char got[4];

    o.s = stream_connect(o.l, &at, NULL, SLICE_NONE, FAR_OFF, IN_MAX, &told, &o);
    cr_assert_not_null(o.s);
    cr_assert_eq(buf_append(stream_out(o.s), SLICE_LIT("ping"), 8), WEIR_OK);
    cr_assert(stream_flush(o.s));
    wait_until(o.l, o.opened == 1);
    o.other = accept(listener, NULL, NULL);
    cr_assert_neq(o.other, -1);
    cr_assert_eq(recv(o.other, got, sizeof got, MSG_WAITALL), 4);
    say(&o, "pong\n", 5);
    wait_until(o.l, strcmp(o.got, "[pong]") == 0);
    shut(&o);
    cr_assert_eq(close(listener), 0);
}

Test(stream, a_connect_that_fails_is_the_end)
{
    struct lines o = {.l = loop_create(), .other = -1};
    struct net_addr at;
    int listener = listen_somewhere(&at);

    cr_assert_eq(close(listener), 0);
    o.s = stream_connect(o.l, &at, NULL, SLICE_NONE, FAR_OFF, IN_MAX, &told, &o);
    cr_assert_not_null(o.s);
    wait_until(o.l, o.ends == 1);
    cr_assert_eq(o.end, WEIR_REFUSED);
    cr_assert_eq(o.opened, 0);
    shut(&o);
}
