/* SPDX-License-Identifier: Apache-2.0 */
/* The table of faults and the lines that name them.  Pure. */
#include "bench/backend/faults.h"

#include <stdio.h>

#include "bench/common/cli.h"
#include "bench/common/units.h"
#include "weir/base/text.h"

const struct faults faults_none = {
    .slow = 1, .status_share = 1, .retry_after_s = -1, .in_band_at = -1, .cut_at = -1};

enum takes { TAKES_NONE, TAKES_OPTIONAL, TAKES_VALUE };

struct fault_kind {
    const char *name;
    enum takes takes;
    double min, max, def;
    void (*set)(struct faults *f, const struct fault_line *l, bool on);
    enum order order;
    const char *help;
};

static void set_slow(struct faults *f, const struct fault_line *l, bool on)
{
    f->slow = on ? l->value : 1;
}

static void set_stall(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->stall = on;
}

static void set_status(struct faults *f, const struct fault_line *l, bool on)
{
    f->status = on ? (int)l->value : 0;
    f->status_share = l->share;
    f->retry_after_s = l->retry_after_s;
}

static void set_quota(struct faults *f, const struct fault_line *l, bool on)
{
    f->quota = on ? l->value : 0;
    f->retry_after_s = l->retry_after_s;
}

static void set_in_band(struct faults *f, const struct fault_line *l, bool on)
{
    f->in_band_at = on ? (int)l->value : -1;
    f->in_band_code = l->code;
    f->in_band_share = l->share;
}

static void set_cut_how(struct faults *f, const struct fault_line *l, bool on, enum cut_how how)
{
    f->cut_at = on ? (int)l->value : -1;
    f->cut_how = how;
    f->cut_share = l->share;
}

static void set_cut(struct faults *f, const struct fault_line *l, bool on)
{
    set_cut_how(f, l, on, CUT_CLOSE);
}

static void set_cut_clean(struct faults *f, const struct fault_line *l, bool on)
{
    set_cut_how(f, l, on, CUT_CLEAN);
}

static void set_cut_reset(struct faults *f, const struct fault_line *l, bool on)
{
    set_cut_how(f, l, on, CUT_RESET);
}

static void set_blank(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->blank = on;
}

static void set_mixed(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->mixed = on;
}

static void set_empty(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->empty = on;
}

static void set_early_head(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->early_head = on;
}

static void set_reset(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->reset = on;
}

static void set_bad_head(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->bad_head = on;
}

static void set_unhealthy(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l;
    f->unhealthy = on;
}

static void set_fragile(struct faults *f, const struct fault_line *l, bool on)
{
    f->fragile = on ? (int)l->value : 0;
}

static void set_nothing(struct faults *f, const struct fault_line *l, bool on)
{
    (void)f, (void)l, (void)on;
}

static void set_clear(struct faults *f, const struct fault_line *l, bool on)
{
    (void)l, (void)on;
    *f = faults_none;
}

#define STATUS_ROW(code, text)                                                                     \
    {                                                                                              \
#code, TAKES_NONE, code, code, code, set_status, ORDER_NONE, text                          \
    }

static const struct fault_kind kinds[] = {
    {"slow", TAKES_VALUE, 0.01, 1000, 1, set_slow, ORDER_NONE,
     "every step takes VALUE times as long"},
    {"stall", TAKES_NONE, 0, 0, 0, set_stall, ORDER_NONE,
     "nothing moves: requests are taken, no event comes"},
    {"down", TAKES_NONE, 0, 0, 0, set_nothing, ORDER_DOWN,
     "the process is gone: connections are cut, connecting is refused"},
    {"down-counted", TAKES_NONE, 0, 0, 0, set_nothing, ORDER_DOWN_COUNTED,
     "as down, but connections are taken and reset at once, and counted"},
    {"up", TAKES_NONE, 0, 0, 0, set_nothing, ORDER_UP, "back from down"},
    {"up-cold", TAKES_OPTIONAL, 1, 100, 2, set_nothing, ORDER_UP_COLD,
     "back, VALUE (2) times slower, warming over 150 requests (requests=)"},
    {"fragile", TAKES_VALUE, 0, 100000, 24, set_fragile, ORDER_NONE,
     "down for 10 s when more than VALUE are open within 20 s of a return"},
    STATUS_ROW(500, "answers 500 (share=, retry-after=)"),
    STATUS_ROW(502, "answers 502"),
    STATUS_ROW(503, "answers 503, retry-after=SECONDS adds the header"),
    STATUS_ROW(529, "answers 529"),
    STATUS_ROW(429, "answers 429"),
    {"status", TAKES_VALUE, 200, 599, 500, set_status, ORDER_NONE, "answers this status"},
    {"quota", TAKES_VALUE, 0.01, 1e6, 5, set_quota, ORDER_NONE,
     "429 beyond VALUE requests a second (retry-after=)"},
    {"in-band", TAKES_OPTIONAL, 0, 100000, 0, set_in_band, ORDER_NONE,
     "200, and an error as event VALUE (0: the first) of the stream (code=503, share=)"},
    {"cut", TAKES_OPTIONAL, 0, 100000, 3, set_cut, ORDER_NONE,
     "the connection is closed after VALUE (3) tokens (share=)"},
    {"cut-clean", TAKES_OPTIONAL, 0, 100000, 3, set_cut_clean, ORDER_NONE,
     "the body ends in order after VALUE (3) tokens, without the end marker"},
    {"cut-reset", TAKES_OPTIONAL, 0, 100000, 3, set_cut_reset, ORDER_NONE,
     "the connection is reset after VALUE (3) tokens"},
    {"empty", TAKES_NONE, 0, 0, 0, set_empty, ORDER_NONE, "200 and a stream without any content"},
    {"blank", TAKES_NONE, 0, 0, 0, set_blank, ORDER_NONE, "200 without any body"},
    {"mixed", TAKES_NONE, 0, 0, 0, set_mixed, ORDER_NONE,
     "every other answer has somebody else's tokens"},
    {"early-head", TAKES_NONE, 0, 0, 0, set_early_head, ORDER_NONE,
     "200 and head at once, before there is a slot (llama-server)"},
    {"reset", TAKES_NONE, 0, 0, 0, set_reset, ORDER_NONE,
     "the connection is reset instead of an answer"},
    {"bad-head", TAKES_NONE, 0, 0, 0, set_bad_head, ORDER_NONE, "an answer that is not HTTP"},
    {"unhealthy", TAKES_NONE, 0, 0, 0, set_unhealthy, ORDER_NONE, "/health answers 503"},
    {"clear", TAKES_NONE, 0, 0, 0, set_clear, ORDER_CLEAR,
     "healthy again (and up, if it was down)"},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static const struct fault_kind *find_kind(struct slice name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (slice_eq_nocase(name, slice_str(kinds[i].name)))
            return &kinds[i];
    }
    return NULL;
}

static enum weir_status unknown(struct slice name, char *why, size_t why_size)
{
    char word[32];
    const char *nearest = "";
    int best = 100;

    (void)snprintf(word, sizeof word, "%.*s", (int)(name.len < 31 ? name.len : 31), name.p);
    for (size_t i = 0; i < N_KINDS; i++) {
        int d = edit_distance(word, kinds[i].name);
        if (d < best) {
            best = d;
            nearest = kinds[i].name;
        }
    }
    (void)snprintf(why, why_size, "no fault '%s'; the nearest is '%s' (GET /faults lists them)",
                   word, nearest);
    return WEIR_BAD;
}

static enum weir_status bad_value(const struct fault_kind *k, char *why, size_t why_size)
{
    if (k->takes == TAKES_NONE)
        (void)snprintf(why, why_size, "%s takes no value", k->name);
    else
        (void)snprintf(why, why_size, "%s wants a value from %g to %g", k->name, k->min, k->max);
    return WEIR_BAD;
}

/* NAME or NAME=VALUE */
static enum weir_status parse_name(struct slice word, struct fault_line *l, char *why,
                                   size_t why_size)
{
    bool has_value = word.len > 0 && memchr(word.p, '=', word.len) != NULL;
    struct slice name = next_part(&word, '=');
    const struct fault_kind *k = find_kind(name);

    if (k == NULL)
        return unknown(name, why, why_size);
    l->kind = k;
    l->value = k->def;
    if (has_value != (k->takes == TAKES_VALUE) && k->takes != TAKES_OPTIONAL)
        return bad_value(k, why, why_size);
    if (has_value &&
        (real_parse(word, &l->value) != WEIR_OK || l->value < k->min || l->value > k->max))
        return bad_value(k, why, why_size);
    return WEIR_OK;
}

/* key=value behind the name */
static enum weir_status parse_extra(struct slice word, struct fault_line *l)
{
    struct slice key = next_part(&word, '=');
    double n;

    if (real_parse(word, &n) != WEIR_OK)
        return WEIR_BAD;
    if (slice_eq(key, SLICE_LIT("share")) && n <= 1)
        l->share = n;
    else if (slice_eq(key, SLICE_LIT("retry-after")) && n <= 1e6)
        l->retry_after_s = (int)n;
    else if (slice_eq(key, SLICE_LIT("code")) && n >= 400 && n <= 599)
        l->code = (int)n;
    else if (slice_eq(key, SLICE_LIT("requests")) && n >= 1 && n <= 1e6)
        l->requests = (int)n;
    else
        return WEIR_BAD;
    return WEIR_OK;
}

static enum weir_status parse_extras(struct slice rest, struct fault_line *l, char *why,
                                     size_t why_size)
{
    for (struct slice word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        bool good = slice_eq(word, SLICE_LIT("for"))
                        ? duration_parse(next_word(&rest), &l->for_ns) == WEIR_OK
                        : parse_extra(word, l) == WEIR_OK;
        if (good)
            continue;
        (void)snprintf(why, why_size,
                       "'%.*s' not understood; wanted share=0..1, retry-after=SECONDS, "
                       "code=400..599, requests=N or for TIME",
                       (int)word.len, word.p);
        return WEIR_BAD;
    }
    return WEIR_OK;
}

enum weir_status fault_parse(struct slice line, struct fault_line *out, char *why, size_t why_size)
{
    struct fault_line l = {.share = 1, .retry_after_s = -1, .code = 503, .requests = 150};
    struct slice word = next_word(&line);

    if (slice_eq(word, SLICE_LIT("at"))) {
        if (duration_parse(next_word(&line), &l.at_ns) != WEIR_OK) {
            (void)snprintf(why, why_size, "'at' wants a time with its unit, as in: at 10s down");
            return WEIR_BAD;
        }
        word = next_word(&line);
    }
    if (parse_name(word, &l, why, why_size) != WEIR_OK ||
        parse_extras(line, &l, why, why_size) != WEIR_OK)
        return WEIR_BAD;
    *out = l;
    return WEIR_OK;
}

enum order fault_apply(struct faults *f, const struct fault_line *l, bool on)
{
    l->kind->set(f, l, on);
    if (on)
        return l->kind->order;
    /* the end of an outage is a return; the end of anything else asks nothing */
    return l->kind->order == ORDER_DOWN || l->kind->order == ORDER_DOWN_COUNTED ? ORDER_UP
                                                                                : ORDER_NONE;
}

const char *fault_name(const struct fault_line *l)
{
    return l->kind->name;
}

void fault_kinds(void (*fn)(void *ctx, const char *name, const char *help), void *ctx)
{
    for (size_t i = 0; i < N_KINDS; i++)
        fn(ctx, kinds[i].name, kinds[i].help);
}
