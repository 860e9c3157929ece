/* SPDX-License-Identifier: Apache-2.0 */
/* `users`: who has used how much of the limits, the fullest first. */
#include <stdlib.h>

#include "call/call.h"
#include "show/show.h"
#include "weir/admin/table.h"

enum { USUAL = 20, MOST = 1000 };

struct user_list {
    const struct user_status *items;
    size_t n;
    uint64_t evicted;
    bool limited; /* some pool has limits */
};

/* "users", "limits[2]" */
static const char *under(char out[24], const struct quota_view *v)
{
    struct text t;

    text_init(&t, out, 24);
    if (v->rule == 0)
        text_str(&t, "users");
    else
        text_printf(&t, "limits[%d]", v->rule - 1);
    return out;
}

const char *user_text(char out[20], uint64_t user)
{
    struct text t;

    text_init(&t, out, 20);
    text_hex(&t, user, 16);
    return out;
}

/* --- text */

static void used_of(struct table *tab, uint64_t used, uint64_t most)
{
    if (most == 0)
        table_right(tab, "%llu", (unsigned long long)used);
    else
        table_right(tab, "%llu of %llu", (unsigned long long)used, (unsigned long long)most);
}

static uint64_t tokens(const uint64_t n[QUOTA_UNITS])
{
    return n[QUOTA_PROMPT] + n[QUOTA_OUTPUT];
}

static void row_text(struct table *tab, const struct user_status *s)
{
    const struct quota_view *v = &s->v;
    const uint64_t *most = v->limits.most;
    char user[20], name[24];

    table_cell(tab, "%s", v->user == 0 ? "all" : user_text(user, v->user));
    table_cell(tab, "%s", s->pool);
    table_cell(tab, "%s", under(name, v));
    table_right(tab, "%.0f %%", 100 * v->fullest);
    used_of(tab, v->streams, most[QUOTA_MAX_STREAMS]);
    used_of(tab, v->minute[QUOTA_REQUESTS], most[QUOTA_REQUESTS_MINUTE]);
    used_of(tab, tokens(v->minute), most[QUOTA_TOKENS_MINUTE]);
    used_of(tab, v->day[QUOTA_REQUESTS], most[QUOTA_REQUESTS_DAY]);
    used_of(tab, tokens(v->day), most[QUOTA_TOKENS_DAY]);
    table_end_row(tab);
}

static void header(struct table *tab)
{
    static const char *const left[] = {"USER", "POOL", "LIMIT"};
    static const char *const right[] = {"USED",       "AT ONCE",      "REQUESTS/MIN",
                                        "TOKENS/MIN", "REQUESTS/DAY", "TOKENS/DAY"};

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        table_cell(tab, "%s", left[i]);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        table_right(tab, "%s", right[i]);
    table_end_row(tab);
}

static void users_text(struct text *t, struct admin *a, const void *arg)
{
    const struct user_list *l = arg;
    struct table tab;

    (void)a;
    if (l->n == 0) {
        text_str(t, l->limited ? "nobody has used anything of the limits in the last 24 h\n"
                               : "no pool has limits (users, limits)\n");
        return;
    }
    for (table_begin(&tab, t, ""); table_pass(&tab);) {
        header(&tab);
        for (size_t i = 0; i < l->n; i++)
            row_text(&tab, &l->items[i]);
    }
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].v.of_fleet) {
            text_str(t, "what this node was told last counts all nodes of the fleet\n");
            break;
        }
    if (l->evicted > 0)
        text_printf(t, "%llu counts gave way to newer ones: more users than there is room for\n",
                    (unsigned long long)l->evicted);
}

/* --- JSON */

static void span_json(struct json_out *j, const char *key, const uint64_t n[QUOTA_UNITS])
{
    json_open_object(j, key);
    json_u64(j, "requests", n[QUOTA_REQUESTS]);
    json_u64(j, "prompt_tokens", n[QUOTA_PROMPT]);
    json_u64(j, "output_tokens", n[QUOTA_OUTPUT]);
    json_close(j);
}

static void row_json(struct json_out *j, const struct user_status *s)
{
    const struct quota_view *v = &s->v;
    char user[20], name[24];

    json_open_object(j, NULL);
    json_cstr(j, "user", v->user == 0 ? NULL : user_text(user, v->user));
    json_cstr(j, "pool", s->pool);
    json_cstr(j, "limit", under(name, v));
    json_bool(j, "fleet", v->of_fleet);
    json_num(j, "used", v->fullest, 4);
    json_u64(j, "streams", v->streams);
    span_json(j, "minute", v->minute);
    span_json(j, "day", v->day);
    json_open_object(j, "limits");
    for (int i = 0; i < QUOTA_LIMITS; i++)
        if (v->limits.most[i] != 0)
            json_u64(j, quota_limit_name((enum quota_limit)i), v->limits.most[i]);
    json_close(j);
    json_close(j);
}

static void users_json(struct text *t, struct admin *a, const void *arg)
{
    const struct user_list *l = arg;
    struct json_out j;

    (void)a;
    json_begin(&j, t);
    json_open_array(&j, NULL);
    for (size_t i = 0; i < l->n; i++)
        row_json(&j, &l->items[i]);
    json_close(&j);
}

static bool has_limits(const struct settings *s)
{
    bool any = false;

    for (size_t i = 0; i < s->n_pools; i++)
        any |= quota_is_needed(&s->pools[i].decide.users.limits, s->pools[i].n_limits);
    return any;
}

void run_users(struct call *c, int param)
{
    size_t most = c->args->number == 0 ? USUAL : c->args->number > MOST ? MOST : c->args->number;
    struct user_status *items = calloc(most, sizeof *items);
    struct user_list l = {.items = items};

    (void)param;
    if (items == NULL) {
        call_fail(c, FAIL_BUSY, "there is no memory for the list");
        return;
    }
    l.limited = has_limits(control_settings(c->a->control));
    l.n = control_users(c->a->control, items, most, &l.evicted);
    call_render(c, c->json ? users_json : users_text, &l);
    free(items);
}
