/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_FIELD_BLOCK_H
#define WEIR_HTTP_FIELD_BLOCK_H

#include "weir/base/buf.h"
#include "weir/http/field_list.h"
#include "weir/http/head.h"

/*
 * The fields of one HTTP/2 field block (RFC 9113, 4.3), decoded by the framing and handed on one by
 * one; then judged by the rules that HTTP/1 heads are judged by.  Owner: the stream it came on.
 *
 * Its size counts as SETTINGS_MAX_HEADER_LIST_SIZE does (RFC 9113, 6.5.2): name, value and 32 bytes
 * for each field.  Beyond limits->head nothing more is kept and the request is refused (431).
 */
enum { FIELD_BLOCK_OVERHEAD = 32 };

struct field_block {
    struct buf bytes;      /* names and values, one field behind the other */
    struct buf cookie;     /* the cookie-pairs of all Cookie fields, joined (RFC 9113, 8.2.3) */
    uint64_t size;         /* of all that came, kept or not */
    struct head_error err; /* what is wrong so far; status 0: nothing */
};

/* One more field; copied.  A pseudo field's name begins with ':'. */
void field_block_add(struct field_block *b, const struct head_limits *limits, struct slice name,
                     struct slice value);
/* The framing found a field that HTTP does not allow; the first reason counts. */
void field_block_spoil(struct field_block *b, const char *what);
/* Has far more come than limits->head, so that its sender must mean harm?  Not worth reading on. */
bool field_block_floods(const struct field_block *b, const struct head_limits *limits);
/* How many bytes it holds. */
size_t field_block_held(const struct field_block *b);
void field_block_free(struct field_block *b);

/*
 * The request that the block is the head of.  `ended`: no body follows.  fields: limits->fields
 * entries.  PARSE_DONE, or PARSE_BAD with *err filled and in *out what was understood.  *out
 * borrows the block's bytes.  A body of unknown length is BODY_CHUNKED and out->unframed.
 */
enum parse field_block_request(const struct field_block *b, const struct head_limits *limits,
                               bool ended, struct http_field *fields, struct request_head *out,
                               struct head_error *err) WEIR_MUST_CHECK;

/* The same for the head of an answer; ended: no body follows.  BODY_CHUNKED: its length is open. */
enum parse field_block_response(const struct field_block *b, const struct head_limits *limits,
                                bool to_head, bool ended, struct http_field *fields,
                                struct response_head *out, struct head_error *err) WEIR_MUST_CHECK;

/*
 * Trailers, into an empty list, judged by the rules of heads: without what frames, routes or tells
 * credentials (RFC 9110, 6.5.1).  fields: limits->fields entries.  PARSE_BAD with *err filled: the
 * message is not whole.  *out borrows the block's bytes.
 */
enum parse field_block_trailers(const struct field_block *b, const struct head_limits *limits,
                                struct http_field *fields, struct field_list *out,
                                struct head_error *err) WEIR_MUST_CHECK;

#endif
