/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

void values_init(struct page_values *v, struct value_memory *m, uint8_t language)
{
    *v = (struct page_values){.n_history = 0};
    text_init(&m->t, m->made, sizeof m->made);
    v->v[PH_LANG] = slice_str(language_tag(language));
    v->v[PH_STYLE] = slice_of(asset_page_css, asset_page_css_len);
    v->v[PH_INCIDENT_LABEL] = slice_str(word_text(WORD_INCIDENT, language));
}

static struct slice made_since(const struct value_memory *m, size_t from)
{
    return slice_of(m->made + from, m->t.len - from);
}

struct slice make_number(struct value_memory *m, uint64_t n)
{
    size_t from = m->t.len;

    text_u64(&m->t, n);
    return made_since(m, from);
}

struct slice make_with(struct value_memory *m, const char *text, struct slice n)
{
    const char *hole = strstr(text, "{n}");
    size_t from = m->t.len;

    if (hole == NULL)
        return slice_str(text);
    text_put(&m->t, slice_of(text, (size_t)(hole - text)));
    text_put(&m->t, n);
    text_str(&m->t, hole + strlen("{n}"));
    return made_since(m, from);
}

struct slice make_minute(struct value_memory *m, uint64_t wall_ns)
{
    size_t from = m->t.len;

    minute_put(&m->t, wall_ns);
    return made_since(m, from);
}

struct slice make_time(struct value_memory *m, uint64_t wall_ns)
{
    char mem[RFC3339_MAX];
    size_t from = m->t.len;

    text_put(&m->t, slice_of(mem, rfc3339_format(mem, wall_ns)));
    return made_since(m, from);
}

void fill_incident(struct page_values *v, struct value_memory *m, const char *incident)
{
    v->v[PH_INCIDENT] = html_fit(clean_text(incident, m->incident), INCIDENT_HTML_MAX);
}

/* 1..100: a share that is not quite nothing, or not quite all, is shown as neither. */
static unsigned share_percent(double share)
{
    if (share >= 1)
        return 100;
    if (share < 0.015)
        return 1;
    return share > 0.99 ? 99 : (unsigned)(share * 100 + 0.5);
}

void fill_share(struct page_values *v, struct value_memory *m, double share, uint8_t language)
{
    v->v[PH_SHARE] = make_number(m, share_percent(share));
    v->v[PH_SHARE_TEXT] = make_with(m, word_text(WORD_SHARE, language), v->v[PH_SHARE]);
}

enum weir_status page_render(struct slice tpl, const struct page_values *v, struct buf *out,
                             size_t max)
{
    char mem[OWN_PAGE_MAX];
    struct text t;

    text_init(&t, mem, sizeof mem);
    template_render(tpl, v, &t);
    return t.full ? WEIR_LIMIT : buf_append(out, text_slice(&t), max);
}
