/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to Redis (link.h has the states).  hiredis writes commands and reads replies,
 * net/ moves the bytes.  Control thread.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { COMMAND_MAX = 1024 * 1024, READ_MAX = 16 * 1024, MOVES_MAX = 4 };
#define BACKOFF_NS     (200 * NS_PER_MS)
#define BACKOFF_MAX_NS (5 * NS_PER_S)
#define FORBIDDEN_NS   (30 * NS_PER_S) /* until a password or a right is looked at again */
#define PROVEN_NS      (5 * NS_PER_S)  /* a connection that lived so long begins anew */

/* --- down, and when to try again */

static uint64_t wait_ns(struct link *l, enum link_fault f)
{
    uint64_t wait = BACKOFF_NS << (l->fails < 5 ? l->fails : 5);

    if (fault_is_lasting(f))
        return FORBIDDEN_NS;
    wait = wait > BACKOFF_MAX_NS ? BACKOFF_MAX_NS : wait;
    return (uint64_t)((double)wait * (0.75 + 0.25 * rng_unit(&l->random)));
}

static void close_conn(struct link *l)
{
    if (l->conn != NULL)
        conn_close(&l->conn);
    reply_reader_destroy(&l->reader);
    buf_free(&l->out);
}

void link_down(struct link *l, enum link_fault f, const char *why)
{
    link_answer_fn *fn = l->state == LINK_CALLING ? l->fn : NULL;
    uint64_t now = loop_now_ns(l->loop);

    if (l->ready_ns != 0 && now - l->ready_ns >= PROVEN_NS)
        l->fails = l->moves = 0;
    close_conn(l);
    l->state = LINK_WAITING;
    l->ready_ns = 0;
    loop_timer_at(&l->timer, now + wait_ns(l, f));
    l->fails++;
    l->fn = NULL;
    if (fn != NULL)
        fn(NULL, l->arg);
    l->ev->on_down(f, why, l->owner);
}

/* --- commands */

static void flush(struct link *l)
{
    enum weir_status st = WEIR_OK;

    while (!buf_empty(&l->out) && st == WEIR_OK)
        st = conn_write_waiting(l->conn, &l->out);
    if (st == WEIR_AGAIN)
        conn_want_write(l->conn);
    /* any other failure is seen by the reading as well */
}

bool link_send(struct link *l, const struct slice *words, int n)
{
    const char *argv[LINK_WORDS_MAX];
    size_t lens[LINK_WORDS_MAX];
    char *bytes = NULL;
    int len;
    enum weir_status st;

    WEIR_ASSERT(n > 0 && n <= LINK_WORDS_MAX);
    for (int i = 0; i < n; i++) {
        argv[i] = words[i].p == NULL ? "" : words[i].p;
        lens[i] = words[i].len;
    }
    len = redisFormatCommandArgv(&bytes, n, argv, lens);
    if (len < 0)
        return false;
    st = buf_append(&l->out, slice_of(bytes, (size_t)len), COMMAND_MAX);
    explicit_bzero(bytes, (size_t)len); /* it may be a password */
    redisFreeCommand(bytes);
    if (st != WEIR_OK)
        return false;
    l->sent_ns = loop_now_ns(l->loop);
    loop_timer_at(&l->timer, l->sent_ns + l->timeout_ns);
    flush(l);
    return true;
}

bool link_call(struct link *l, const struct slice *words, int n, link_answer_fn *fn, void *arg)
{
    if (l->state != LINK_READY || !link_send(l, words, n))
        return false;
    l->state = LINK_CALLING;
    l->fn = fn;
    l->arg = arg;
    return true;
}

/* --- replies */

/* To whom a node of a cluster has named. */
static void move(struct link *l, struct slice says)
{
    struct net_addr from = *conn_peer(l->conn);
    char text[320], why[160];
    bool fits = says.len < sizeof text;

    link_error(why, "it says ", says);
    (void)snprintf(text, sizeof text, "%.*s", fits ? (int)says.len : 0, says.p);
    link_down(l, LINK_MOVED, why);
    (void)where_redirect(l->where, slice_str(text), &from);
}

static void on_reply(struct link *l, const struct reply *r)
{
    link_answer_fn *fn = l->fn;
    enum link_fault f = r->type == REPLY_ERROR ? fault_of(r->text) : LINK_FINE;
    char why[160];

    if (l->state == LINK_ENTERING) {
        enter_answer(l, r);
        return;
    }
    if (l->state != LINK_CALLING) {
        link_down(l, LINK_BAD_REPLY, "it says something unasked");
        return;
    }
    l->rtt_ns = loop_now_ns(l->loop) - l->sent_ns;
    if (f == LINK_MOVED && l->means->cluster) {
        move(l, r->text);
        return;
    }
    if (f != LINK_FINE) {
        link_error(why, "it says ", r->text);
        link_down(l, f, why);
        return;
    }
    l->state = LINK_READY;
    l->fn = NULL;
    loop_timer_stop(&l->timer);
    fn(r, l->arg);
}

static void read_some(struct link *l, struct slice bytes)
{
    const struct reply *r = NULL;
    const char *bad = "";
    char why[160];

    switch (reply_reader_feed(l->reader, bytes, &r, &bad)) {
    case REPLY_MORE:
        return;
    case REPLY_WHOLE:
        on_reply(l, r);
        return;
    case REPLY_BAD:
        link_error(why, "its answer is none that weir takes: ", slice_str(bad));
        link_down(l, LINK_BAD_REPLY, why);
        return;
    }
    WEIR_UNREACHABLE("reading");
}

static void on_readable(struct conn *c, void *owner)
{
    struct link *l = owner;
    char bytes[READ_MAX];
    size_t got;
    enum weir_status st = WEIR_OK;

    while (l->conn == c && (st = conn_read(c, bytes, sizeof bytes, &got)) == WEIR_OK)
        read_some(l, slice_of(bytes, got));
    if (l->conn == c && st != WEIR_AGAIN)
        link_down(l, LINK_CLOSED, "it ended the connection");
}

static void on_writable(struct conn *c, void *owner)
{
    (void)c;
    flush(owner);
}

/* --- connecting */

static void on_open(struct conn *c, void *owner)
{
    struct link *l = owner;

    (void)c;
    l->state = LINK_ENTERING;
    enter_next(l);
}

static void on_fail(struct conn *c, void *owner, enum weir_status s, const char *why)
{
    (void)c;
    link_down(owner, s == WEIR_TIMEOUT ? LINK_TIMEOUT : LINK_UNREACHED, why);
}

static const struct conn_events conn_events = {
    .on_open = on_open, .on_fail = on_fail, .on_readable = on_readable, .on_writable = on_writable};

static void connect_now(struct link *l)
{
    struct net_addr to;
    const char *why = "";

    if (!where_next(l->where, &to, &why)) {
        link_down(l, LINK_UNREACHED, why);
        return;
    }
    l->connects++;
    l->step = STEP_AUTH;
    l->reader = reply_reader_create();
    if (l->reader != NULL)
        l->conn =
            conn_connect(l->loop, &to, l->means->tls, SLICE_NONE, l->timeout_ns, &conn_events, l);
    if (l->conn == NULL) {
        link_down(l, LINK_UNREACHED, "there is no memory or descriptor for it");
        return;
    }
    l->state = LINK_CONNECTING;
    loop_timer_stop(&l->timer); /* the connection has patience of its own */
}

static void on_timer(void *arg)
{
    struct link *l = arg;

    if (l->state == LINK_WAITING)
        connect_now(l);
    else if (l->state == LINK_ENTERING || l->state == LINK_CALLING)
        link_down(l, LINK_TIMEOUT, "it does not answer in time");
}

static void on_known(void *owner)
{
    struct link *l = owner;

    if (l->state == LINK_WAITING && l->connects == 0)
        loop_timer_at(&l->timer, loop_now_ns(l->loop));
}

/* At once; a few times, for whoever names others all the time is followed as any fault is. */
static void on_moved(void *owner)
{
    struct link *l = owner;

    if (l->state != LINK_WAITING)
        link_down(l, LINK_MOVED, "another Redis is named instead");
    if (l->moves++ < MOVES_MAX)
        loop_timer_at(&l->timer, loop_now_ns(l->loop));
}

static const struct where_events where_events = {.on_known = on_known, .on_moved = on_moved};

/* --- life */

struct link *link_create(struct loop *loop, struct resolver *r, const struct fleet_means *means,
                         uint64_t timeout_ns, uint64_t seed, const struct link_events *ev,
                         void *owner)
{
    struct link *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    *l = (struct link){.loop = loop,
                       .means = means,
                       .timeout_ns = timeout_ns,
                       .ev = ev,
                       .owner = owner,
                       .out = BUF_INIT};
    rng_seed(&l->random, seed);
    loop_timer_init(&l->timer, loop, on_timer, l);
    loop_timer_at(&l->timer, loop_now_ns(loop) + BACKOFF_NS);
    l->where = where_create(loop, r, means, timeout_ns, seed, &where_events, l);
    if (l->where == NULL)
        link_destroy(&l);
    else if (means->unix_path)
        loop_timer_at(&l->timer, loop_now_ns(loop));
    return l;
}

void link_destroy(struct link **lp)
{
    struct link *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    loop_timer_stop(&l->timer);
    where_destroy(&l->where);
    close_conn(l);
    free(l);
}

bool link_is_ready(const struct link *l)
{
    return l->state == LINK_READY;
}

uint64_t link_rtt_ns(const struct link *l)
{
    return l->rtt_ns;
}

uint64_t link_connects(const struct link *l)
{
    return l->connects;
}
