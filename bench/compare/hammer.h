/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMPARE_HAMMER_H
#define BENCH_COMPARE_HAMMER_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/common/samples.h"
#include "bench/http/httpc.h"

/*
 * The lean client: keep-alive connections that ask again as soon as they have their answer, or
 * streams that are only read and counted, with little CPU time of its own.  Blocking: runs its own
 * epoll loop until the work is done.  For measuring what a target costs, not how users fare.
 */
enum hammer_kind {
    HAMMER_REQUESTS,  /* closed loop; counts answers */
    HAMMER_IDLE,      /* one answer each, then nothing more */
    HAMMER_STREAMS,   /* opens streams, counts their events */
    HAMMER_HANDSHAKES /* connects with TLS, and again */
};

struct hammer_conf {
    enum hammer_kind kind;
    struct target target;
    SSL_CTX *tls;     /* HAMMER_HANDSHAKES */
    uint32_t clients; /* connections at once */
    uint32_t opening; /* of them being opened at once, at most */
    double warm_s;    /* before the counting, after all connections are open */
    double measure_s; /* of counting */
    double open_s;    /* give up when not all are open by then */
    bool delays;      /* keep the age of each event (streams of the lean backend) */
    /* called when the counting begins and when it ends: reads the target's CPU time */
    void (*on_window)(void *ctx, bool begins);
    void *ctx;
};

struct hammer_result {
    double seconds;   /* the window, as it was */
    uint64_t answers; /* in it: complete ones */
    uint64_t refused; /* of them with status 400 and above */
    uint64_t events;  /* stream events */
    uint64_t bytes;
    uint64_t handshakes;
    uint64_t lost; /* connections lost in it */
    uint32_t open; /* connections (streams) open at its end */
    struct samples delay_us;
};

/*
 * HAMMER_HANDSHAKES: connections that are closed as soon as their handshake is done, and made anew,
 * without resumption.
 */
enum weir_status hammer_handshakes(const struct hammer_conf *conf,
                                   struct hammer_result *out) WEIR_MUST_CHECK;

/* The other kinds.  WEIR_TIMEOUT when the connections could not all be opened. */
enum weir_status hammer(const struct hammer_conf *conf, struct hammer_result *out) WEIR_MUST_CHECK;

#endif
