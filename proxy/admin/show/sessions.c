/* SPDX-License-Identifier: Apache-2.0 */
/* `sessions`: the requests under way, as the workers report them a moment later. */
#include <stdlib.h>

#include "call/names.h"
#include "socket/socket.h"
#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

struct session_list {
    const struct live_request *const *items; /* oldest first */
    size_t n;
};

static void row_text(struct table *tab, struct admin *a, const struct live_request *r)
{
    char age[HUMAN_MAX], ttft[HUMAN_MAX];
    const char *upstream = name_of_upstream(a, r->pool, r->upstream);

    table_cell(tab, "%s", r->id);
    table_cell(tab, "%s%s%s", name_of_pool(a, r->pool), upstream[0] == '\0' ? "" : "/",
               upstream[0] == '\0' && r->pool >= 0 ? " (waits)" : upstream);
    table_cell(tab, "%s", class_name(r->class));
    table_cell(tab, "%s", human_duration(age, r->age_ns));
    table_cell(tab, "%s", human_ms(ttft, (double)r->ttft_ns / (double)NS_PER_MS));
    table_right(tab, "%u", r->events);
    table_cell(tab, "%s", r->client);
    table_end_row(tab);
}

static void header(struct table *tab)
{
    static const char *const names[] = {"REQUEST", "POOL/UPSTREAM", "CLASS", "AGE", "FIRST TOKEN"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        table_cell(tab, "%s", names[i]);
    table_right(tab, "EVENTS");
    table_cell(tab, "CLIENT");
    table_end_row(tab);
}

static void sessions_text(struct text *t, struct admin *a, const void *arg)
{
    const struct session_list *l = arg;
    struct table tab;

    if (l->n == 0) {
        text_str(t, "no request is under way\n");
        return;
    }
    for (table_begin(&tab, t, ""); table_pass(&tab);) {
        header(&tab);
        for (size_t i = 0; i < l->n; i++)
            row_text(&tab, a, l->items[i]);
    }
}

static void row_json(struct json_out *j, struct admin *a, const struct live_request *r)
{
    json_open_object(j, NULL);
    json_cstr(j, "request_id", r->id);
    json_cstr(j, "pool", name_of_pool(a, r->pool));
    json_cstr(j, "upstream", name_of_upstream(a, r->pool, r->upstream));
    json_u64(j, "age_ms", r->age_ns / NS_PER_MS);
    if (r->ttft_ns == 0)
        json_put_null(j, "ttft_ms");
    else
        json_num(j, "ttft_ms", (double)r->ttft_ns / (double)NS_PER_MS, 1);
    json_u64(j, "events", r->events);
    json_cstr(j, "class", class_name(r->class));
    json_cstr(j, "client", r->client);
    json_close(j);
}

static void sessions_json(struct text *t, struct admin *a, const void *arg)
{
    const struct session_list *l = arg;
    struct json_out j;

    json_begin(&j, t);
    json_open_array(&j, NULL);
    for (size_t i = 0; i < l->n; i++)
        row_json(&j, a, l->items[i]);
    json_close(&j);
}

static int by_age(const void *a, const void *b)
{
    const struct live_request *const *x = a, *const *y = b;

    return ((*x)->age_ns < (*y)->age_ns) - ((*x)->age_ns > (*y)->age_ns);
}

static void on_sessions(const struct live_request *list, size_t n, void *arg)
{
    struct socket_hold *hold = arg;
    const struct live_request **items;
    struct session_list l = {.n = n};
    struct call c;

    if (!socket_hold_take(&hold, &c))
        return;
    items = calloc(n + 1, sizeof(struct live_request *));
    if (items == NULL) {
        call_fail(&c, FAIL_BUSY, "there is no memory for the list");
    } else {
        for (size_t i = 0; i < n; i++)
            items[i] = &list[i];
        qsort((void *)items, n, sizeof(struct live_request *), by_age);
        l.items = items;
        call_render(&c, c.json ? sessions_json : sessions_text, &l);
        free((void *)items);
    }
    socket_answered(&c);
}

void run_sessions(struct call *c, int param)
{
    struct socket_hold *hold = socket_hold(c);

    struct call unused;

    (void)param;
    if (hold != NULL && control_sessions(c->a->control, on_sessions, hold))
        return;
    if (hold != NULL)
        (void)socket_hold_take(&hold, &unused);
    call_fail(c, FAIL_BUSY, "there is no memory for the list");
}
