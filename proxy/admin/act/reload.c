/* SPDX-License-Identifier: Apache-2.0 */
/* `reload` and `reload --dry-run`.  Control thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "socket/socket.h"

static void put_diagnostics(struct text *t, const struct conf_diagnostics *m)
{
    text_printf(t, "the running settings stay: %zu error%s in the file", m->n,
                m->n == 1 ? "" : "s");
    for (size_t i = 0; i < m->n; i++) {
        text_printf(t, "\n%s", m->list[i].file == NULL ? "" : m->list[i].file);
        if (m->list[i].line > 0)
            text_printf(t, ":%d", m->list[i].line);
        text_printf(t, ": %s", m->list[i].text);
    }
}

static void refuse_diagnostics(struct call *c, const struct conf_diagnostics *m)
{
    enum { ROOM = 64 * 1024 };
    char *mem = malloc(ROOM);
    struct text t;

    if (mem == NULL) {
        call_refuse(c, FAIL_REFUSED, "the running settings stay: the file has errors");
        return;
    }
    text_init(&t, mem, ROOM);
    put_diagnostics(&t, m);
    call_refuse(c, FAIL_REFUSED, mem);
    free(mem);
}

/* --- reload: the answer comes when the settings were read, now or a moment later */

struct asked {
    struct socket_hold *hold;
    char line[80]; /* as typed */
};

static void on_reloaded(const struct conf_diagnostics *m, struct slice notes, void *arg)
{
    static const struct command_args args = {.row = &command_rows[COMMAND_RELOAD]};
    struct asked *asked = arg;
    char line[sizeof asked->line];
    struct call c;
    bool here = socket_hold_take(&asked->hold, &c);

    memcpy(line, asked->line, sizeof line);
    free(asked);
    if (!here)
        return;
    c.args = &args;
    c.line = slice_str(line);
    if (m->n > 0)
        refuse_diagnostics(&c, m);
    else
        call_done(&c, "the settings are in force%s%.*s", notes.len == 0 ? "" : "; ", (int)notes.len,
                  notes.p == NULL ? "" : notes.p);
    socket_answered(&c);
}

void run_reload(struct call *c, int param)
{
    struct asked *asked = calloc(1, sizeof *asked);
    struct control_who who = {c->uid, asked == NULL ? "" : asked->line};
    struct call unused;

    (void)param;
    if (asked != NULL) {
        (void)snprintf(asked->line, sizeof asked->line, "%.*s", (int)c->line.len, c->line.p);
        asked->hold = socket_hold(c);
        if (asked->hold != NULL && control_reload(c->a->control, &who, on_reloaded, asked))
            return;
        if (asked->hold != NULL)
            (void)socket_hold_take(&asked->hold, &unused);
        free(asked);
    }
    call_fail(c, FAIL_BUSY, "there is no memory for the reload");
}

/* --- reload --dry-run */

/* Changes as key, was, is, from, then effects; each string with its NUL. */
struct preview {
    struct buf changes, effects;
    size_t n_changes, n_effects;
    bool cut;
};

static void keep(struct preview *p, struct buf *b, const char *s)
{
    if (buf_append(b, slice_of(s, strlen(s) + 1), ANSWER_MAX) != WEIR_OK)
        p->cut = true;
}

static void on_change(const struct conf_change *c, void *arg)
{
    struct preview *p = arg;

    keep(p, &p->changes, c->key);
    keep(p, &p->changes, c->was == NULL ? "" : c->was);
    keep(p, &p->changes, c->is == NULL ? "" : c->is);
    keep(p, &p->changes, c->from);
    p->n_changes++;
}

static void on_effect(const char *sentence, void *arg)
{
    struct preview *p = arg;

    keep(p, &p->effects, sentence);
    p->n_effects++;
}

static const char *next(const char **at)
{
    const char *s = *at;

    *at += strlen(s) + 1;
    return s;
}

static void show_change(struct text *t, const char **at)
{
    const char *key = next(at), *was = next(at), *is = next(at), *from = next(at);

    if (was[0] == '\0')
        text_printf(t, "  %s: %s, new (%s)\n", key, is, from);
    else if (is[0] == '\0')
        text_printf(t, "  %s: gone, was %s\n", key, was);
    else
        text_printf(t, "  %s: %s, was %s (%s)\n", key, is, was, from);
}

static void show_preview(struct text *t, struct admin *a, const void *arg)
{
    const struct preview *p = arg;
    const char *at = buf_slice(&p->changes).p;

    (void)a;
    if (p->n_changes == 0)
        text_str(t, "the file is good, and its settings are those in force\n");
    else
        text_printf(t, "the file is good; a reload would change %zu setting%s\n", p->n_changes,
                    p->n_changes == 1 ? "" : "s");
    for (size_t i = 0; i < p->n_changes; i++)
        show_change(t, &at);
    at = buf_slice(&p->effects).p;
    text_str(t, "what it does to running traffic\n");
    for (size_t i = 0; i < p->n_effects; i++)
        text_printf(t, "  %s\n", next(&at));
    text_str(t, "  requests under way end under the settings they began with; none is cut\n"
                "nothing was changed\n");
}

static void show_preview_json(struct text *t, struct admin *a, const void *arg)
{
    const struct preview *p = arg;
    const char *at = buf_slice(&p->changes).p;
    struct json_out j;

    (void)a;
    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_open_array(&j, "changes");
    for (size_t i = 0; i < p->n_changes; i++) {
        const char *key = next(&at), *was = next(&at), *is = next(&at), *from = next(&at);

        json_open_object(&j, NULL);
        json_cstr(&j, "key", key);
        json_cstr(&j, "was", was[0] == '\0' ? NULL : was);
        json_cstr(&j, "is", is[0] == '\0' ? NULL : is);
        json_cstr(&j, "from", from);
        json_close(&j);
    }
    json_close(&j);
    json_open_array(&j, "effects");
    at = buf_slice(&p->effects).p;
    for (size_t i = 0; i < p->n_effects; i++)
        json_cstr(&j, NULL, next(&at));
    json_close(&j);
    json_close(&j);
}

void run_reload_dry_run(struct call *c, int param)
{
    struct preview p = {.changes = BUF_INIT, .effects = BUF_INIT};
    struct reload_preview to = {on_change, on_effect, &p};
    struct conf_diagnostics m = {0};

    (void)param;
    if (!control_preview_reload(c->a->control, &to, &m))
        refuse_diagnostics(c, &m);
    else if (p.cut)
        call_fail(c, FAIL_BUSY, "there is no memory for the answer");
    else
        call_render(c, c->json ? show_preview_json : show_preview, &p);
    conf_diagnostics_free(&m);
    buf_free(&p.changes);
    buf_free(&p.effects);
}
