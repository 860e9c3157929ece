/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page a person sees instead of an answer: the values that fill a template (ours or the
 * operator's), in the reader's language.
 */
#include "values.h"

#include "weir/base/assert.h"

/* What the style sheet paints with. */
static const char *const tones[PAGE_KIND_COUNT] = {
    [PAGE_BUSY] = "busy",       [PAGE_BROKEN] = "down",     [PAGE_RECOVERING] = "back",
    [PAGE_LIMITED] = "busy",    [PAGE_CLOSING] = "note",    [PAGE_FAILED] = "down",
    [PAGE_SLOW] = "down",       [PAGE_UNREADABLE] = "note", [PAGE_TOO_LARGE] = "note",
    [PAGE_INCOMPLETE] = "note", [PAGE_NOT_FOUND] = "note",  [PAGE_NOT_ALLOWED] = "note",
};

static void fill_texts(struct page_values *v, enum page_kind k, uint8_t language)
{
    v->v[PH_TITLE] = slice_str(page_text(k, PART_TITLE, language));
    v->v[PH_HAPPENED] = slice_str(page_text(k, PART_HAPPENED, language));
    v->v[PH_DOING] = slice_str(page_text(k, PART_DOING, language));
    v->v[PH_REQUEST_LABEL] = slice_str(word_text(WORD_REQUEST, language));
    v->v[PH_STATUS_LABEL] = slice_str(word_text(WORD_STATUS_LINK, language));
    v->v[PH_TONE] = slice_str(tones[k]);
}

static void fill_wait(struct page_values *v, struct value_memory *m, unsigned seconds,
                      uint8_t language)
{
    enum word w = seconds == 1 ? WORD_WAIT_ONE : WORD_WAIT_MANY;

    if (seconds == 0)
        return;
    v->v[PH_SECONDS] = make_number(m, seconds);
    v->v[PH_WAIT] = make_with(m, word_text(w, language), v->v[PH_SECONDS]);
}

/* What the operators or the logs are asked about. */
static void fill_details(struct page_values *v, struct value_memory *m, const struct refusal *r,
                         int status)
{
    v->v[PH_REQUEST_ID] = clean_id(r->request_id, m->id);
    v->v[PH_CAUSE] = slice_str(cause_name(r->cause));
    v->v[PH_STATUS] = make_number(m, (uint64_t)status);
    v->v[PH_REASON] = slice_str(reason_phrase(status));
    v->v[PH_POOL] = slice_str(r->pool);
    v->v[PH_STATUS_PATH] = slice_str(r->status_path);
    v->v[PH_TIME] = make_time(m, r->wall_ns);
    v->v[PH_TIME_TEXT] = make_minute(m, r->wall_ns);
}

static void fill(struct page_values *v, struct value_memory *m, const struct refusal *r,
                 const struct answer_wish *w)
{
    enum page_kind kind = cause_row(r->cause)->page;

    values_init(v, m, w->language);
    fill_texts(v, kind, w->language);
    fill_wait(v, m, refusal_appointment(r).seconds, w->language);
    if (kind == PAGE_RECOVERING && r->share >= 0 && r->share < 1)
        fill_share(v, m, r->share, w->language);
    fill_incident(v, m, r->incident);
    fill_details(v, m, r, refusal_status(r, w));
    WEIR_ASSERT(!m->t.full);
}

enum weir_status page_append(const struct refusal *r, const struct answer_wish *w, struct buf *out,
                             size_t max)
{
    struct slice tpl = page_set_find(r->pages, r->cause, r->pool, w->language);
    struct page_values v;
    struct value_memory m;

    fill(&v, &m, r, w);
    if (tpl.len > 0 && page_render(tpl, &v, out, max) == WEIR_OK)
        return WEIR_OK;
    return page_render(slice_of(asset_page_html, asset_page_html_len), &v, out, max);
}

/* A string of n - 1 of the characters that take most room once they are escaped. */
static void fill_worst(char *s, size_t n)
{
    memset(s, '"', n - 1);
    s[n - 1] = '\0';
}

bool page_fits(struct slice tpl, enum cause c)
{
    char incident[CLEAN_TEXT_MAX], id[CLEAN_ID_MAX];
    struct refusal r = {.cause = c,
                        .retry_after_ms = 59000,
                        .share = 0.5,
                        .incident = incident,
                        .request_id = id,
                        .pool = id,
                        .status_path = id};
    struct answer_wish w = {.format = FORMAT_HTML};
    struct buf out = BUF_INIT;
    bool fits = true;

    fill_worst(incident, sizeof incident);
    fill_worst(id, sizeof id);
    for (; w.language < language_count() && fits; w.language++) {
        struct page_values v;
        struct value_memory m;

        fill(&v, &m, &r, &w);
        fits = page_render(tpl, &v, &out, OWN_PAGE_MAX) == WEIR_OK;
        buf_free(&out);
    }
    return fits;
}

void page_policy_put(struct text *t, bool own)
{
    text_str(t, "default-src 'none'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'self'; ");
    if (own) {
        text_str(t, "style-src 'unsafe-inline'; img-src 'self' https: data:; "
                    "font-src https: data:");
        return;
    }
    text_str(t, "img-src data:; style-src 'sha256-");
    text_str(t, asset_page_css_sha256);
    text_char(t, '\'');
}
