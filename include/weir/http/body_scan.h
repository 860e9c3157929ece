/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_BODY_SCAN_H
#define WEIR_HTTP_BODY_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/slice.h"

/*
 * Is this request a stream?  Reads "stream": true (or false) at the top level of a JSON body as it
 * passes, in any split, without memory.  A body that is not a JSON object says nothing.
 */
enum body_says { BODY_SAYS_NOTHING, BODY_SAYS_STREAM, BODY_SAYS_UNARY };

struct body_scan {
    enum body_says says; /* as far as known; the last one wins, as with most JSON readers */
    uint8_t state, matched, literal;
    uint32_t depth;
};

void body_scan_init(struct body_scan *b);
void body_scan_feed(struct body_scan *b, struct slice bytes);

#endif
