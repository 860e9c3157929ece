/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_BODY_SCAN_H
#define WEIR_HTTP_BODY_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/http/json_scan.h"

/*
 * Is this request a stream, and for which model?  Reads "stream": true (or false) at the top level
 * of a JSON body as it passes, in any split, without memory.  A body that is not a JSON object says
 * nothing; so does a value that is neither true nor false.  Of "model" at the top level, a string,
 * the first 64 bytes are kept.
 */
enum body_says { BODY_SAYS_NOTHING, BODY_SAYS_STREAM, BODY_SAYS_UNARY };

struct body_scan {
    enum body_says says; /* as far as known; the last one wins, as with most JSON readers */
    uint8_t model_len;   /* 0: none named */
    char model[JSON_TEXT_MAX];
    struct json_scan json;
};

void body_scan_init(struct body_scan *b);
/* Lies in b; empty if none was named so far. */
struct slice body_scan_model(const struct body_scan *b);
void body_scan_feed(struct body_scan *b, struct slice bytes);

#endif
