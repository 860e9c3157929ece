/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include "weir/base/assert.h"

struct placeholder_row {
    struct slice name;
    enum page_side side;
};

#define WEIR_NAME_ROW(e, name, side) {{name, sizeof name - 1}, side},
static const struct placeholder_row placeholders[] = {WEIR_PLACEHOLDERS(WEIR_NAME_ROW)};
#undef WEIR_NAME_ROW

enum { DEPTH_MAX = 4 };

/* One {{...}}; at the end of the text `tag` is empty and `before` is what is left. */
struct token {
    struct slice before; /* text in front of it */
    char kind;           /* '#', '/', or ' ' for a value; 0 = no more */
    struct slice name;
    size_t end; /* where the text goes on */
};

/* Looks for the next {{...}} at or after `at`; false if one is opened and not closed. */
static bool next_token(struct slice tpl, size_t at, struct token *out)
{
    struct slice rest = slice_from(tpl, at), inner;
    const char *open = memmem(rest.p, rest.len, "{{", 2), *close;

    if (open == NULL) {
        *out = (struct token){.before = rest, .end = tpl.len};
        return true;
    }
    inner = slice_from(rest, (size_t)(open + 2 - rest.p));
    close = memmem(inner.p, inner.len, "}}", 2);
    if (close == NULL)
        return false;
    *out = (struct token){.before = slice_of(rest.p, (size_t)(open - rest.p)),
                          .kind = ' ',
                          .end = (size_t)(close + 2 - tpl.p)};
    inner.len = (size_t)(close - inner.p);
    if (inner.len > 0 && (inner.p[0] == '#' || inner.p[0] == '/')) {
        out->kind = inner.p[0];
        inner = slice_from(inner, 1);
    }
    out->name = slice_trim(inner);
    return true;
}

/* Its index, or PLACEHOLDER_COUNT. */
static enum placeholder find(struct slice name)
{
    unsigned i = 0;

    while (i < PLACEHOLDER_COUNT && !slice_eq(placeholders[i].name, name))
        i++;
    return (enum placeholder)i;
}

static int line_at(struct slice tpl, size_t at)
{
    int line = 1;

    for (size_t i = 0; i < at; i++)
        line += tpl.p[i] == '\n';
    return line;
}

static enum weir_status diagnostic(struct template_diagnostic *m, int line, const char *what,
                                   struct slice name)
{
    struct text t;

    m->line = line;
    text_init(&t, m->why, sizeof m->why);
    text_str(&t, what);
    if (name.p != NULL) {
        text_str(&t, " {{");
        text_put(&t, slice_of(name.p, name.len < 40 ? name.len : 40));
        text_str(&t, "}}");
    }
    return WEIR_BAD;
}

/* The sections that are open while a template is checked. */
struct open_sections {
    struct slice name[DEPTH_MAX];
    int depth;
};

static enum weir_status check_section(struct open_sections *o, const struct token *k, int line,
                                      struct template_diagnostic *m)
{
    if (k->kind == '#') {
        if (o->depth == DEPTH_MAX)
            return diagnostic(m, line, "sections are nested too deeply at", k->name);
        o->name[o->depth++] = k->name;
    } else if (k->kind == '/') {
        if (o->depth == 0 || !slice_eq(o->name[o->depth - 1], k->name))
            return diagnostic(m, line, "no open section is ended by", k->name);
        o->depth--;
    }
    return WEIR_OK;
}

enum weir_status template_check(struct slice tpl, enum page_side side,
                                struct template_diagnostic *m)
{
    struct open_sections open = {.depth = 0};
    struct token k = {.kind = ' '};
    enum weir_status rc;

    for (size_t at = 0; k.kind != 0; at = k.end) {
        if (!next_token(tpl, at, &k))
            return diagnostic(m, line_at(tpl, at), "a {{ is not closed by }}", SLICE_NONE);
        if (k.kind == 0)
            break;
        enum placeholder p = find(k.name);
        int line = line_at(tpl, k.end);
        if (p == PLACEHOLDER_COUNT)
            return diagnostic(m, line, "there is no placeholder", k.name);
        if ((placeholders[p].side & side) == 0)
            return diagnostic(m, line, "this kind of page has no", k.name);
        rc = check_section(&open, &k, line, m);
        if (rc != WEIR_OK)
            return rc;
    }
    if (open.depth > 0)
        return diagnostic(m, line_at(tpl, tpl.len),
                          "a section is not ended:", open.name[open.depth - 1]);
    return WEIR_OK;
}

static struct slice entity(char c)
{
    switch (c) {
    case '&':
        return SLICE_LIT("&amp;");
    case '<':
        return SLICE_LIT("&lt;");
    case '>':
        return SLICE_LIT("&gt;");
    case '"':
        return SLICE_LIT("&#34;");
    case '\'':
        return SLICE_LIT("&#39;");
    default:
        return SLICE_NONE;
    }
}

/* Escapes for HTML text and quoted attributes; bytes that are not UTF-8 are the caller's matter. */
static void html_put(struct text *t, struct slice s)
{
    while (s.len > 0) {
        size_t n = 0;
        while (n < s.len && entity(s.p[n]).len == 0)
            n++;
        text_put(t, slice_of(s.p, n));
        s = slice_from(s, n);
        if (s.len > 0) {
            text_put(t, entity(s.p[0]));
            s = slice_from(s, 1);
        }
    }
}

struct slice html_fit(struct slice s, size_t max)
{
    size_t used = 0, n = 0;

    for (; n < s.len; n++) {
        struct slice e = entity(s.p[n]);
        used += e.len > 0 ? e.len : 1;
        if (used > max)
            break;
    }
    while (n < s.len && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return slice_of(s.p, n);
}

/* A section that is being rendered; only history repeats. */
struct running {
    enum placeholder p;
    size_t start; /* of what it holds */
    int round;
};

struct render {
    struct slice tpl;
    const struct page_values *v;
    struct text *out;
    struct running stack[DEPTH_MAX];
    int depth;
    int entry; /* of the history, inside its section */
};

/* Where the text goes on behind the end of a section that is not shown. */
static size_t skip_section(struct slice tpl, size_t at, struct slice name)
{
    struct token k;

    for (int depth = 1; depth > 0; at = k.end) {
        bool closed = next_token(tpl, at, &k);
        WEIR_ASSERT(closed && k.kind != 0);
        if (slice_eq(k.name, name))
            depth += (k.kind == '#') - (k.kind == '/');
    }
    return at;
}

static struct slice value_of(const struct render *r, enum placeholder p)
{
    const struct history_values *h = &r->v->history[r->entry];

    if (p == PH_AT)
        return h->at;
    if (p == PH_AT_TEXT)
        return h->at_text;
    if (p == PH_CHANGE)
        return h->change;
    return r->v->v[p];
}

static size_t open_section(struct render *r, const struct token *k, enum placeholder p)
{
    bool shown = p == PH_HISTORY ? r->v->n_history > 0 : value_of(r, p).len > 0;

    if (!shown)
        return skip_section(r->tpl, k->end, k->name);
    WEIR_ASSERT(r->depth < DEPTH_MAX);
    r->stack[r->depth++] = (struct running){.p = p, .start = k->end};
    return k->end;
}

static size_t close_section(struct render *r, const struct token *k)
{
    struct running *s;

    WEIR_ASSERT(r->depth > 0);
    s = &r->stack[r->depth - 1];
    if (s->p == PH_HISTORY && ++s->round < r->v->n_history) {
        r->entry = s->round;
        return s->start;
    }
    r->depth--;
    r->entry = 0;
    return k->end;
}

void template_render(struct slice tpl, const struct page_values *v, struct text *out)
{
    struct render r = {.tpl = tpl, .v = v, .out = out};
    struct token k = {.kind = ' '};

    for (size_t at = 0; k.kind != 0;) {
        bool closed = next_token(tpl, at, &k);
        enum placeholder p = find(k.name);

        WEIR_ASSERT(closed && (k.kind == 0 || p != PLACEHOLDER_COUNT));
        text_put(out, k.before);
        at = k.end;
        if (k.kind == '#')
            at = open_section(&r, &k, p);
        else if (k.kind == '/')
            at = close_section(&r, &k);
        else if (k.kind != 0 && p == PH_STYLE)
            text_put(out, v->v[p]); /* our own text, not a stranger's */
        else if (k.kind != 0)
            html_put(out, value_of(&r, p));
    }
}
