/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "virtual_time.h"

struct rig rig;

/* --- the client */

static struct fake_client *client_of(const struct client *c)
{
    return LIST_OBJECT(c, struct fake_client, client);
}

static void on_interim(struct client *c, int status)
{
    client_of(c)->interim = status;
}

static void on_head(struct client *c, const struct answer_head *h)
{
    struct fake_client *f = client_of(c);

    cr_assert_eq(f->status, 0, "a second head");
    cr_assert_not(h->fields->full);
    f->status = h->status;
    f->body = h->body;
}

static void on_data(struct client *c, struct slice bytes)
{
    struct fake_client *f = client_of(c);

    cr_assert(f->status != 0 && !f->ended);
    memcpy(f->data + f->len, bytes.p == NULL ? "" : bytes.p, bytes.len);
    f->len += bytes.len;
    f->data[f->len] = '\0';
}

static void on_end(struct client *c, enum client_end how, const struct field_list *trailers)
{
    struct fake_client *f = client_of(c);

    (void)trailers;
    cr_assert_not(f->ended, "a second end");
    f->ended = true;
    f->how = how;
    f->x = NULL;
}

static size_t backlog(const struct client *c)
{
    return client_of(c)->backlog;
}

static void on_want_body(struct client *c, bool want)
{
    client_of(c)->wants_body = want;
}

static void on_nothing(struct client *c)
{
    (void)c;
}

static void on_tunnel(struct client *c)
{
    client_of(c)->tunnel = true;
}

static bool can_add(const struct client *c)
{
    return client_of(c)->body == BODY_CHUNKED;
}

static void local(const struct client *c, struct net_addr *out)
{
    (void)c;
    cr_assert_eq(net_addr_parse(SLICE_LIT("127.0.0.1:80"), out), WEIR_OK);
}

static const struct client_ops client_ops = {
    .interim = on_interim,
    .head = on_head,
    .data = on_data,
    .end = on_end,
    .backlog = backlog,
    .want_body = on_want_body,
    .close_after = on_nothing,
    .tunnel = on_tunnel,
    .can_add = can_add,
    .local = local,
};

/* --- the upstream, instead of upstream/h1 */

static struct fake_upstream *upstream_of(const struct uplink *u)
{
    return LIST_OBJECT(u, struct fake_upstream, uplink);
}

static size_t on_send(struct uplink *u, const struct upstream_request *r, struct slice body,
                      bool complete, struct slice trailers)
{
    struct fake_upstream *f = upstream_of(u);
    size_t n = body.len < rig.takes ? body.len : rig.takes;

    (void)trailers;
    cr_assert_eq(r != NULL, !f->head_sent, "the head comes with the first call");
    if (r != NULL)
        (void)snprintf(f->host, sizeof f->host, "%.*s", (int)r->host.len, r->host.p);
    f->head_sent = true;
    if (n > 0)
        memcpy(f->body + f->len, body.p, n);
    f->len += n;
    f->complete = complete && n == body.len;
    return n;
}

static void on_want_data(struct uplink *u, bool want)
{
    upstream_of(u)->paused = !want;
}

static void on_release(struct uplink *u)
{
    u->owner = NULL;
    upstream_of(u)->released = true;
}

static void on_cancel(struct uplink *u)
{
    u->owner = NULL;
    upstream_of(u)->cancelled = true;
}

static bool may_have_begun(const struct uplink *u)
{
    (void)u;
    return rig.taken_up;
}

static const struct upstream_ops upstream_ops = {
    .send = on_send,
    .want_data = on_want_data,
    .release = on_release,
    .cancel = on_cancel,
    .may_have_begun = may_have_begun,
};

enum weir_status upstream_take(struct worker *w, const struct upstream_target *t, bool fresh,
                               const struct upstream_events *events, void *owner,
                               struct uplink **out)
{
    struct fake_upstream *f;

    (void)w;
    cr_assert_lt(rig.n_upstreams, RIG_MAX);
    f = &rig.upstreams[rig.n_upstreams++];
    f->slot = t->upstream->slot;
    f->fresh = fresh;
    if (rig.is != WEIR_OK)
        return rig.is;
    f->uplink = (struct uplink){&upstream_ops, events, owner, .open = !rig.slow};
    f->uplink.reused = rig.reused && !fresh;
    *out = &f->uplink;
    return WEIR_OK;
}

const char *upstream_why(const struct worker *w, int slot)
{
    (void)w;
    (void)slot;
    return "no such name";
}

/* --- the rig */

static const char *or_none(const char *s)
{
    return s == NULL ? "" : s;
}

static struct settings *settings_of(const struct rig_settings *r)
{
    struct conf_diagnostics m;
    struct settings *s;
    char text[1024];

    (void)snprintf(text, sizeof text,
                   "pools = ({ name = \"p\"; %s upstreams = (\n"
                   "  { name = \"a\"; url = \"http://127.0.0.1:1\"; %s }%s ); });\n"
                   "routes = ( { path = \"/\"; pool = \"p\"; %s } );",
                   or_none(r->pool), or_none(r->upstream),
                   r->upstreams > 1 ? ", { name = \"b\"; url = \"http://127.0.0.1:2\"; }" : "",
                   or_none(r->route));
    s = conf_parse(text, "t.cfg", &m);
    cr_assert_not_null(s, "%s", m.n > 0 ? m.list[0].text : "");
    conf_diagnostics_free(&m);
    return s;
}

static void make_scratch(struct scratch *k)
{
    k->in = malloc(SCRATCH_BYTES);
    k->lines = malloc(LINES_BYTES);
    k->path = malloc(PATH_BYTES);
    k->fields = calloc(SNAPSHOT_FIELDS_MAX, sizeof *k->fields);
    k->listed = calloc(LISTED_MAX, sizeof *k->listed);
}

static void keep_record(const struct request_record *r, const struct request_trace *trace,
                        const char *path, void *arg)
{
    (void)trace;
    (void)path;
    (void)arg;
    rig.record = *r;
    rig.n_records++;
}

static void on_records(struct loop_message *m)
{
    struct record_block *b = LIST_OBJECT(m, struct record_block, message);

    record_each(b, keep_record, NULL);
    record_block_return(b);
}

const struct request_record *rig_record(void)
{
    record_flush(&rig.w->records);
    loop_poll(rig.w->loop);
    cr_assert_gt(rig.n_records, 0, "nothing was recorded");
    return &rig.record;
}

void rig_make(const struct rig_settings *rs)
{
    static struct slot_book book;
    struct settings *s = settings_of(rs);
    char why[256];

    virtual_time_begin();
    rig = (struct rig){.takes = SIZE_MAX, .taken_up = true};
    rig.w = calloc(1, sizeof *rig.w);
    rig.w->loop = loop_create();
    rig.snapshot = snapshot_create(&s, NULL, &book, why, sizeof why, loop_now_ns(rig.w->loop));
    cr_assert_not_null(rig.snapshot, "%s", why);
    snapshot_commit(rig.snapshot, loop_now_ns(rig.w->loop));
    snapshot_join(rig.snapshot, loop_now_ns(rig.w->loop));
    rig.w->snapshot = rig.snapshot;
    rig.w->use = snapshot_use_create(rig.snapshot);
    rig.w->exchanges = exchanges_create(RIG_MAX);
    make_scratch(&rig.w->scratch);
    cr_assert(record_writer_init(&rig.w->records, rig.w->loop, rig.w->loop, NULL, on_records));
}

void rig_free(void)
{
    struct scratch *k = &rig.w->scratch;

    record_flush(&rig.w->records);
    loop_poll(rig.w->loop);
    loop_poll(rig.w->loop);
    record_writer_fini(&rig.w->records);
    exchanges_destroy(&rig.w->exchanges);
    snapshot_use_retire(&rig.w->use);
    snapshot_unref(rig.snapshot);
    loop_destroy(&rig.w->loop);
    free(k->in);
    free(k->lines);
    free(k->path);
    free(k->fields);
    free(k->listed);
    free(rig.w);
}

struct fake_client *rig_client(void)
{
    return &rig.clients[rig.n_clients - 1];
}

struct fake_upstream *rig_upstream(void)
{
    cr_assert_gt(rig.n_upstreams, 0, "no upstream was taken");
    return &rig.upstreams[rig.n_upstreams - 1];
}

void rig_ask(const char *head, const char *body, size_t arrived)
{
    struct fake_client *c = &rig.clients[rig.n_clients++];
    struct net_addr peer;
    struct client_facts cf = {.peer = &peer};
    struct request_head h;
    struct head_error err;
    size_t used;

    cr_assert_leq(rig.n_clients, RIG_MAX);
    c->client.ops = &client_ops;
    cr_assert_eq(net_addr_parse(SLICE_LIT("127.0.0.1:5000"), &peer), WEIR_OK);
    cr_assert_eq(request_parse(slice_str(head), &rig.snapshot->request_limits,
                               rig.w->scratch.fields, &h, &used, &err),
                 PARSE_DONE);
    c->x = exchange_request(rig.w, &c->client, &h, &cf);
    cr_assert_not_null(c->x);
    exchange_go(c->x);
    if (c->x != NULL && arrived > 0)
        exchange_body(c->x, slice_of(body, arrived));
    if (c->x != NULL && arrived > 0 && arrived == strlen(body))
        exchange_body_end(c->x, SLICE_NONE);
}

void rig_body(const char *bytes)
{
    exchange_body(rig_client()->x, slice_str(bytes));
}

void rig_body_end(void)
{
    exchange_body_end(rig_client()->x, SLICE_NONE);
}

void rig_answer(const char *head, bool to_head)
{
    struct uplink *u = &rig_upstream()->uplink;
    struct response_head h;
    struct head_error err;
    size_t used;

    cr_assert_not_null(u->owner);
    cr_assert_eq(response_parse(slice_str(head), &rig.snapshot->response_limits, to_head, true,
                                rig.w->scratch.fields, &h, &used, &err),
                 PARSE_DONE);
    u->any_byte = true;
    u->events->head(u->owner, &h);
}

void rig_data(const char *bytes)
{
    struct uplink *u = &rig_upstream()->uplink;

    cr_assert_not_null(u->owner);
    u->any_byte = true;
    u->events->data(u->owner, slice_str(bytes));
}

void rig_end(enum upstream_end how)
{
    struct uplink *u = &rig_upstream()->uplink;

    cr_assert_not_null(u->owner);
    u->events->end(u->owner, how, "test", NULL);
}

uint64_t rig_outcomes(enum outcome o)
{
    uint64_t n = 0;

    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        n += counter_get(&rig.w->upstreams[i].outcomes[o]);
    return n;
}

uint64_t rig_decisions(enum decision d)
{
    uint64_t n = 0;

    for (int i = 0; i <= SNAPSHOT_POOLS_MAX; i++) {
        for (int c = 0; c < CLASS_COUNT; c++)
            n += counter_get(&rig.w->pools[i].requests[c][d]);
    }
    return n;
}

struct gate *rig_gate(void)
{
    return rig.snapshot->pools[0].gate;
}
