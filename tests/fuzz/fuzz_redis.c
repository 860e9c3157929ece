/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Redis says.  Any split gives the same; what is taken lies within its bounds, and can be
 * walked to its end.
 */
#include <stddef.h>

#include "fleet/reply.h"
#include "fuzz.h"

static void walk(const struct reply *r, int depth, size_t *items, size_t *bytes)
{
    WEIR_ASSERT(depth <= REPLY_DEPTH_MAX + 1 && r->n <= REPLY_ITEMS_MAX);
    WEIR_ASSERT(r->text.len <= REPLY_TEXT_MAX);
    *items += 1;
    for (size_t i = 0; i < r->text.len; i++)
        *bytes += (unsigned char)r->text.p[i];
    for (size_t i = 0; i < r->n; i++)
        walk(reply_item(r, i), depth + 1, items, bytes);
}

struct found {
    enum reply_reading rc;
    size_t items, bytes;
};

static struct found read_it(struct slice in, uint32_t *seed)
{
    struct reply_reader *r = reply_reader_create();
    struct found f = {.rc = REPLY_MORE};
    const struct reply *out = NULL;
    const char *why = NULL;

    WEIR_ASSERT(r != NULL);
    while (in.len > 0 && f.rc != REPLY_BAD) {
        struct slice piece = seed == NULL ? in : fuzz_piece(&in, seed);

        if (seed == NULL)
            in = SLICE_NONE;
        f.rc = reply_reader_feed(r, piece, &out, &why);
        if (f.rc == REPLY_WHOLE && in.len > 0)
            f.rc = REPLY_BAD; /* what follows was not asked for */
    }
    WEIR_ASSERT(f.rc != REPLY_BAD || why != NULL || in.len > 0);
    if (f.rc == REPLY_WHOLE)
        walk(out, 1, &f.items, &f.bytes);
    reply_reader_destroy(&r);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    uint32_t seed = fuzz_seed(in) | 1;
    struct found whole = read_it(in, NULL), parts = read_it(in, &seed);

    WEIR_ASSERT(whole.rc == parts.rc);
    WEIR_ASSERT(whole.items == parts.items && whole.bytes == parts.bytes);
    return 0;
}
