/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_FAULTS_H
#define BENCH_BACKEND_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/*
 * What can go wrong with a backend, by name.  A line is
 *
 *     [at TIME] NAME[=VALUE] [share=P] [retry-after=S] [code=N]
 *     [requests=N] [for TIME]
 *
 * as written to the control port and in scripts, where lines are separated by ';' or ends of line.
 * A fault lasts until `clear`, or for its time.
 */
enum cut_how { CUT_CLOSE, CUT_CLEAN, CUT_RESET };

/* The faults in force.  faults_none is the healthy server. */
struct faults {
    double slow;         /* factor on every step and service time */
    bool stall;          /* nothing moves: no first token, no event */
    int status;          /* answer with this status; 0 is off */
    double status_share; /* of the requests */
    int retry_after_s;   /* in those answers; -1 is none */
    double quota;        /* requests a second before 429; 0 is off */
    int in_band_at;      /* an error event after so many tokens; -1 is off */
    int in_band_code;    /* what it says */
    double in_band_share;
    int cut_at; /* the stream breaks after so many tokens; -1 is off */
    enum cut_how cut_how;
    double cut_share;
    bool blank;      /* 200 with no body at all */
    bool mixed;      /* every other answer carries somebody else's tokens */
    bool empty;      /* 200 and an event stream without any content */
    bool early_head; /* 200 at once, before there is a slot */
    bool reset;      /* connection reset instead of a head */
    bool bad_head;   /* a head that is no HTTP */
    bool unhealthy;  /* /health answers 503 */
    int fragile;     /* dies when more are open shortly after a return; 0 is off */
};
extern const struct faults faults_none;

/* What a line asks of the server itself, not of its answers. */
enum order { ORDER_NONE, ORDER_DOWN, ORDER_DOWN_COUNTED, ORDER_UP, ORDER_UP_COLD, ORDER_CLEAR };

struct fault_kind;
struct fault_line {
    const struct fault_kind *kind;
    uint64_t at_ns, for_ns; /* after the script's start; 0 is at once, for good */
    double value;
    double share;
    int retry_after_s, code;
    int requests; /* until warm */
};

/* One line; WEIR_BAD with a sentence in why. */
enum weir_status fault_parse(struct slice line, struct fault_line *out, char *why,
                             size_t why_size) WEIR_MUST_CHECK;

/* Puts a line into force, or takes its kind back (on is false). */
enum order fault_apply(struct faults *f, const struct fault_line *l, bool on);

const char *fault_name(const struct fault_line *l);

/* Calls fn with name and help of each kind, in order. */
void fault_kinds(void (*fn)(void *ctx, const char *name, const char *help), void *ctx);

#endif
