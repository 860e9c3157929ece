/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_JSON_OUT_H
#define WEIR_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/text.h"

/*
 * Writes JSON (RFC 8259) into a text, commas and escapes included.  For the access log, answers and
 * admin forms; parsing JSON outside the data path is jansson's.  Bytes that are not UTF-8 become
 * U+FFFD, so the output is always valid.  Names keep off jansson's (json_object, json_array,
 * json_null): a program may link both.
 *
 *     struct json_out j;
 *     json_begin(&j, &t);
 *     json_open_object(&j, NULL);      {
 *     json_u64(&j, "status", 503);       "status":503
 *     json_close(&j);                  }
 *
 * `key` is NULL inside arrays and at the top.  At most 32 levels.
 */
struct json_out {
    struct text *t;
    uint32_t more;  /* bit per level: a comma is due */
    uint32_t array; /* bit per level: closes with ] */
    int depth;
};

void json_begin(struct json_out *j, struct text *t);
void json_open_object(struct json_out *j, const char *key);
void json_open_array(struct json_out *j, const char *key);
void json_close(struct json_out *j);
void json_str(struct json_out *j, const char *key, struct slice s);
void json_cstr(struct json_out *j, const char *key, const char *s); /* NULL writes null */
void json_u64(struct json_out *j, const char *key, uint64_t n);
void json_i64(struct json_out *j, const char *key, int64_t n);
void json_num(struct json_out *j, const char *key, double n, int decimals);
void json_bool(struct json_out *j, const char *key, bool b);
void json_put_null(struct json_out *j, const char *key);
void json_raw(struct json_out *j, const char *key, struct slice json); /* trusted JSON */

#endif
