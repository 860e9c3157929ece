/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_DOCTOR_H
#define WEIR_ADMIN_DOCTOR_H

#include <stdio.h>

#include "weir/decide/pool.h"

/*
 * What an expert would say who looks at a running weir: rules of numbers, each with what is seen,
 * why it matters and what to do.  Pure; collect.c fills the numbers in.
 */

/* Of the process. */
struct doctor_process {
    double fds, fds_most, memory, memory_most; /* 0 = not known */
    bool is_root, sandbox;
    uint32_t clock_jumps;
    double clock_jump_s, clock_jump_age_s;
    double certificate_days;                    /* left of the first to end; 0 = there is none */
    const char *access_log_error, *state_error; /* "" = none */
    uint64_t access_dropped, events_dropped;
    bool traces;
    const char *trace_error; /* "" = none */
    uint64_t spans_dropped;
};

/* Of a pool. */
struct doctor_pool {
    const char *name;
    uint32_t voted, lead; /* of voted requests one user has (voted + lead) / 2 */
    double fair_share;
    bool limits_users;                        /* each user has a limit */
    uint64_t admitted_minute, refused_minute; /* refused for want of room */
    uint32_t hour_s;
    uint64_t hour_requests, hour_would;
    const char *would_rule; /* the one that would have most, by name */
    const char *would_set;  /* the group of settings it belongs to */
};

/* Of an upstream. */
struct doctor_upstream {
    const char *pool, *name;
    const char *twin; /* another one of the pool with the same addresses; NULL = none */
    const char *addresses;
    enum breaker_state state;
    const char *check_path, *check; /* "" = off; why the last one failed, "" = it did not */
    uint32_t ok, bad;               /* in the breaker's window */
    uint64_t gaps, firsts;          /* how many were measured since the start */
    double gap_ms, first_ms;        /* one gap in a thousand, one first token in 100 is longer */
    double stall_ms, first_token_ms;
    uint64_t stalled;
    double pace_ms, pace_target_ms; /* now, and learnt; 0 = not known */
    bool pace_is_set;
    uint32_t streams, inflight, max_streams;
    double limit;
    uint32_t waiting; /* in the pool's queue */
};

/* Of an operator's command in force. */
struct doctor_override {
    const char *pool, *upstream; /* upstream "": of the pool */
    const char *what, *by;
    double left_s; /* 0 = no end */
};

struct doctor_numbers {
    const struct doctor_process *process;
    const struct doctor_pool *pool;
    const struct doctor_upstream *upstream;
    const struct doctor_override *override;
};

enum { FINDING_TEXT = 256 };
struct finding {
    const struct doctor_row *row;
    const char *pool, *upstream; /* "" when it concerns more */
    char seen[FINDING_TEXT], act[FINDING_TEXT];
};

#define SEEN(f, ...) (void)snprintf((f)->seen, sizeof(f)->seen, __VA_ARGS__)
#define ACT(f, ...)  (void)snprintf((f)->act, sizeof(f)->act, __VA_ARGS__)

enum doctor_scope { OF_PROCESS, OF_POOL, OF_AN_UPSTREAM, OF_OVERRIDE };
/* False: nothing to say.  True: seen and act are filled in. */
typedef bool doctor_fn(const struct doctor_numbers *n, struct finding *f);
struct doctor_row {
    const char *name;
    enum doctor_scope scope;
    bool is_warning; /* else a hint */
    const char *why; /* why it matters */
    doctor_fn *fn;
};
extern const struct doctor_row doctor_rows[];
extern const size_t doctor_row_count;

/* The rules of each, in the table's order (rules_process.c, rules_pool.c, rules_upstream.c). */
doctor_fn doctor_fds, doctor_memory, doctor_root, doctor_sandbox, doctor_clock, doctor_certificate,
    doctor_access_log, doctor_event_log, doctor_state, doctor_spans;
doctor_fn doctor_identity, doctor_demand, doctor_observe;
doctor_fn doctor_stall, doctor_first_token, doctor_pace, doctor_check_fails, doctor_check_blind,
    doctor_max_streams, doctor_limit, doctor_twin, doctor_override;

/* Fills pool and upstream in from the numbers as well. */
bool doctor_ask(const struct doctor_row *row, const struct doctor_numbers *n, struct finding *f);

#endif
