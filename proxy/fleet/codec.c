/* SPDX-License-Identifier: Apache-2.0 */
/* Records, plans and orders as text, and back within their ranges.  Pure. */
#include "codec_priv.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/hash.h"

/* --- words */

/* Up to `end`, which is skipped, or all of it. */
static struct slice take_until(struct slice *s, char end)
{
    const char *at = s->len == 0 ? NULL : memchr(s->p, end, s->len);
    struct slice front = at == NULL ? *s : slice_of(s->p, (size_t)(at - s->p));

    *s = slice_from(*s, at == NULL ? s->len : front.len + 1);
    return front;
}

struct slice codec_word(struct slice *s)
{
    return take_until(s, ' ');
}

struct slice codec_whole_line(struct slice *s)
{
    return take_until(s, '\n');
}

bool codec_take_u64(struct slice *s, uint64_t max, uint64_t *out)
{
    return parse_u64(codec_word(s), max, out) == WEIR_OK;
}

bool codec_take_hex(struct slice *s, uint64_t *out)
{
    struct slice w = codec_word(s);
    uint64_t n = 0;

    for (size_t i = 0; i < w.len; i++) {
        char c = w.p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    *out = n;
    return w.len > 0 && w.len <= 16;
}

/* Decimals as written here: digits, a dot, an exponent; nothing else that strtod would take. */
static bool take_real(struct slice *s, double *out)
{
    struct slice w = codec_word(s);
    char text[40], *end;

    if (w.len == 0 || w.len >= sizeof text)
        return false;
    memcpy(text, w.p, w.len);
    text[w.len] = '\0';
    if (strspn(text, "0123456789.e+-") != w.len)
        return false;
    *out = strtod(text, &end);
    return end == text + w.len;
}

bool codec_is_name(struct slice s, size_t most)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return s.len > 0 && s.len <= most;
}

static void copy(char *to, size_t room, struct slice s)
{
    size_t n = s.len < room ? s.len : room - 1;

    if (n > 0)
        memcpy(to, s.p, n);
    to[n] = '\0';
}

/* --- numbers by their table */

static void put_row(struct text *t, const struct fleet_row *row, const void *of)
{
    const char *at = (const char *)of + row->at;

    switch (row->form) {
    case FLEET_COUNT:
        text_u64(t, *(const uint64_t *)(const void *)at);
        return;
    case FLEET_NUMBER:
    case FLEET_WORD:
        text_u64(t, *(const uint32_t *)(const void *)at);
        return;
    case FLEET_REAL:
        text_printf(t, "%.9g", *(const double *)(const void *)at);
        return;
    case FLEET_FLAG:
        text_char(t, *(const bool *)(const void *)at ? '1' : '0');
        return;
    }
    WEIR_UNREACHABLE("form");
}

static bool take_row(struct slice *s, const struct fleet_row *row, void *of)
{
    char *at = (char *)of + row->at;
    uint64_t n = 0;

    switch (row->form) {
    case FLEET_COUNT:
        return codec_take_u64(s, UINT64_MAX, (uint64_t *)(void *)at);
    case FLEET_NUMBER:
    case FLEET_WORD:
        if (!codec_take_u64(s, UINT32_MAX, &n))
            return false;
        *(uint32_t *)(void *)at = (uint32_t)n;
        return true;
    case FLEET_REAL:
        return take_real(s, (double *)(void *)at);
    case FLEET_FLAG:
        if (!codec_take_u64(s, 1, &n))
            return false;
        *(bool *)(void *)at = n == 1;
        return true;
    }
    WEIR_UNREACHABLE("form");
}

void codec_put_rows(struct text *t, const struct fleet_row *rows, size_t n, const void *of)
{
    for (size_t i = 0; i < n; i++) {
        text_char(t, ' ');
        put_row(t, &rows[i], of);
    }
}

bool codec_take_rows(struct slice *s, const struct fleet_row *rows, size_t n, void *of)
{
    for (size_t i = 0; i < n; i++) {
        if (!take_row(s, &rows[i], of))
            return false;
    }
    return true;
}

/* Another one where a name, a form or the order differs. */
static uint64_t form_of(const struct fleet_row *rows, size_t n)
{
    const struct hash_key key = {0x77656972, 0x666c6565};
    uint64_t form = n;

    for (size_t i = 0; i < n; i++) {
        struct {
            uint64_t form, name;
        } both = {form, hash_keyed(key, slice_str(rows[i].name)) + rows[i].form};

        form = hash_keyed(key, slice_of(&both, sizeof both));
    }
    return form & 0xffffffff;
}

/* --- records */

void codec_put_head(struct text *t, const struct codec_head *h)
{
    size_t n;
    const struct fleet_row *rows = fleet_record_rows(&n);

    text_hex(t, form_of(rows, n), 1);
    text_char(t, ' ');
    text_hex(t, h->start, 1);
    text_char(t, ' ');
    text_put(t, h->version);
    text_char(t, ' ');
    text_hex(t, h->settings, 1);
    text_printf(t, " %llu %llu %d\n", (unsigned long long)h->rtt_us,
                (unsigned long long)h->period_ms, h->leads);
}

enum weir_status codec_take_head(struct slice *s, struct codec_head *out)
{
    struct slice line = codec_whole_line(s);
    struct codec_head h = {0};
    uint64_t form, leads = 0;
    size_t n;
    const struct fleet_row *rows = fleet_record_rows(&n);
    bool good = codec_take_hex(&line, &form) && codec_take_hex(&line, &h.start);

    h.version = codec_word(&line);
    good = good && h.version.len > 0 && h.version.len < 24 && codec_take_hex(&line, &h.settings) &&
           codec_take_u64(&line, UINT32_MAX, &h.rtt_us) &&
           codec_take_u64(&line, UINT32_MAX, &h.period_ms) && codec_take_u64(&line, 1, &leads) &&
           line.len == 0;
    if (!good)
        return WEIR_BAD;
    h.leads = leads == 1;
    h.same_form = form == form_of(rows, n);
    *out = h;
    return WEIR_OK;
}

void codec_put_line(struct text *t, const struct codec_line *l)
{
    size_t n;
    const struct fleet_row *rows = fleet_record_rows(&n);

    text_put(t, l->name);
    text_char(t, ' ');
    text_hex(t, l->rules, 1);
    text_char(t, ' ');
    text_u64(t, l->held);
    codec_put_rows(t, rows, n, &l->record);
    text_char(t, '\n');
}

enum weir_status codec_take_line(struct slice *s, struct codec_line *out)
{
    struct codec_line l = {0};
    uint64_t held = 0;
    size_t n;
    const struct fleet_row *rows = fleet_record_rows(&n);
    struct slice line;

    if (s->len == 0 || codec_is_shown(*s))
        return WEIR_NOT_FOUND;
    line = codec_whole_line(s);
    l.name = codec_word(&line);
    if (l.name.len == 0 || !codec_take_hex(&line, &l.rules) ||
        !codec_take_u64(&line, 1000000, &held) || !codec_take_rows(&line, rows, n, &l.record) ||
        line.len > 0)
        return WEIR_BAD;
    l.held = (uint32_t)held;
    *out = l;
    return WEIR_OK;
}

/* --- plans */

void codec_put_plan(struct text *t, uint64_t rules, const struct fleet_plan *p)
{
    size_t n;
    const struct fleet_row *rows = fleet_plan_rows(&n);

    text_hex(t, form_of(rows, n), 1);
    text_char(t, ' ');
    text_hex(t, rules, 1);
    codec_put_rows(t, rows, n, p);
}

enum weir_status codec_take_plan(struct slice s, uint64_t *rules, struct fleet_plan *out)
{
    struct fleet_plan p = {0};
    uint64_t form, r;
    size_t n;
    const struct fleet_row *rows = fleet_plan_rows(&n);

    if (!codec_take_hex(&s, &form) || form != form_of(rows, n) || !codec_take_hex(&s, &r) ||
        !codec_take_rows(&s, rows, n, &p) || s.len > 0)
        return WEIR_BAD;
    *rules = r;
    *out = p;
    return WEIR_OK;
}

/* --- orders */

static const char *const topics[FLEET_TOPIC_COUNT] = {
#define ROW(e, name) [e] = name,
    WEIR_FLEET_TOPICS(ROW)
#undef ROW
};

const char *fleet_topic_name(enum fleet_topic t)
{
    return topics[t];
}

void codec_put_order(struct text *t, const struct fleet_order *o)
{
    text_printf(t, "%s %u %u %.9g ", o->node, o->uid, o->verb, o->value);
    text_str(t, o->text);
}

/* "pool/upstream/topic"; of a mode the verb's number follows, so that each rule set has its own. */
static bool take_what(struct slice what, struct fleet_order *o)
{
    const char *first = what.len == 0 ? NULL : memchr(what.p, '/', what.len);
    const char *last = first == NULL ? NULL : memrchr(what.p, '/', what.len);
    struct slice pool, upstream, topic;

    if (last == NULL || last == first)
        return false;
    pool = slice_of(what.p, (size_t)(first - what.p));
    upstream = slice_of(first + 1, (size_t)(last - first - 1));
    topic = slice_from(what, (size_t)(last - what.p) + 1);
    if (!codec_is_name(pool, sizeof o->pool - 1) ||
        (upstream.len > 0 && !codec_is_name(upstream, sizeof o->upstream - 1)))
        return false;
    copy(o->pool, sizeof o->pool, pool);
    copy(o->upstream, sizeof o->upstream, upstream);
    for (int i = 0; i < FLEET_TOPIC_COUNT; i++) {
        if (!slice_starts(topic, slice_str(topics[i])))
            continue;
        o->topic = (enum fleet_topic)i;
        topic = slice_from(topic, strlen(topics[i]));
        return topic.len == 0 || (i == FLEET_MODE && topic.len == 1);
    }
    return false;
}

/* What cannot be shown to users has no business in a text. */
static bool is_text(struct slice s)
{
    while (s.len > 0) {
        size_t n = text_shown_len(s);

        if (n == 0)
            return false;
        s = slice_from(s, n);
    }
    return true;
}

enum weir_status codec_take_order(struct slice what, struct slice s, struct fleet_order *out)
{
    struct fleet_order o = {0};
    uint64_t ends, uid, verb;
    struct slice node;

    if (!take_what(what, &o) || !codec_take_u64(&s, INT64_MAX / 1000, &o.given_ms) ||
        !codec_take_u64(&s, INT64_MAX / 1000, &ends))
        return WEIR_BAD;
    node = codec_word(&s);
    if (!codec_is_name(node, sizeof o.node - 1) || !codec_take_u64(&s, UINT32_MAX, &uid) ||
        !codec_take_u64(&s, 255, &verb) || !take_real(&s, &o.value) || s.len > FLEET_TEXT_MAX ||
        !is_text(s) || !(o.value >= 0 && o.value <= 1e6) || o.given_ms == 0)
        return WEIR_BAD;
    copy(o.node, sizeof o.node, node);
    copy(o.text, sizeof o.text, s);
    o.uid = (uint32_t)uid;
    o.verb = (uint32_t)verb;
    o.ends_ns = ends; /* milliseconds of Redis's clock: the caller turns them into its own */
    *out = o;
    return WEIR_OK;
}
