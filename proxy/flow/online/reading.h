/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_READING_H
#define WEIR_FLOW_READING_H

#include "weir/base/buf.h"
#include "weir/http/answer.h"
#include "weir/http/chunked.h"
#include "weir/http/head.h"

/* Reads one HTTP/1.1 answer, keeping what a person wants to know of it. */
enum { READING_SHOWN = 160 };

struct reading {
    bool has_head, whole;
    const char *wrong; /* a static sentence part; NULL: nothing is */
    int status;
    char type[64]; /* content-type */
    bool stream;   /* events: `answer` understands them */
    enum body_kind body;
    uint64_t left; /* COUNTED */
    struct chunked chunked;
    struct answer answer;
    char shown[READING_SHOWN + 1]; /* how the body begins */
    size_t n_shown;
    enum dialect dialect;
};

void reading_begin(struct reading *r, enum dialect dialect);
/* Takes what it can from the front of in. */
void reading_feed(struct reading *r, struct buf *in);
/* The peer said that nothing more comes. */
void reading_end(struct reading *r);

#endif
