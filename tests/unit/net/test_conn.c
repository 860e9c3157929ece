/* SPDX-License-Identifier: Apache-2.0 */
/* Plain connections that are open, over loopback TCP. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_test.h"

Test(conn, moves_bytes_both_ways)
{
    struct pair p;
    char buf[16];
    size_t n;

    pair_open(&p);
    cr_assert_eq(send(p.other, "ping", 4, 0), 4);
    wait_until(p.l, p.seen.readable > 0);
    cr_assert_eq(conn_read(p.c, buf, sizeof buf, &n), WEIR_OK);
    cr_assert_eq(n, 4);
    cr_assert_eq(conn_read(p.c, buf, sizeof buf, &n), WEIR_AGAIN);
    cr_assert_eq(conn_write(p.c, (struct iovec[]){{"po", 2}, {"ng", 2}}, 2, &n), WEIR_OK);
    cr_assert_eq(n, 4);
    cr_assert_eq(recv(p.other, buf, sizeof buf, 0), 4);
    cr_assert(memcmp(buf, "pong", 4) == 0);
    pair_close(&p);
}

Test(conn, what_it_does_not_take_of_a_slice_or_of_what_waits_is_left)
{
    static char block[64 * 1024];
    struct pair p;
    struct buf waiting = BUF_INIT;
    struct slice left;
    size_t sent = 0, got = 0;
    ssize_t n;

    pair_open(&p);
    cr_assert_eq(conn_write_waiting(p.c, &waiting), WEIR_AGAIN, "nothing waits");
    do {
        left = slice_of(block, sizeof block);
        sent += sizeof block;
    } while (conn_write_all(p.c, &left) == WEIR_OK);
    cr_assert(left.len > 0 && left.p + left.len == block + sizeof block);
    cr_assert_eq(buf_append(&waiting, left, sizeof block), WEIR_OK);
    cr_assert_eq(conn_write_waiting(p.c, &waiting), WEIR_AGAIN);
    cr_assert_eq(waiting.len, left.len);
    while (got < sent) {
        n = recv(p.other, block, sizeof block, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        if (!buf_empty(&waiting))
            cr_assert_neq(conn_write_waiting(p.c, &waiting), WEIR_RESET);
    }
    cr_assert(buf_empty(&waiting));
    pair_close(&p);
}

Test(conn, reading_is_level_triggered)
{
    struct pair p;
    char byte;
    size_t n;

    pair_open(&p);
    cr_assert_eq(send(p.other, "abc", 3, 0), 3);
    wait_until(p.l, p.seen.readable > 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(conn_read(p.c, &byte, 1, &n), WEIR_OK);
    p.seen.readable = 0;
    settle(p.l);
    cr_assert_eq(p.seen.readable, 0);
    pair_close(&p);
}

Test(conn, an_orderly_end_is_closed)
{
    struct pair p;
    char buf[4];
    size_t n;

    pair_open(&p);
    cr_assert_eq(shutdown(p.other, SHUT_WR), 0);
    wait_until(p.l, p.seen.readable > 0);
    cr_assert_eq(conn_read(p.c, buf, sizeof buf, &n), WEIR_CLOSED);
    cr_assert_eq(conn_write(p.c, &(struct iovec){"ok", 2}, 1, &n), WEIR_OK, "half-closed only");
    pair_close(&p);
}

Test(conn, a_break_is_reset)
{
    struct pair p;
    char buf[4];
    size_t n;

    pair_open(&p);
    pair_break(&p);
    wait_until(p.l, p.seen.readable > 0);
    cr_assert_eq(conn_read(p.c, buf, sizeof buf, &n), WEIR_RESET);
    cr_assert_eq(conn_write(p.c, &(struct iovec){"x", 1}, 1, &n), WEIR_RESET);
    pair_close(&p);
}

static size_t fill(struct conn *c)
{
    static char block[1 << 16];
    struct iovec iov[2] = {{block, 1000}, {block, sizeof block}};
    size_t n, sum = 0;

    while (conn_write(c, iov, 2, &n) == WEIR_OK)
        sum += n;
    return sum;
}

Test(conn, a_full_socket_says_again_and_then_writable_once)
{
    struct pair p;
    char buf[1 << 16];
    size_t left, n;

    pair_open(&p);
    left = fill(p.c);
    cr_assert_gt(left, 0);
    cr_assert_eq(conn_write(p.c, &(struct iovec){buf, 1}, 1, &n), WEIR_AGAIN);
    conn_want_write(p.c);
    settle(p.l);
    cr_assert_eq(p.seen.writable, 0);
    while (left > 0) {
        ssize_t got = recv(p.other, buf, sizeof buf, 0);

        cr_assert_gt(got, 0);
        left -= (size_t)got;
    }
    wait_until(p.l, p.seen.writable == 1);
    settle(p.l);
    cr_assert_eq(p.seen.writable, 1);
    pair_close(&p);
}

static void want_again(struct conn *c, struct seen *s)
{
    if (s->writable < 3)
        conn_want_write(c);
}

Test(conn, writable_may_be_wanted_again_from_its_callback)
{
    struct pair p;

    pair_open(&p);
    p.seen.then = want_again;
    conn_want_write(p.c);
    wait_until(p.l, p.seen.writable == 3);
    settle(p.l);
    cr_assert_eq(p.seen.writable, 3);
    pair_close(&p);
}

Test(conn, nothing_is_readable_while_reading_is_not_wanted)
{
    struct pair p;

    pair_open(&p);
    conn_want_read(p.c, false);
    cr_assert_not(conn_wants_read(p.c));
    cr_assert_eq(send(p.other, "x", 1, 0), 1);
    settle(p.l);
    cr_assert_eq(p.seen.readable, 0);
    cr_assert_eq(p.seen.hangup, 0);
    conn_want_read(p.c, true);
    wait_until(p.l, p.seen.readable > 0);
    pair_close(&p);
}

Test(conn, a_peer_that_ends_while_not_read_is_told_once)
{
    struct pair p;
    char buf[4];
    size_t n;

    pair_open(&p);
    conn_want_read(p.c, false);
    cr_assert_eq(send(p.other, "x", 1, 0), 1);
    settle(p.l);
    cr_assert_eq(shutdown(p.other, SHUT_WR), 0);
    wait_until(p.l, p.seen.hangup > 0);
    settle(p.l);
    cr_assert_eq(p.seen.hangup, 1);
    cr_assert_not(p.seen.reset);
    cr_assert_eq(p.seen.readable, 0);
    conn_want_read(p.c, true);
    wait_until(p.l, p.seen.readable > 0);
    cr_assert_eq(conn_read(p.c, buf, sizeof buf, &n), WEIR_OK, "what came before is not lost");
    cr_assert_eq(conn_read(p.c, buf, sizeof buf, &n), WEIR_CLOSED);
    pair_close(&p);
}

Test(conn, a_peer_that_breaks_off_while_not_read_is_told)
{
    struct pair p;

    pair_open(&p);
    conn_want_read(p.c, false);
    pair_break(&p);
    wait_until(p.l, p.seen.hangup > 0);
    settle(p.l);
    cr_assert_eq(p.seen.hangup, 1);
    cr_assert(p.seen.reset);
    cr_assert_eq(p.seen.readable, 0);
    pair_close(&p);
}

Test(conn, a_break_after_bytes_nobody_read_is_told)
{
    struct pair p;

    pair_open(&p);
    conn_want_read(p.c, false);
    cr_assert_eq(send(p.other, "x", 1, 0), 1);
    settle(p.l);
    pair_break(&p);
    wait_until(p.l, p.seen.hangup > 0);
    cr_assert(p.seen.reset);
    pair_close(&p);
}

Test(conn, without_on_hangup_nobody_watches)
{
    struct pair p;

    pair_open(&p);
    conn_set_owner(p.c, &no_hangup, &p.seen);
    conn_want_read(p.c, false);
    pair_break(&p);
    settle(p.l);
    cr_assert_eq(p.seen.hangup + p.seen.readable, 0);
    pair_close(&p);
}

Test(conn, a_new_owner_hears_of_the_end)
{
    struct seen second = {0};
    struct pair p;

    pair_open(&p);
    conn_set_owner(p.c, &no_hangup, &p.seen);
    conn_want_read(p.c, false);
    cr_assert_eq(send(p.other, "x", 1, 0), 1);
    settle(p.l);
    conn_set_owner(p.c, &counting, &second);
    pair_break(&p);
    wait_until(p.l, second.hangup == 1);
    cr_assert_eq(p.seen.hangup, 0);
    pair_close(&p);
}

Test(conn, a_new_owner_may_not_care_for_the_end)
{
    struct seen second = {0};
    struct pair p;

    pair_open(&p);
    conn_want_read(p.c, false);
    cr_assert_eq(send(p.other, "x", 1, 0), 1);
    settle(p.l);
    conn_set_owner(p.c, &no_hangup, &second);
    pair_break(&p);
    settle(p.l);
    cr_assert_eq(p.seen.hangup + second.hangup, 0);
    pair_close(&p);
}

static struct conn **to_close;

static void close_it(struct conn *c, struct seen *s)
{
    (void)s;
    cr_assert_eq(*to_close, c);
    conn_close(to_close);
}

Test(conn, may_be_closed_in_its_own_callbacks)
{
    for (int how = 0; how < 4; how++) {
        struct pair p;

        pair_open(&p);
        to_close = &p.c;
        p.seen.then = close_it;
        if (how == 1)
            conn_want_write(p.c);
        if (how >= 2)
            conn_want_read(p.c, false);
        if (how == 3)
            pair_break(&p);
        else if (how != 1)
            cr_assert_eq(shutdown(p.other, SHUT_WR), 0);
        wait_until(p.l, p.c == NULL);
        settle(p.l);
        cr_assert_eq(p.seen.readable + p.seen.writable + p.seen.hangup, 1);
        pair_close(&p);
    }
}

/* Both are reported by the kernel in one batch; the first callback closes the second's object. */
static struct conn *both[2];

static void close_other(struct conn *c, struct seen *s)
{
    struct conn **victim = both[0] == c ? &both[1] : &both[0];

    (void)s;
    conn_close(victim);
}

Test(conn, one_may_be_closed_in_the_callback_of_another)
{
    for (int paused = 0; paused < 2; paused++) {
        struct loop *l = loop_create();
        struct seen seen = {.then = close_other};
        int ours[2], others[2];

        for (int i = 0; i < 2; i++) {
            tcp_pair(&ours[i], &others[i]);
            both[i] = conn_accept(l, ours[i], NULL, NULL, 0, &counting, &seen);
            conn_want_read(both[i], paused == 0);
            cr_assert_eq(send(others[i], "x", 1, 0), 1);
        }
        if (paused != 0)
            settle(l);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(close(others[i]), 0);
        wait_until(l, seen.readable + seen.hangup > 0);
        cr_assert_eq(seen.readable + seen.hangup, 1);
        cr_assert(both[0] == NULL || both[1] == NULL);
        conn_close(&both[0]);
        conn_close(&both[1]);
        loop_destroy(&l);
    }
}

Test(conn, shutdown_sends_the_end_after_the_bytes)
{
    struct pair p;
    char buf[8];
    size_t n;

    pair_open(&p);
    cr_assert_eq(conn_write(p.c, &(struct iovec){"bye", 3}, 1, &n), WEIR_OK);
    conn_shutdown(p.c);
    cr_assert_eq(recv(p.other, buf, sizeof buf, MSG_WAITALL), 3);
    cr_assert_eq(recv(p.other, buf, sizeof buf, 0), 0);
    pair_close(&p);
}

Test(conn, a_broken_close_is_a_reset_for_the_peer)
{
    struct pair p;
    char buf[8];

    pair_open(&p);
    conn_break(p.c);
    conn_close(&p.c);
    cr_assert_null(p.c);
    cr_assert_eq(recv(p.other, buf, sizeof buf, 0), -1);
    cr_assert_eq(errno, ECONNRESET);
    pair_close(&p);
}

Test(conn, knows_what_the_kernel_has_not_sent)
{
    struct pair p;

    pair_open(&p);
    cr_assert_eq(conn_unsent(p.c), 0);
    (void)fill(p.c);
    cr_assert_gt(conn_unsent(p.c), 0);
    pair_close(&p);
}

Test(conn, knows_the_address_of_its_peer)
{
    struct net_addr there;
    struct pair p;

    pair_open(&p);
    there.len = sizeof there.u;
    cr_assert_eq(getsockname(p.other, &there.u.sa, &there.len), 0);
    cr_assert(net_addr_equal(conn_peer(p.c), &there));
    pair_close(&p);
}
