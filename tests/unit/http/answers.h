/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_HTTP_ANSWERS_H
#define WEIR_TESTS_HTTP_ANSWERS_H

#include "guard.h"
#include "weir/http/answer.h"

/* The facts alone, to be compared. */
struct facts {
    enum dialect dialect;
    uint32_t events, content_events;
    bool content, finished, finish_reason, at_boundary;
    enum error_meaning error;
    int error_status;
    uint64_t sequence;
};

static inline struct facts facts_of(const struct answer *a)
{
    return (struct facts){.dialect = a->dialect,
                          .events = a->events,
                          .content_events = a->content_events,
                          .content = a->content,
                          .finished = a->finished,
                          .finish_reason = a->finish_reason,
                          .at_boundary = a->at_boundary,
                          .error = a->error,
                          .error_status = a->error_status,
                          .sequence = a->sequence};
}

static inline void facts_same(struct facts x, struct facts y, const char *text, size_t cut)
{
    cr_assert_eq(x.dialect, y.dialect, "dialect, cut at %zu of %s", cut, text);
    cr_assert_eq(x.events, y.events, "events, cut at %zu of %s", cut, text);
    cr_assert_eq(x.content_events, y.content_events, "content events, cut at %zu of %s", cut, text);
    cr_assert_eq(x.content, y.content, "content, cut at %zu of %s", cut, text);
    cr_assert_eq(x.finished, y.finished, "finished, cut at %zu of %s", cut, text);
    cr_assert_eq(x.finish_reason, y.finish_reason, "finish reason, cut at %zu of %s", cut, text);
    cr_assert_eq(x.at_boundary, y.at_boundary, "boundary, cut at %zu of %s", cut, text);
    cr_assert_eq(x.error, y.error, "error, cut at %zu of %s", cut, text);
    cr_assert_eq(x.error_status, y.error_status, "status, cut at %zu of %s", cut, text);
    cr_assert_eq(x.sequence, y.sequence, "sequence, cut at %zu of %s", cut, text);
}

/* What a whole answer says; cut in two at every place and fed byte by byte it must say the same. */
static inline struct facts read_answer(enum answer_form form, enum dialect hint, const char *text)
{
    struct slice all = slice_str(text);
    struct answer whole, part;
    struct guard g;

    guard_init(&g, all.len + 1);
    answer_init(&whole, form, hint);
    answer_feed(&whole, guard_put(&g, all));
    for (size_t cut = 0; cut <= all.len; cut++) {
        answer_init(&part, form, hint);
        answer_feed(&part, guard_put(&g, slice_of(all.p, cut)));
        answer_feed(&part, guard_put(&g, slice_from(all, cut)));
        facts_same(facts_of(&part), facts_of(&whole), text, cut);
    }
    answer_init(&part, form, hint);
    for (size_t i = 0; i < all.len; i++)
        answer_feed(&part, guard_put(&g, slice_of(all.p + i, 1)));
    facts_same(facts_of(&part), facts_of(&whole), text, all.len + 1);
    guard_fini(&g);
    return facts_of(&whole);
}

static inline struct facts read_sse(enum dialect hint, const char *text)
{
    return read_answer(FORM_SSE, hint, text);
}

#endif
