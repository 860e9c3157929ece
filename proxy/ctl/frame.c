/* SPDX-License-Identifier: Apache-2.0 */
/* What a screen of `top` says.  Pure but for jansson's memory. */
#include "frame.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weir/admin/human.h"
#include "weir/admin/table.h"
#include "weir/base/clock.h"

/* --- values of the status */

static const char *str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s == NULL ? "" : s;
}

static double num(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static double num_in(const json_t *o, const char *object, const char *key)
{
    return num(json_object_get(o, object), key);
}

/* RFC 3339 in UTC as seconds since 1970; 0 when it is none. */
static double when(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    return rest == NULL ? 0 : (double)timegm(&tm);
}

static const char *between(char out[HUMAN_MAX], double from_s, double to_s)
{
    return human_duration(out,
                          from_s <= 0 || to_s < from_s ? 0 : (uint64_t)((to_s - from_s) * 1e9));
}

/* --- history */

static struct frame_row *find(struct frame *f, const char *name, bool upstream)
{
    struct frame_row *r;

    for (int i = 0; i < f->n_rows; i++) {
        if (strcmp(f->rows[i].name, name) == 0)
            return &f->rows[i];
    }
    if (f->n_rows == FRAME_ROWS_MAX)
        return NULL;
    r = &f->rows[f->n_rows++];
    *r = (struct frame_row){.upstream = upstream, .line = -1};
    (void)snprintf(r->name, sizeof r->name, "%s", name);
    return r;
}

static void push(struct spark *s, double v)
{
    if (s->n == SPARK_POINTS) {
        memmove(s->v, s->v + 1, sizeof s->v - sizeof s->v[0]);
        s->n--;
    }
    s->v[s->n++] = v;
}

static void take_upstream(struct frame *f, const char *pool, const json_t *u)
{
    char name[FRAME_NAME_MAX];
    struct frame_row *r;

    (void)snprintf(name, sizeof name, "%s/%s", pool, str(u, "name"));
    r = find(f, name, true);
    if (r == NULL)
        return;
    push(&r->load, num(u, "inflight"));
    push(&r->ttft, num_in(u, "ttft_ms", "p50"));
}

void frame_take(struct frame *f, const json_t *status)
{
    const json_t *pool, *u;
    size_t i, k;

    json_array_foreach(json_object_get(status, "pools"), i, pool)
    {
        struct frame_row *r = find(f, str(pool, "name"), false);
        if (r != NULL)
            push(&r->shed, num(pool, "shed_per_s"));
        json_array_foreach(json_object_get(pool, "upstreams"), k, u)
            take_upstream(f, str(pool, "name"), u);
    }
}

/* --- the text */

static const char *spark_text(char out[SPARK_POINTS * 3 + 1], const struct spark *s)
{
    static const char *const steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double top = 0;

    out[0] = '\0';
    for (int i = 0; i < s->n; i++)
        top = s->v[i] > top ? s->v[i] : top;
    for (int i = 0; i < s->n; i++) {
        int step = top <= 0 ? 0 : (int)(s->v[i] / top * 7.999);
        memcpy(out + 3 * i, steps[step], 4);
    }
    return out;
}

static int line_of(const struct text *t)
{
    int n = 0;

    for (size_t i = 0; i < t->len; i++)
        n += t->at[i] == '\n';
    return n;
}

static void write_head(struct text *t, const json_t *status, double now)
{
    char span[HUMAN_MAX], up[HUMAN_MAX], state[32];
    const char *s = str(status, "state");
    size_t i;

    for (i = 0; s[i] != '\0' && i < sizeof state - 1; i++)
        state[i] = s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 32) : s[i];
    state[i] = '\0';
    text_printf(t, "weir %s  %s for %s   %.8sZ   running for %s\n", str(status, "version"), state,
                between(span, when(str(status, "since")), now), str(status, "now") + 11,
                human_duration(up, (uint64_t)num(status, "uptime_s") * NS_PER_S));
    if (str(status, "incident")[0] != '\0')
        text_printf(t, "incident text shown to users: \"%s\"\n", str(status, "incident"));
}

static void write_causes(struct text *t, const json_t *pool)
{
    json_t *causes = json_object_get(pool, "shed_last_minute"), *n;
    const char *cause;
    bool first = true;

    if (json_object_size(causes) == 0)
        return;
    text_str(t, "  refused in the last minute: ");
    json_object_foreach(causes, cause, n)
    {
        text_printf(t, "%s%s %lld", first ? "" : ", ", cause, (long long)json_integer_value(n));
        first = false;
    }
    text_char(t, '\n');
}

static void write_expected(struct text *t, const json_t *o)
{
    char span[HUMAN_MAX];
    double s = num(o, "expected_full_s");

    if (num(o, "share") < 1 && s > 0)
        text_printf(t, ", full in about %s", human_duration(span, (uint64_t)(s * 1e9)));
}

static void write_pool(struct text *t, const json_t *pool, const struct frame_row *r, bool sparks,
                       double now)
{
    char span[HUMAN_MAX], share[HUMAN_MAX], in[HUMAN_MAX], no[HUMAN_MAX], oldest[HUMAN_MAX];
    char shed[SPARK_POINTS * 3 + 1];
    const json_t *queue = json_object_get(pool, "queue");

    text_printf(t, "pool %s: %s for %s, share %s", str(pool, "name"), str(pool, "state"),
                between(span, when(str(pool, "since")), now),
                human_share(share, num(pool, "share")));
    write_expected(t, pool);
    text_printf(t, "; queue %.0f waiting", num(queue, "length"));
    if (num(queue, "length") > 0)
        text_printf(t, " (oldest %s)",
                    human_duration(oldest, (uint64_t)num(queue, "oldest_ms") * NS_PER_MS));
    text_printf(t, "; admitted %s, refused %s", human_rate(in, num(pool, "admitted_per_s")),
                human_rate(no, num(pool, "shed_per_s")));
    if (sparks && r != NULL)
        text_printf(t, " %s", spark_text(shed, &r->shed));
    text_char(t, '\n');
    if (str(json_object_get(pool, "binding"), "sentence")[0] != '\0')
        text_printf(t, "  %s\n", str(json_object_get(pool, "binding"), "sentence"));
    write_causes(t, pool);
}

static void write_header(struct table *tab, bool sparks)
{
    static const char *const names[] = {"UPSTREAM", "STATE", "FOR", "CAUSE"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        table_cell(tab, "%s", names[i]);
    table_right(tab, "SHARE");
    table_cell(tab, "STREAMS");
    table_cell(tab, "NO TOKEN YET");
    if (sparks)
        table_cell(tab, "LOAD");
    table_cell(tab, "FIRST TOKEN p50, p99");
    if (sparks)
        table_cell(tab, "p50");
    table_cell(tab, "PACE");
    table_cell(tab, "ERRORS");
    table_end_row(tab);
}

/* "3 failed, 1 late", of the window; "-" when all was well. */
static void write_errors(char *out, size_t room, const json_t *u)
{
    static const char *const names[] = {"failed", "connect_failed", "stalled", "refused", "late"};
    const json_t *window = json_object_get(u, "window");
    struct text t;

    text_init(&t, out, room);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (num(window, names[i]) > 0)
            text_printf(&t, "%s%.0f %s", t.len == 0 ? "" : ", ", num(window, names[i]), names[i]);
    }
    if (t.len == 0)
        text_char(&t, '-');
}

static void write_upstream(struct table *tab, const json_t *u, const struct frame_row *r,
                           bool sparks, double now)
{
    char a[HUMAN_MAX], b[HUMAN_MAX], errors[160], line[SPARK_POINTS * 3 + 1];
    bool held = json_is_true(json_object_get(u, "ramp_held"));

    table_cell(tab, "%s", str(u, "name"));
    table_cell(tab, "%s%s", str(u, "state"), held ? ", held" : "");
    table_cell(tab, "%s", between(a, when(str(u, "since")), now));
    table_cell(tab, "%s", str(u, "cause")[0] == '\0' ? "-" : str(u, "cause"));
    table_right(tab, "%s", human_share(a, num(u, "share")));
    table_cell(tab, "%.0f of %.0f", num(u, "inflight"), num_in(u, "limits", "streams"));
    table_cell(tab, "%.0f of %.0f", num(u, "pending"), num_in(u, "limits", "pending"));
    if (sparks)
        table_cell(tab, "%s", r == NULL ? "" : spark_text(line, &r->load));
    table_cell(tab, "%s, %s", human_ms(a, num_in(u, "ttft_ms", "p50")),
               human_ms(b, num_in(u, "ttft_ms", "p99")));
    if (sparks)
        table_cell(tab, "%s", r == NULL ? "" : spark_text(line, &r->ttft));
    table_cell(tab, "%s", human_ms(a, num_in(u, "pace_ms", "p50")));
    write_errors(errors, sizeof errors, u);
    table_cell(tab, "%s", errors);
    table_end_row(tab);
}

/* Where something binds; what nothing holds has its numbers in the table. */
static void write_binding(struct text *t, const json_t *u)
{
    const json_t *binding = json_object_get(u, "binding");

    if (str(binding, "rule")[0] != '\0')
        text_printf(t, "  %s: %s\n", str(u, "name"), str(binding, "sentence"));
}

static void write_overrides(struct text *t, const json_t *o, double now)
{
    const json_t *override;
    char left[HUMAN_MAX];
    size_t i;

    json_array_foreach(json_object_get(o, "override"), i, override)
    {
        text_printf(t, "  %s: %s, commanded by %s", str(o, "name"), str(override, "what"),
                    str(override, "by"));
        if (str(override, "until")[0] != '\0')
            text_printf(t, " (%s left)", between(left, now, when(str(override, "until"))));
        text_char(t, '\n');
    }
}

static void write_upstreams(struct frame *f, const json_t *pool, bool sparks, double now,
                            struct text *t)
{
    const json_t *list = json_object_get(pool, "upstreams"), *u;
    char name[FRAME_NAME_MAX];
    struct table tab;
    size_t i;

    for (table_begin(&tab, t, "  "); table_pass(&tab);) {
        write_header(&tab, sparks);
        json_array_foreach(list, i, u)
        {
            struct frame_row *r;
            (void)snprintf(name, sizeof name, "%s/%s", str(pool, "name"), str(u, "name"));
            r = find(f, name, true);
            if (r != NULL)
                r->line = line_of(t);
            write_upstream(&tab, u, r, sparks, now);
        }
    }
    json_array_foreach(list, i, u) write_binding(t, u);
    json_array_foreach(list, i, u) write_overrides(t, u, now);
}

void frame_write(struct frame *f, const json_t *status, bool sparks, struct text *t)
{
    double now = when(str(status, "now"));
    const json_t *pool;
    size_t i;

    for (int r = 0; r < f->n_rows; r++)
        f->rows[r].line = -1;
    write_head(t, status, now);
    json_array_foreach(json_object_get(status, "pools"), i, pool)
    {
        struct frame_row *r = find(f, str(pool, "name"), false);
        if (r != NULL)
            r->line = line_of(t);
        write_pool(t, pool, r, sparks, now);
        write_overrides(t, pool, now);
        write_upstreams(f, pool, sparks, now, t);
    }
}
