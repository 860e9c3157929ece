/* SPDX-License-Identifier: Apache-2.0 */
/* Names of events. */
#include "answer_priv.h"

static const struct {
    struct slice name;
    enum event_kind kind;
} kinds[] = {
#define KIND(text, kind)                                                                           \
    {                                                                                              \
        {text, sizeof(text) - 1}, kind                                                             \
    }
    KIND("content_block_delta", KIND_ANTHROPIC_DELTA),
    KIND("error", KIND_ERROR),
    KIND("ping", KIND_PING),
    KIND("message_start", KIND_ANTHROPIC),
    KIND("message_delta", KIND_ANTHROPIC),
    KIND("message_stop", KIND_ANTHROPIC_STOP),
    KIND("content_block_start", KIND_ANTHROPIC),
    KIND("content_block_stop", KIND_ANTHROPIC),
    KIND("response.completed", KIND_RESPONSE_END),
    KIND("response.incomplete", KIND_RESPONSE_END),
    KIND("response.cancelled", KIND_RESPONSE_END),
    KIND("response.done", KIND_RESPONSE_END),
    KIND("response.output_item.done", KIND_RESPONSE_ITEM),
    KIND("response.output_text.annotation.added", KIND_RESPONSE_ITEM),
    KIND("response.failed", KIND_RESPONSE_FAILED),
#undef KIND
};

enum event_kind event_kind_of(struct slice type)
{
    if (type.len == 0)
        return KIND_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_eq(type, kinds[i].name))
            return kinds[i].kind;
    if (!slice_starts(type, SLICE_LIT("response.")))
        return KIND_OTHER;
    if (slice_ends(type, SLICE_LIT(".delta")) || slice_ends(type, SLICE_LIT(".partial_image")))
        return KIND_RESPONSE_DELTA;
    return KIND_RESPONSE;
}
