/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CONTROL_H
#define WEIR_FLOW_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/conf/compare.h"
#include "weir/conf/settings.h"
#include "weir/decide/pool_fleet.h"
#include "weir/fleet/fleet.h"
#include "weir/flow/counters.h"
#include "weir/http/trace_context.h"
#include "weir/net/loop.h"
#include "weir/pages/refusal.h"

/*
 * The control thread's side of weir: what admin, metrics and the status page see and may do.
 * Everything here belongs to the control thread; nothing here touches the data path but through the
 * gate, the counters, inboxes and the settings snapshot (docs/architecture.md).
 */
struct control;

struct loop *control_loop(struct control *c);
const struct settings *control_settings(const struct control *c);

/* An operator command that is in force until it lapses. */
struct override_view {
    char what[48];          /* "breaker open", "limit streams 8", "mode breaker observe" */
    char by[64];            /* "uid 0", "uid 0 at NODE" */
    uint64_t until_wall_ns; /* 0 = no end */
};
enum { OVERRIDES_MAX = 8 };

struct upstream_status {
    const char *name, *url;
    struct upstream_view v;
    struct override_view overrides[OVERRIDES_MAX];
    int n_overrides;
    double ttft_p50_ms, ttft_p90_ms, ttft_p99_ms; /* of the last minute, 0 = nothing seen */
    double pace_p50_ms;
    struct upstream_sum sum; /* since the start */
    char addresses[160];     /* as resolved now, for people */
    struct pool_fleet_view fleet;
    char check[96]; /* why the last health check failed; "" = it did not */
};

/* What came in the last hour, or since the start. */
struct hour_status {
    uint32_t seconds; /* how far it reaches back */
    uint64_t requests;
    uint64_t observed[RULE_COUNT]; /* what a rule in mode observe would have delayed or refused */
};

/* The canary of a pool: the one that runs, or else the last one. */
struct canary_status {
    struct canary_view v; /* v.state CANARY_NONE: there never was one */
    const char *upstream; /* its name, though it may be gone; NULL with CANARY_NONE */
    unsigned uid;         /* who began it, or ended it by hand */
    uint64_t begun_wall_ns, until_wall_ns, changed_wall_ns;
};

struct pool_status {
    const char *name;
    enum service_state state;
    uint64_t since_wall_ns;
    struct pool_view v;
    double shed_per_s, admitted_per_s; /* over the last 10 s */
    uint64_t shed_last_minute[CAUSE_COUNT], admitted_last_minute;
    struct hour_status hour;
    /* Of the last requests, and of these by how many more than half one user has. */
    uint32_t voted, lead;
    const char *incident; /* NULL = none */
    uint64_t incident_until_wall_ns;
    bool enforce[SET_COUNT];
    struct override_view overrides[OVERRIDES_MAX]; /* of modes */
    int n_overrides;
    struct canary_status canary;
    struct upstream_status *upstreams;
    size_t n_upstreams;
    struct pool_sum sum;
};

/* The spans that go to the collector. */
struct tracing_status {
    bool on;
    uint64_t sent, dropped; /* since the start */
    const char *error;      /* why it does not work now; "" = it does */
};

/* What the process is short of, or cannot do. */
struct process_status {
    uint64_t memory_most;       /* bytes; from nine tenths on nothing new is taken */
    int state_error;            /* errno of the last write of the state file; 0 = it was written */
    int64_t certificate_ends_s; /* of the listeners, the first to end; 0 = there is none */
    uint32_t clock_jumps;       /* of the date against the monotonic clock, since the start */
    int64_t clock_jump_ns;      /* the last of them */
    uint64_t clock_jump_wall_ns;
};

struct status_view {
    enum service_state state;
    uint64_t since_wall_ns, now_wall_ns, now_ns, started_wall_ns;
    const char *incident; /* the first pool's that has one, NULL = none */
    struct pool_status *pools;
    size_t n_pools;
    struct pool_sum no_pool; /* requests that reached no pool */
    struct worker_sum workers;
    uint32_t n_workers;
    struct tracing_status tracing;
    const struct fleet_view *fleet; /* NULL: no block fleet */
    struct process_status process;
    int access_log_error; /* errno of the write to the access log that fails now; 0 = none */
};

/* A view of everything now; valid until the next call. */
const struct status_view *control_status(struct control *c);

/* Monotonic to wall time, for showing. 0 stays 0. */
uint64_t control_wall(const struct control *c, uint64_t mono_ns);

/* --- the operator's hand.  All return false with a sentence in why when refused. */

struct control_who {
    unsigned uid;
    const char *text; /* the command as typed, for the audit line */
    bool here;        /* for this node only, not for its fleet */
    const char *node; /* of the fleet, where it was given; NULL = here */
};
/* upstream SIZE_MAX: all of the pool.  for_ns 0: until taken back. */
bool control_command(struct control *c, const struct control_who *who, size_t pool, size_t upstream,
                     enum pool_command o, double value, uint64_t for_ns, char *why, size_t room);
bool control_mode(struct control *c, const struct control_who *who, size_t pool,
                  enum pool_rule_set set, bool enforce, uint64_t for_ns, char *why, size_t room);
/*
 * What the answer to such a command says of the fleet: whether all nodes carry it out; "" without
 * one.  Static.
 */
const char *control_fleet_reach(const struct control *c, const struct control_who *who);
/* The nodes of the fleet; fn is called once, later.  False: there is no fleet, or too many ask. */
bool control_fleet_members(struct control *c, fleet_members_fn *fn, void *arg);
/* What this node tells the others of itself, and shows where there are none; a second old at most.
 */
const struct fleet_shown *control_shown(const struct control *c);
/* most: its share at most, above 0 to 1; for_ns > 0. */
bool control_canary_start(struct control *c, const struct control_who *who, size_t pool,
                          size_t upstream, double most, uint64_t for_ns, char *why, size_t room);
/* Promoted, or else rolled back. */
bool control_canary_end(struct control *c, const struct control_who *who, size_t pool,
                        size_t upstream, bool promote, char *why, size_t room);
/* text NULL clears. */
bool control_incident(struct control *c, const struct control_who *who, size_t pool,
                      const char *text, uint64_t for_ns, char *why, size_t room);
/*
 * Reads the settings anew: in this turn of the loop, or, within a moment of the last time, together
 * with all who ask until then.  fn is called once, from the loop: no diagnostic = the settings are
 * in force, and notes (lines) say what of them waits for a restart.  False: there is no memory, and
 * fn is not called.
 */
typedef void control_reloaded_fn(const struct conf_diagnostics *m, struct slice notes, void *arg);
bool control_reload(struct control *c, const struct control_who *who, control_reloaded_fn *fn,
                    void *arg);

/*
 * What a reload would do, all of it checked but for nothing put in force.  change is called for
 * each key that differs, then effect with a sentence for each thing that it does to what runs.
 * False: diagnostics, as of a reload.
 */
struct reload_preview {
    void (*change)(const struct conf_change *change, void *arg);
    void (*effect)(const char *sentence, void *arg);
    void *arg;
};
bool control_preview_reload(struct control *c, const struct reload_preview *p,
                            struct conf_diagnostics *m);
/*
 * Hot restart: the next weir is started from the program this one was started from and takes over;
 * this one drains.  fn is called once, from the loop: done, and a sentence on what has begun; or
 * not, and why this one goes on as it was.  False: why (static), and fn is not called.
 */
typedef void control_upgraded_fn(bool done, const char *sentence, void *arg);
bool control_upgrade(struct control *c, const struct control_who *who, control_upgraded_fn *fn,
                     void *arg, const char **why);
void control_drain(struct control *c, const struct control_who *who);
void control_stop(struct control *c, const struct control_who *who);

/* --- events: changes of state, operator commands, lapses, reloads; the last 1,024 */

struct control_event {
    uint64_t seq; /* 1, 2, 3 ...; some are not kept: see times */
    uint64_t at_wall_ns;
    uint32_t times;              /* rounds of probes in vain: this and those right before it */
    uint64_t first_wall_ns;      /* the first of them; at_wall_ns of any other event */
    const char *pool, *upstream; /* "" when it concerns more */
    enum breaker_state from, to; /* equal when it is no transition */
    char cause[24];
    uint32_t requests, failed, consecutive;
    uint64_t window_ns;
    double share;
    char sentence[200]; /* the whole story for people, with its numbers */
};
/* Calls fn for the last `last` events (0: all that are kept), oldest first. */
void control_events(struct control *c, size_t last,
                    void (*fn)(const struct control_event *e, void *arg), void *arg);
/* fn is called for each new event until it is unsubscribed (fn, arg). */
void control_subscribe(struct control *c, void (*fn)(const struct control_event *e, void *arg),
                       void *arg);
void control_unsubscribe(struct control *c, void (*fn)(const struct control_event *e, void *arg),
                         void *arg);

/* --- limits */

/* One count that something is used of: of a user, or of a limit that is shared. */
struct user_status {
    const char *pool;
    struct quota_view v;
};
/*
 * Those that have used most of what they may, the fullest first; returns how many, at most max.
 * *evicted: counts that gave way to newer ones while something was in them, over all pools.
 */
size_t control_users(struct control *c, struct user_status *out, size_t max, uint64_t *evicted);

/* --- requests */

enum { REQUEST_ID_MAX = 64 };
/* What was decided about one request and what became of it. */
struct request_record {
    uint64_t at_wall_ns; /* of the head */
    char id[REQUEST_ID_MAX + 1];
    char upstream_id[REQUEST_ID_MAX + 1]; /* the backend's own, "" = none */
    const char *found; /* what was wrong with its answer; static, NULL = nothing */
    char client[48];
    uint64_t user;
    int16_t pool, upstream, route; /* -1 none; names by index into the settings */
    enum request_class class;
    enum decision decision;
    enum cause cause;
    enum outcome outcome;
    bool has_outcome;
    struct decision_numbers numbers;
    uint16_t status;
    uint32_t client_retry, retries;
    int64_t queue_ns, connect_ns, ttft_ns, duration_ns; /* -1 = absent */
    uint32_t events;
    uint64_t bytes_in, bytes_out;
    struct quota_refusal limit; /* most 0: no limit refused it */
    struct quota_usage usage;   /* where its pool counts */
    bool counted;
    double pace_ns; /* 0 = absent */
    uint8_t method_len;
    char method[16];
    uint16_t path_len; /* the bytes follow in the log block; cut to 2 KiB */
    bool traced;       /* a struct request_trace stands before them */
};

/* "users.tokens_per_minute", "limits[2].max_streams"; NULL: no limit refused it. */
enum { LIMIT_NAME_MAX = 64 };
const char *limit_name(const struct quota_refusal *no, char mem[LIMIT_NAME_MAX]);

/* One try of a sampled request at one upstream.  Times are monotonic, 0 = not (yet). */
struct trace_attempt {
    uint64_t begun_ns, connected_ns, first_ns, ended_ns;
    enum outcome outcome;
    int16_t upstream; /* -1 none */
    uint16_t status;  /* 0 = none */
    bool has_outcome, resent, is_stream, http2;
};
enum { TRACE_ATTEMPTS_MAX = 4 }; /* later ones are counted only */
/* What a record has besides where its request is sampled: times of the same clock. */
struct request_trace {
    struct trace_context self; /* the span of the request itself */
    uint64_t parent;           /* 0 = none */
    uint64_t begun_ns, asked_ns;
    uint32_t n_attempts;
    bool http2;
    struct trace_attempt attempts[TRACE_ATTEMPTS_MAX];
};

/* The newest record of a request id, weir's or the backend's own; NULL when it is not among the
 * last why_entries. */
const struct request_record *control_why(struct control *c, const char *request_id);

struct live_request {
    char id[REQUEST_ID_MAX + 1];
    char client[48];
    int16_t pool, upstream; /* -1 none */
    enum request_class class;
    uint64_t age_ns, ttft_ns; /* ttft 0 = none yet */
    uint32_t events;
};
/*
 * Asks the workers; fn is called once, from the loop, with everything (at most 10,000).  False:
 * there is no memory for the list, and fn is not called.
 */
bool control_sessions(struct control *c,
                      void (*fn)(const struct live_request *list, size_t n, void *arg), void *arg);

#endif
