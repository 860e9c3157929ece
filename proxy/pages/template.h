/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_PAGES_TEMPLATE_H
#define WEIR_PAGES_TEMPLATE_H

#include "weir/base/text.h"

/*
 * Pages with holes: {{name}} is replaced by a value, escaped for HTML; what stands between
 * {{#name}} and {{/name}} is there only if the value is not empty ({{#history}}: once for each
 * entry).  Our own pages and the operators' are the same kind of text.  Pure functions over the
 * caller's memory.
 */

/* X(enumerator, "name in templates", pages that have it).  Documented in docs/answers.md. */
enum page_side { SIDE_REFUSAL = 1, SIDE_STATUS = 2, SIDE_BOTH = 3 };
#define WEIR_PLACEHOLDERS(X)                                                                       \
    X(PH_LANG, "lang", SIDE_BOTH)                                                                  \
    X(PH_TITLE, "title", SIDE_BOTH)                                                                \
    X(PH_HAPPENED, "happened", SIDE_BOTH)                                                          \
    X(PH_DOING, "doing", SIDE_REFUSAL)                                                             \
    X(PH_WAIT, "wait", SIDE_REFUSAL)                                                               \
    X(PH_SECONDS, "seconds", SIDE_BOTH)                                                            \
    X(PH_SHARE, "share", SIDE_BOTH)                                                                \
    X(PH_SHARE_TEXT, "share_text", SIDE_BOTH)                                                      \
    X(PH_INCIDENT, "incident", SIDE_BOTH)                                                          \
    X(PH_INCIDENT_LABEL, "incident_label", SIDE_BOTH)                                              \
    X(PH_REQUEST_ID, "request_id", SIDE_REFUSAL)                                                   \
    X(PH_REQUEST_LABEL, "request_label", SIDE_REFUSAL)                                             \
    X(PH_CAUSE, "cause", SIDE_REFUSAL)                                                             \
    X(PH_STATUS, "status", SIDE_REFUSAL)                                                           \
    X(PH_REASON, "reason", SIDE_REFUSAL)                                                           \
    X(PH_POOL, "pool", SIDE_REFUSAL)                                                               \
    X(PH_STATUS_PATH, "status_path", SIDE_REFUSAL)                                                 \
    X(PH_STATUS_LABEL, "status_label", SIDE_REFUSAL)                                               \
    X(PH_TIME, "time", SIDE_BOTH)                                                                  \
    X(PH_TIME_TEXT, "time_text", SIDE_BOTH)                                                        \
    X(PH_TONE, "tone", SIDE_BOTH)                                                                  \
    X(PH_STYLE, "style", SIDE_BOTH)                                                                \
    X(PH_STATE, "state", SIDE_STATUS)                                                              \
    X(PH_SINCE, "since", SIDE_STATUS)                                                              \
    X(PH_EXPECTED, "expected", SIDE_STATUS)                                                        \
    X(PH_UPDATED, "updated", SIDE_STATUS)                                                          \
    X(PH_HISTORY, "history", SIDE_STATUS)                                                          \
    X(PH_HISTORY_LABEL, "history_label", SIDE_STATUS)                                              \
    X(PH_AT, "at", SIDE_STATUS)                                                                    \
    X(PH_AT_TEXT, "at_text", SIDE_STATUS)                                                          \
    X(PH_CHANGE, "change", SIDE_STATUS)

#define WEIR_ENUM_ROW(e, name, side) e,
enum placeholder { WEIR_PLACEHOLDERS(WEIR_ENUM_ROW) PLACEHOLDER_COUNT };
#undef WEIR_ENUM_ROW

enum { HISTORY_MAX = 8 };

struct history_values {
    struct slice at, at_text, change;
};

/* What fills the holes; all of it the caller's. */
struct page_values {
    struct slice v[PLACEHOLDER_COUNT];
    struct history_values history[HISTORY_MAX];
    int n_history;
};

/*
 * Verifies a template: names known on that side, sections closed in order.  WEIR_BAD: *line (from
 * 1) and *why tell; `why` is a sentence part that a name may have been written into.
 */
struct template_diagnostic {
    int line;
    char why[160];
};
enum weir_status template_check(struct slice tpl, enum page_side side,
                                struct template_diagnostic *m) WEIR_MUST_CHECK;

/* Renders a template that was checked. */
void template_render(struct slice tpl, const struct page_values *v, struct text *out);

/* The longest front of s, cut between characters, whose escaped form has at most max bytes. */
struct slice html_fit(struct slice s, size_t max);

/* The built-in pages and their style (assets/, made by embed.py). */
extern const char asset_page_css[], asset_page_css_sha256[], asset_page_html[], asset_status_html[];
extern const size_t asset_page_css_len, asset_page_html_len, asset_status_html_len;

#endif
