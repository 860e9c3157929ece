/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header of the PROXY protocol from a stranger.  What must hold: nothing is read outside of the
 * input; every prefix of a header says "more"; what says "more" is never longer than the bound.
 */
#include "fuzz.h"
#include "weir/net/proxied.h"

enum { PREFIXES = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    uint32_t seed = fuzz_seed(in);
    struct proxied whole, part;
    size_t used = 0, ignored = 0;
    enum weir_status rc = proxied_read(in, &whole, &used);

    WEIR_ASSERT(rc == WEIR_OK || rc == WEIR_AGAIN || rc == WEIR_BAD);
    WEIR_ASSERT(rc != WEIR_OK || (used > 0 && used <= size && used <= PROXIED_MAX));
    WEIR_ASSERT(rc != WEIR_AGAIN || size < PROXIED_MAX);
    WEIR_ASSERT(rc != WEIR_OK || !whole.named || whole.client.u.sa.sa_family == AF_INET ||
                whole.client.u.sa.sa_family == AF_INET6);
    for (int i = 0; rc == WEIR_OK && i < PREFIXES; i++)
        WEIR_ASSERT(proxied_read(slice_of(data, fuzz_next(&seed) % used), &part, &ignored) ==
                    WEIR_AGAIN);
    return 0;
}
