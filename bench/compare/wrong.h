/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMPARE_WRONG_H
#define BENCH_COMPARE_WRONG_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/common/grow.h"
#include "weir/base/status.h"

/*
 * What a relay may do wrong, for the harness to find out (`weir-bench check`).  Pure; the relay
 * owns sockets and time.
 */
enum wrong_kind {
    WRONG_NOTHING,
    WRONG_DELAY, /* holds back what comes from the upstream */
    WRONG_CUT,   /* closes a client's connection after so many bytes of answers */
    WRONG_NULL,  /* answers 200 with nothing */
    WRONG_LIE, /* refuses half of the virtual users, says when to come back, and refuses them again
                */
    WRONG_ALTER, /* writes one letter of answers otherwise */
};

struct wrong {
    enum wrong_kind kind;
    uint64_t delay_ns;
    size_t cut_bytes;
    unsigned retry_after_s;
};

/* "delay=300ms", "cut=2000", "null", "lie=1", "alter"; WEIR_BAD for anything else. */
enum weir_status wrong_parse(struct slice s, struct wrong *out) WEIR_MUST_CHECK;

/* Writes a letter of an answer otherwise, in place: still JSON, still as long. */
void wrong_alter(char *bytes, size_t len);

/*
 * What the relay says itself to these bytes from a client, into out.  False: they are to be passed
 * on.  A request is taken to come in one piece, as the load generator sends it.
 */
bool wrong_answer(const struct wrong *w, struct slice request, struct grow *out);

#endif
