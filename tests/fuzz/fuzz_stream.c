/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer of a hostile upstream, and a request's body, in any split.  The facts do not
 * depend on the split, on whether they were waited for, nor on what was known before.
 */
#include "fuzz.h"
#include "weir/http/answer.h"
#include "weir/http/body_scan.h"

enum { OUT = 1 << 16 };

static void same_usage(const struct usage *a, const struct usage *b)
{
    WEIR_ASSERT(usage_prompt(a) == usage_prompt(b) && usage_output(a) == usage_output(b));
    WEIR_ASSERT(a->knows_prompt == b->knows_prompt && a->knows_output == b->knows_output);
    WEIR_ASSERT(usage_prompt(a) <= 300 * 1000 * 1000 && usage_output(a) <= 200 * 1000 * 1000);
}

/* A whole answer of its JSON. */
static void check_usage(struct slice in)
{
    uint32_t seed = fuzz_seed(in);
    struct usage_scan whole, part;

    usage_scan_init(&whole);
    usage_scan_feed(&whole, in);
    usage_scan_init(&part);
    while (in.len > 0)
        usage_scan_feed(&part, fuzz_piece(&in, &seed));
    same_usage(&part.usage, &whole.usage);
}

static void same(const struct answer *a, const struct answer *b)
{
    WEIR_ASSERT(a->dialect == b->dialect && a->events == b->events);
    WEIR_ASSERT(a->content_events == b->content_events && a->content == b->content);
    WEIR_ASSERT(a->finished == b->finished && a->finish_reason == b->finish_reason);
    WEIR_ASSERT(a->error == b->error && a->error_status == b->error_status);
    WEIR_ASSERT(a->at_boundary == b->at_boundary && a->sequence == b->sequence);
    same_usage(a->usage, b->usage);
}

static void check_facts(const struct answer *a)
{
    WEIR_ASSERT(a->content_events <= a->events);
    WEIR_ASSERT(a->content || a->content_events == 0);
    if (a->error == ERROR_NONE)
        WEIR_ASSERT(a->error_status == 0);
    else
        WEIR_ASSERT(a->error_status >= 400 && a->error_status <= 599);
}

/* The rest of the facts stays as it is when more comes: nothing known is taken back. */
static void check_grown(const struct answer *before, const struct answer *after)
{
    WEIR_ASSERT(after->events >= before->events);
    WEIR_ASSERT(after->content || !before->content);
    WEIR_ASSERT(after->finished || !before->finished);
    WEIR_ASSERT(before->error == ERROR_NONE || before->error == after->error);
}

static void check_pieces(const struct answer *whole, struct slice in, enum answer_form form,
                         enum dialect hint)
{
    uint32_t seed = fuzz_seed(in);
    struct answer part, before;
    struct usage usage;

    answer_init(&part, form, hint);
    answer_count_usage(&part, &usage);
    while (in.len > 0) {
        before = part;
        answer_feed(&part, fuzz_piece(&in, &seed));
        check_grown(&before, &part);
    }
    same(&part, whole);
}

static void check_error_json(struct slice in, enum answer_form form)
{
    struct buf out = BUF_INIT;
    struct answer a;

    answer_init(&a, form, DIALECT_UNKNOWN);
    answer_feed(&a, in);
    if (answer_error_json(form, in, &out, OUT) == WEIR_OK) {
        WEIR_ASSERT(a.error != ERROR_NONE && out.len <= in.len);
        WEIR_ASSERT(memchr(out.mem + out.at, '{', out.len) != NULL);
    }
    buf_free(&out);
}

static void check_body(struct slice in)
{
    uint32_t seed = fuzz_seed(in);
    struct body_scan whole, part;

    body_scan_init(&whole);
    body_scan_feed(&whole, in);
    body_scan_init(&part);
    while (in.len > 0)
        body_scan_feed(&part, fuzz_piece(&in, &seed));
    WEIR_ASSERT(part.says == whole.says);
}

/* The first byte chooses form and path: 'A' + form * 6 + hint for the small ones. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum answer_form form;
    enum dialect hint;
    struct answer whole;
    struct usage usage;
    struct slice in;

    if (size == 0)
        return 0;
    form = (enum answer_form)((uint8_t)(data[0] - 'A') / 6 % 3);
    hint = (enum dialect)((uint8_t)(data[0] - 'A') % 6);
    in = slice_of(data + 1, size - 1);
    answer_init(&whole, form, hint);
    answer_count_usage(&whole, &usage);
    answer_feed(&whole, in);
    check_facts(&whole);
    check_pieces(&whole, in, form, hint);
    check_error_json(in, form);
    check_body(in);
    check_usage(in);
    return 0;
}
