/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

struct fake_upstream fake;

/* --- the client */

static struct fake_client *client_of(const struct client *c)
{
    return LIST_OBJECT(c, struct fake_client, client);
}

static void on_interim(struct client *c, int status)
{
    (void)c;
    (void)status;
}

static void on_head(struct client *c, const struct answer_head *h)
{
    struct fake_client *f = client_of(c);

    cr_assert_eq(f->status, 0, "a second head");
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
}

static size_t no_backlog(const struct client *c)
{
    (void)c;
    return 0;
}

static void on_want_body(struct client *c, bool want)
{
    client_of(c)->wants_body = want;
}

static void on_nothing(struct client *c)
{
    (void)c;
}

static bool can_add(const struct client *c)
{
    return client_of(c)->body == BODY_CHUNKED;
}

static const struct client_ops client_ops = {
    .interim = on_interim,
    .head = on_head,
    .data = on_data,
    .end = on_end,
    .backlog = no_backlog,
    .want_body = on_want_body,
    .close_after = on_nothing,
    .tunnel = on_nothing,
    .can_add = can_add,
};

/* --- the upstream, instead of upstream/h1 */

static size_t on_send(struct uplink *u, const struct upstream_request *r, struct slice body,
                      bool complete)
{
    (void)u;
    cr_assert_eq(r != NULL, !fake.head_sent, "the head comes with the first call");
    if (r != NULL)
        (void)snprintf(fake.host, sizeof fake.host, "%.*s", (int)r->host.len, r->host.p);
    fake.head_sent = true;
    if (body.len > 0)
        memcpy(fake.body + fake.len, body.p, body.len);
    fake.len += body.len;
    fake.complete = complete;
    return body.len;
}

static void on_want_data(struct uplink *u, bool want)
{
    (void)u;
    (void)want;
}

static void on_release(struct uplink *u)
{
    u->owner = NULL;
    fake.released = true;
}

static void on_cancel(struct uplink *u)
{
    u->owner = NULL;
    fake.cancelled = true;
}

static bool may_have_begun(const struct uplink *u)
{
    (void)u;
    return fake.begun;
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
    int taken = fake.taken;

    (void)w;
    (void)fresh;
    cr_assert_null(fake.uplink.owner, "the last one was not given back");
    fake.slots[taken] = (char)t->upstream->slot;
    fake = (struct fake_upstream){.taken = taken + 1, .begun = true};
    fake.uplink = (struct uplink){&upstream_ops, events, owner, .open = true};
    *out = &fake.uplink;
    return WEIR_OK;
}

const char *upstream_why(const struct worker *w, int slot)
{
    (void)w;
    (void)slot;
    return "";
}

/* --- the rig */

static struct settings *settings_of(int n_upstreams)
{
    struct conf_diagnostics m;
    struct settings *s;
    char text[512];

    (void)snprintf(text, sizeof text,
                   "pools = ({ name = \"p\"; upstreams = (\n"
                   "  { name = \"a\"; url = \"http://127.0.0.1:1\"; }%s ); });",
                   n_upstreams > 1 ? ", { name = \"b\"; url = \"http://127.0.0.1:2\"; }" : "");
    s = conf_parse(text, "t.cfg", &m);
    cr_assert_not_null(s);
    conf_diagnostics_free(&m);
    return s;
}

void rig_make(struct rig *r, int n_upstreams)
{
    static struct slot_book book;
    struct settings *s = settings_of(n_upstreams);
    struct scratch *k;
    char why[256];

    *r = (struct rig){.c.client.ops = &client_ops};
    fake = (struct fake_upstream){0};
    r->w = calloc(1, sizeof *r->w);
    r->w->loop = loop_create();
    r->snapshot = snapshot_create(&s, NULL, &book, why, sizeof why, loop_now_ns(r->w->loop));
    cr_assert_not_null(r->snapshot, "%s", why);
    snapshot_commit(r->snapshot, loop_now_ns(r->w->loop));
    snapshot_join(r->snapshot, loop_now_ns(r->w->loop));
    r->w->snapshot = r->snapshot;
    r->w->use = snapshot_use_create(r->snapshot);
    r->w->exchanges = exchanges_create(4);
    k = &r->w->scratch;
    k->in = malloc(SCRATCH_BYTES);
    k->lines = malloc(LINES_BYTES);
    k->path = malloc(PATH_BYTES);
    k->fields = calloc(SNAPSHOT_FIELDS_MAX, sizeof *k->fields);
    k->listed = calloc(LISTED_MAX, sizeof *k->listed);
}

void rig_free(struct rig *r)
{
    struct scratch *k = &r->w->scratch;

    loop_poll(r->w->loop);
    exchanges_destroy(&r->w->exchanges);
    snapshot_use_retire(&r->w->use);
    snapshot_unref(r->snapshot);
    loop_destroy(&r->w->loop);
    free(k->in);
    free(k->lines);
    free(k->path);
    free(k->fields);
    free(k->listed);
    free(r->w);
}

void rig_ask(struct rig *r, const char *body, size_t arrived)
{
    char text[512];
    struct net_addr peer;
    struct client_facts cf = {.peer = &peer};
    struct request_head h;
    struct head_error err;
    size_t used;

    cr_assert_eq(net_addr_parse(SLICE_LIT("127.0.0.1:5000"), &peer), WEIR_OK);
    (void)snprintf(text, sizeof text,
                   "POST /v1/chat/completions HTTP/1.1\r\nHost: chat.test\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   strlen(body));
    cr_assert_eq(request_parse(slice_str(text), &r->snapshot->request_limits, r->w->scratch.fields,
                               &h, &used, &err),
                 PARSE_DONE);
    r->x = exchange_request(r->w, &r->c.client, &h, &cf);
    cr_assert_not_null(r->x);
    exchange_go(r->x);
    if (arrived > 0)
        exchange_body(r->x, slice_of(body, arrived));
    if (arrived == strlen(body))
        exchange_body_end(r->x);
}

void rig_answer(struct rig *r, const char *head)
{
    struct response_head h;
    struct head_error err;
    size_t used;

    cr_assert_eq(response_parse(slice_str(head), &r->snapshot->response_limits, false, false,
                                r->w->scratch.fields, &h, &used, &err),
                 PARSE_DONE);
    fake.uplink.any_byte = true;
    fake.uplink.events->head(fake.uplink.owner, &h);
}

void rig_data(const char *bytes)
{
    fake.uplink.events->data(fake.uplink.owner, slice_str(bytes));
}

void rig_end(enum upstream_end how)
{
    fake.uplink.events->end(fake.uplink.owner, how, "test", NULL);
}

uint64_t rig_outcomes(const struct rig *r, enum outcome o)
{
    uint64_t n = 0;

    for (int i = 0; i < SNAPSHOT_UPSTREAMS_MAX; i++)
        n += counter_get(&r->w->upstreams[i].outcomes[o]);
    return n;
}
