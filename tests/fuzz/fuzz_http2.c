/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole connection of HTTP/2 in memory: a stranger's bytes behind a good preface, in any pieces,
 * through the real client side, exchanges and gate, before an upstream that answers at once.  What
 * must hold: when the client is gone, no connection, stream or exchange is left, and every
 * admission was given back.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/client.h"
#include "exchange/exchange.h"
#include "fuzz.h"
#include "upstream/upstream.h"
#include "worker/shared.h"

enum { CLIENTS = 4, UPLINKS = 256, WRITE_MAX = 1 << 16 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

/* --- an upstream that answers when it has the whole request */

struct fake {
    struct uplink uplink;
    struct loop_deferred answer;
    unsigned kind; /* which answer, by the length of the target */
};
static struct fake fakes[UPLINKS];
static struct worker *w;

static struct fake *fake_of(struct uplink *u)
{
    return LIST_OBJECT(u, struct fake, uplink);
}

static void say(struct fake *f, const char *head, const char *body, enum upstream_end how)
{
    static const struct head_limits limits = {.line = 8192, .head = 32768, .fields = 100};
    struct uplink *u = &f->uplink;
    struct response_head h;
    struct head_error err;
    size_t used;

    WEIR_ASSERT(response_parse(slice_str(head), &limits, false, false, w->scratch.fields, &h, &used,
                               &err) == PARSE_DONE);
    u->any_byte = true;
    u->events->head(u->owner, &h);
    if (u->owner != NULL && h.body != BODY_NONE)
        u->events->data(u->owner, slice_str(body));
    if (u->owner != NULL)
        u->events->end(u->owner, how, "broken off", NULL);
}

static void on_answer(struct loop_deferred *d)
{
    struct fake *f = LIST_OBJECT(d, struct fake, answer);

    if (f->uplink.owner == NULL)
        return;
    switch (f->kind % 4) {
    case 0:
        say(f, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", END_CLEAN);
        return;
    case 1:
        say(f, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", END_RESET);
        return;
    case 2:
        say(f, "HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", "", END_CLEAN);
        return;
    default:
        say(f, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "half", END_SHORT);
        return;
    }
}

static size_t on_send(struct uplink *u, const struct upstream_request *r, struct slice body,
                      bool complete, struct slice trailers)
{
    struct fake *f = fake_of(u);

    (void)trailers;
    if (r != NULL)
        f->kind = (unsigned)r->target.len;
    if (complete)
        loop_defer_free(w->loop, &f->answer);
    return body.len;
}

static void on_want_data(struct uplink *u, bool want)
{
    (void)u, (void)want;
}

static void on_over(struct uplink *u)
{
    u->owner = NULL;
}

static bool may_have_begun(const struct uplink *u)
{
    (void)u;
    return true;
}

static const struct upstream_ops ops = {on_send, on_want_data, on_over, on_over, may_have_begun};

enum weir_status upstream_take(struct worker *unused, const struct upstream_target *t, bool fresh,
                               const struct upstream_events *events, void *owner,
                               struct uplink **out)
{
    (void)unused, (void)t, (void)fresh;
    for (size_t i = 0; i < UPLINKS; i++) {
        struct fake *f = &fakes[i];

        if (f->uplink.owner != NULL || !list_empty(&f->answer.node))
            continue;
        f->uplink = (struct uplink){.ops = &ops, .events = events, .owner = owner, .open = true};
        *out = &f->uplink;
        return WEIR_OK;
    }
    return WEIR_NO_MEMORY;
}

const char *upstream_why(const struct worker *unused, int slot)
{
    (void)unused, (void)slot;
    return "";
}

/* --- a worker with one pool */

static void on_records(struct loop_message *m)
{
    record_block_return(LIST_OBJECT(m, struct record_block, message));
}

static void on_gone(struct worker *of)
{
    (void)of;
}

static struct snapshot *make_snapshot(struct loop *l)
{
    static const char text[] =
        "listeners = ( { address = \"127.0.0.1:1\"; http2 = \"clear\"; } );\n"
        "limits = { body = \"64KiB\"; buffer = \"4KiB\"; head = \"4KiB\"; spool = \"64KiB\"; };\n"
        "pools = ( { name = \"p\"; upstreams = (\n"
        "  { name = \"a\"; url = \"http://127.0.0.1:1\"; } ); } );";
    static struct slot_book book;
    struct conf_diagnostics m;
    struct settings *s = conf_parse(text, "fuzz", &m);
    struct snapshot *made;
    char why[256];

    WEIR_ASSERT(s != NULL);
    conf_diagnostics_free(&m);
    made = snapshot_create(&s, NULL, &book, why, sizeof why, loop_now_ns(l));
    WEIR_ASSERT(made != NULL);
    snapshot_commit(made, loop_now_ns(l));
    snapshot_join(made, loop_now_ns(l));
    return made;
}

static void make_worker(void)
{
    w = calloc(1, sizeof *w);
    w->loop = loop_create();
    w->snapshot = make_snapshot(w->loop);
    w->use = snapshot_use_create(w->snapshot);
    w->exchanges = exchanges_create(UPLINKS);
    w->scratch.in = malloc(SCRATCH_BYTES);
    w->scratch.lines = malloc(LINES_BYTES);
    w->scratch.path = malloc(PATH_BYTES);
    w->scratch.fields = calloc(SNAPSHOT_FIELDS_MAX, sizeof *w->scratch.fields);
    w->scratch.listed = calloc(LISTED_MAX, sizeof *w->scratch.listed);
    w->clients = clients_create(w, CLIENTS, on_gone);
    WEIR_ASSERT(w->clients != NULL);
    WEIR_ASSERT(record_writer_init(&w->records, w->loop, w->loop, NULL, on_records));
    for (size_t i = 0; i < UPLINKS; i++)
        loop_deferred_init(&fakes[i].answer, on_answer);
    log_set_level(LOG_LEVEL_ERROR);
}

/* --- the session */

static void swallow(int fd)
{
    static char mem[WRITE_MAX];

    while (recv(fd, mem, sizeof mem, MSG_DONTWAIT) > 0)
        continue;
}

/* False: weir closed its end. */
static bool give(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.p, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        loop_poll(w->loop);
        swallow(fd);
        if (n <= 0)
            return false;
        bytes = slice_from(bytes, (size_t)n);
    }
    return true;
}

static void check_nothing_is_left(void)
{
    struct live_request live[1];

    WEIR_ASSERT(counter_get(&w->counters.h2_open) == 0);
    WEIR_ASSERT(counter_get(&w->counters.h2_streams) == 0);
    WEIR_ASSERT(exchanges_list(w, live, 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    uint32_t seed = fuzz_seed(in);
    struct net_addr peer;
    int pair[2];

    if (w == NULL)
        make_worker();
    if (size > WRITE_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
        return 0;
    WEIR_ASSERT(net_addr_parse(SLICE_LIT("127.0.0.1:5000"), &peer) == WEIR_OK);
    WEIR_ASSERT(clients_open(w, pair[1], &peer, 0));
    if (give(pair[0], slice_of(preface, sizeof preface - 1))) {
        while (in.len > 0 && give(pair[0], fuzz_piece(&in, &seed)))
            continue;
    }
    swallow(pair[0]);
    (void)close(pair[0]);
    for (int i = 0; i < 3; i++)
        loop_poll(w->loop);
    record_flush(&w->records);
    loop_poll(w->loop);
    check_nothing_is_left();
    return 0;
}
