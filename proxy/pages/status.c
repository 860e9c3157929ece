/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public status page, for people and for programs.  It says what the public may know: no pool,
 * no server, no number of users.
 */
#include <math.h>

#include "values.h"

#include "weir/base/assert.h"
#include "weir/base/json_out.h"

enum { STATUS_JSON_MAX = 1024 + 3 * CLEAN_TEXT_MAX + HISTORY_MAX * 96 };

/* The class of the built-in style. */
static const char *const tones[SERVICE_STATE_COUNT] = {
    [SERVICE_SERVING] = "back", [SERVICE_SHEDDING] = "busy", [SERVICE_RECOVERING] = "back",
    [SERVICE_DOWN] = "down",    [SERVICE_DRAINING] = "note",
};

static enum service_state state_find(const char *name)
{
    unsigned s = 0;

    while (s < SERVICE_STATE_COUNT && strcmp(service_state_name((enum service_state)s), name) != 0)
        s++;
    WEIR_ASSERT(s < SERVICE_STATE_COUNT);
    return (enum service_state)s;
}

/* In steps that a reader takes for an estimate: 5 s up to a minute and a half, then minutes. */
static struct slice make_expected(struct value_memory *m, double seconds, uint8_t language)
{
    bool short_wait = seconds <= 90;
    double n = short_wait ? 5 * fmax(1, ceil(seconds / 5)) : ceil(fmin(seconds, 1e6) / 60);
    enum word w = short_wait ? WORD_EXPECTED_SECONDS : WORD_EXPECTED_MINUTES;

    return make_with(m, word_text(w, language), make_number(m, (uint64_t)n));
}

static void fill_history(struct page_values *v, struct value_memory *m,
                         const struct status_facts *f, uint8_t language)
{
    for (int i = 0; i < f->n_history && i < HISTORY_MAX; i++) {
        enum service_state s = state_find(f->history[i].state);

        v->history[i] = (struct history_values){
            .at = make_time(m, f->history[i].at_wall_ns),
            .at_text = make_minute(m, f->history[i].at_wall_ns),
            .change = slice_str(state_text(s, PART_TITLE, language)),
        };
        v->n_history = i + 1;
    }
    if (v->n_history > 0)
        v->v[PH_HISTORY_LABEL] = slice_str(word_text(WORD_HISTORY, language));
}

/* "Since 2026-11-24 07:41 UTC" */
static struct slice make_dated(struct value_memory *m, enum word w, uint8_t language,
                               uint64_t wall_ns)
{
    return make_with(m, word_text(w, language), make_minute(m, wall_ns));
}

static void fill(struct page_values *v, struct value_memory *m, const struct status_facts *f,
                 uint8_t language)
{
    enum service_state s = state_find(f->state);

    values_init(v, m, language);
    v->v[PH_STATE] = slice_str(f->state);
    v->v[PH_TITLE] = slice_str(state_text(s, PART_TITLE, language));
    v->v[PH_HAPPENED] = slice_str(state_text(s, PART_HAPPENED, language));
    v->v[PH_TONE] = slice_str(tones[s]);
    v->v[PH_SECONDS] = SLICE_LIT("15"); /* the page comes back for news */
    v->v[PH_SINCE] = make_dated(m, WORD_SINCE, language, f->since_wall_ns);
    v->v[PH_UPDATED] = make_dated(m, WORD_UPDATED, language, f->updated_wall_ns);
    v->v[PH_TIME] = make_time(m, f->updated_wall_ns);
    v->v[PH_TIME_TEXT] = make_minute(m, f->updated_wall_ns);
    if (s == SERVICE_RECOVERING) {
        fill_share(v, m, f->share, language);
        if (f->expected_full_s >= 0)
            v->v[PH_EXPECTED] = make_expected(m, f->expected_full_s, language);
    }
    fill_incident(v, m, f->incident);
    fill_history(v, m, f, language);
    WEIR_ASSERT(!m->t.full);
}

enum weir_status status_page_body(const struct status_facts *f, uint8_t language, struct buf *out,
                                  size_t max)
{
    struct slice tpl = page_set_status(f->pages, language);
    struct page_values v;
    struct value_memory m;

    fill(&v, &m, f, language);
    if (tpl.len > 0 && page_render(tpl, &v, out, max) == WEIR_OK)
        return WEIR_OK;
    return page_render(slice_of(asset_status_html, asset_status_html_len), &v, out, max);
}

bool status_page_fits(struct slice tpl)
{
    static const char *const longest = "recovering";
    char incident[CLEAN_TEXT_MAX];
    struct status_facts f = {
        .state = longest, .expected_full_s = 60, .incident = incident, .n_history = HISTORY_MAX};
    struct buf out = BUF_INIT;
    bool fits = true;

    memset(incident, '"', sizeof incident - 1);
    incident[sizeof incident - 1] = '\0';
    for (int i = 0; i < HISTORY_MAX; i++)
        f.history[i].state = longest;
    for (uint8_t l = 0; l < language_count() && fits; l++) {
        struct page_values v;
        struct value_memory m;

        fill(&v, &m, &f, l);
        fits = page_render(tpl, &v, &out, OWN_PAGE_MAX) == WEIR_OK;
        buf_free(&out);
    }
    return fits;
}

static void json_time(struct json_out *j, const char *key, uint64_t wall_ns)
{
    char mem[RFC3339_MAX];

    json_str(j, key, slice_of(mem, rfc3339_format(mem, wall_ns)));
}

static void put_history(struct json_out *j, const struct status_facts *f)
{
    json_open_array(j, "history");
    for (int i = 0; i < f->n_history && i < HISTORY_MAX; i++) {
        json_open_object(j, NULL);
        json_time(j, "at", f->history[i].at_wall_ns);
        json_cstr(j, "state", f->history[i].state);
        json_close(j);
    }
    json_close(j);
}

static void put_facts(struct json_out *j, const struct status_facts *f)
{
    char mem[CLEAN_TEXT_MAX];
    struct slice incident = clean_text(f->incident, mem);

    json_cstr(j, "state", f->state);
    json_time(j, "since", f->since_wall_ns);
    json_num(j, "share", f->share, 2);
    if (f->expected_full_s >= 0)
        json_num(j, "expected_full_s", f->expected_full_s, 1);
    else
        json_put_null(j, "expected_full_s");
    json_cstr(j, "message", state_text(state_find(f->state), PART_HAPPENED, 0));
    if (incident.len > 0)
        json_str(j, "incident", incident);
    else
        json_put_null(j, "incident");
    json_time(j, "updated", f->updated_wall_ns);
}

enum weir_status status_json_body(const struct status_facts *f, struct buf *out, size_t max)
{
    char mem[STATUS_JSON_MAX];
    struct json_out j;
    struct text t;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    put_facts(&j, f);
    put_history(&j, f);
    json_close(&j);
    WEIR_ASSERT(!t.full);
    return buf_append(out, text_slice(&t), max);
}
