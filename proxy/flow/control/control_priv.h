/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_CONTROL_PRIV_H
#define WEIR_FLOW_CONTROL_PRIV_H

#include <pthread.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/file_sink.h"
#include "weir/base/list.h"
#include "weir/base/log.h"
#include "weir/base/log_sink.h"
#include "weir/fleet/fleet.h"
#include "weir/fleet/shown.h"
#include "weir/flow/control.h"
#include "weir/net/conn.h"
#include "weir/net/resolver.h"

#include "control/journal.h"
#include "control/upgrade.h"
#include "record/syslog_out.h"
#include "snapshot/snapshot.h"
#include "weir/flow/run.h"
#include "worker/worker.h"

/*
 * The control thread's objects.  Everything here is touched by that thread only.
 */
enum {
    WORKERS_MAX = 256,
    SUBSCRIBERS_MAX = 64,
    SECONDS_KEPT = 60,
    MINUTES_KEPT = 60,
    TENS_KEPT = 7, /* snapshots of the histograms, 10 s apart: the last minute */
    LOG_BUFFER_BYTES = 1024 * 1024,
};

/* Who gave the command that is still in force. */
struct command_by {
    unsigned uid;
    bool known;
    char node[33]; /* of the fleet; "" = here */
};

/* Totals of an upstream's outcomes, one a second. */
struct outcome_totals {
    uint64_t ok, failed, refused;
};

struct upstream_watch {
    struct control *c;
    struct resolver_watch *watch;
    int slot;
    struct net_addr addrs[8];
    size_t n_addrs;
    bool untold; /* there was no memory to tell each worker the addresses */
    char text[160];
    struct command_by by[OVERRIDE_COUNT];
    double limit_value; /* of `limit streams` */
    struct histogram_sum ttft[TENS_KEPT], interval[TENS_KEPT];
    struct outcome_totals outcomes[FLEET_LATELY_S + 1];
    struct health *health; /* NULL: off */
    bool waits_first;      /* it was said that nobody asks */
};

struct mode_override {
    bool on, enforce;
    uint64_t until_ns; /* 0 = no end */
    struct command_by by;
};

/* Totals at the begin of a minute (hour.c). */
struct pool_hour {
    uint64_t observed[RULE_COUNT], requests;
};
/* Who has most of the requests. */
struct user_vote {
    uint64_t user;
    uint32_t lead, total;
};

/* The canary of a pool, as far as it was told of. */
struct canary_watch {
    uint32_t changes; /* that were said, and what the last one was about */
    uint64_t begun_ns;
    double share;
    bool paused;
    const char *upstream; /* of names.upstreams; NULL = there was none */
    unsigned uid;         /* who began it, or ended it by hand */
};

struct pool_watch {
    char *incident;
    uint64_t incident_until_ns;
    bool untold; /* there was no memory to tell each worker the text */
    struct mode_override modes[SET_COUNT];
    enum service_state state;
    uint64_t since_wall_ns;
    uint64_t shed[SECONDS_KEPT][CAUSE_COUNT]; /* totals, one a second */
    uint64_t admitted[SECONDS_KEPT];          /* the same, queued before or not */
    struct pool_hour hour[MINUTES_KEPT];
    struct user_vote vote;
    struct canary_watch canary;
};

struct subscriber {
    void (*fn)(const struct control_event *e, void *arg);
    void *arg;
};

struct access_log {
    struct log_sink *sink; /* NULL: off or syslog */
    bool syslog, own_fd;
    bool shared; /* the event log's own: both go to stderr */
    struct syslog_out syslog_out;
    uint64_t dropped;
    int error; /* errno of the write that fails now; 0 = none */
    uint64_t dropped_said, said_ns;
    int error_said;
};
#define LOG_SAID_EVERY_NS (10 * NS_PER_S)

/* Spans that wait for the collector (export.c): objects of JSON, separated by commas. */
struct export_batch {
    struct buf spans;
    uint32_t n;
};
struct export
{
    struct resolver_watch *watch;
    struct net_addr addr;
    bool has_addr, closed;
    struct export_batch filling, sending;
    struct once *once; /* `sending` is on its way */
    struct loop_timer timer;
    uint32_t tries;         /* of `sending`, in vain */
    uint32_t fails;         /* in a row */
    uint64_t sent, dropped; /* spans */
    uint64_t ends_ns;       /* the process ends: not later than that */
    char error[128];        /* why it does not work now; "" = it does */
};

/* Where the fleet's i-th upstream is, by index in the settings in force. */
struct fleet_at {
    size_t pool, upstream;
};
/* Of a call about limits: the gate of a pool, a reference, and how many counts are that pool's. */
struct fleet_limits_part {
    struct gate *gate;
    size_t n;
};
/* This weir as a node of a fleet (fleet.c). */
struct control_fleet {
    struct fleet *node;  /* NULL: off */
    bool joining;        /* the start waits for its first answer */
    struct snapshot *of; /* whose settings it goes by; a reference */
    struct fleet_at places[FLEET_UPSTREAMS_MAX];
    size_t n_places;
    struct fleet_plan plans[FLEET_UPSTREAMS_MAX]; /* the last of each, for when this node leads */
    uint64_t plan_at_ns[FLEET_UPSTREAMS_MAX];
    struct fleet_pool *pools[SNAPSHOT_POOLS_MAX + 1]; /* by slot */
    size_t leases_of;       /* the pool whose leases go first with the next call */
    struct fleet_view view; /* as shown */
    struct gate_bell bell;
    struct fleet_limits_part limits[SNAPSHOT_POOLS_MAX];
    size_t n_limits, limits_turn; /* the pool that is asked first */
};

/* See memory_watch.c. */
struct memory_watch {
    uint64_t most, trimmed_ns;
    int fd; /* of /proc/self/statm */
    bool is_short;
};
void memory_watch_open(struct memory_watch *m, uint64_t most);
void memory_watch_close(struct memory_watch *m);
void control_watch_memory(struct control *c);

/* A ring of the newest request records; the index is by id. */
struct why_ring {
    struct request_record *records;
    uint32_t size, next, used;
};

struct history {
    uint64_t at_wall_ns;
    enum service_state state;
};

/* A pool that a reload took out of the file, until its last request is over. */
struct old_pool {
    struct snapshot *snapshot; /* a reference, for the pool */
    struct snapshot_pool *pool;
};

/* The last sign of life that a worker gave. */
struct worker_life {
    uint64_t seconds, seen_ns;
    bool said; /* that there is none */
};

struct control_workers {
    struct worker_life life[WORKERS_MAX];
    struct worker *list[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    int n, n_running;
    int (*listen_fds)[WORKERS_MAX]; /* by slot and worker; owned, -1 = none */
    int (*lent_fds)[WORKERS_MAX];   /* the workers', until they are told to unlisten; -1 = none */
};

/* By slot, never reused. */
struct control_names {
    char *pools[SNAPSHOT_POOLS_MAX + 1], *upstreams[SNAPSHOT_UPSTREAMS_MAX];
};

struct control_clock {
    uint64_t wall_minus_mono_ns, started_wall_ns, last_second_ns;
    uint64_t seconds; /* since the start; index of the rings */
    uint32_t jumps;   /* of the wall clock against the monotonic one */
    int64_t jump_ns;  /* the last of them */
    uint64_t jump_wall_ns;
};

struct control_subscribers {
    struct subscriber list[SUBSCRIBERS_MAX];
    int n;
};

/* The state of the whole, and what it was. */
struct control_service {
    enum service_state state;
    uint64_t since_wall_ns;
    struct history history[8];
    int n_history;
    double share, full_s; /* the worst of the pools' */
};

/* How far the process has come. */
struct control_phase {
    bool ran, draining, quitting, abandoned, stopped;
};

/* What control_status hands out. */
struct control_view {
    struct status_view status;
    struct pool_status *pools;
    struct upstream_status *upstreams;
};

struct control_signals {
    int fd;
    struct event *event;
};

/* Who waits for the settings to be read anew, and since when they rest. */
struct control_reloads {
    struct list asks;
    struct loop_timer rest;
    uint64_t ended_ns; /* of the last one; 0 = none yet */
    bool by_signal;    /* among those who wait */
};

/* Numbers of the process before this one, as slots here; -1 = none. */
struct control_handed {
    int16_t pool[SNAPSHOT_POOLS_MAX + 1], upstream[SNAPSHOT_UPSTREAMS_MAX];
};

struct control {
    struct loop *loop;
    struct snapshot *snapshot;
    struct slot_book slots;
    struct old_pool old_pools[SNAPSHOT_POOLS_MAX];
    int n_old_pools;
    struct control_start start;
    struct control_workers workers;
    struct resolver *resolver;
    struct upstream_watch upstreams[SNAPSHOT_UPSTREAMS_MAX];
    struct pool_watch pools[SNAPSHOT_POOLS_MAX + 1]; /* by slot, as upstreams */
    struct control_names names;
    struct loop_timer tick, expiry, drain_timer;
    struct control_clock clock;
    struct journal events;
    struct control_subscribers subscribers;
    struct file_sink *keeper; /* of the state file; NULL: off */
    int keep_error;           /* that was said; 0 = none */
    struct access_log log;
    struct export export;
    struct control_fleet fleet;
    struct memory_watch memory;
    struct why_ring why;
    struct request_record why_found;
    struct control_service service;
    struct control_phase phase;
    struct control_signals signals;
    struct control_reloads reloads;
    struct control_upgrade upgrade;
    struct control_handed handed;
    struct control_view view;
    struct fleet_shown shown;
};

/* --- control/names.c */
/* Slots, as workers know pools and upstreams, to the indices of the settings in force; -1 = gone.
 */
void control_index(const struct control *c, int16_t *pool, int16_t *upstream);
/* The snapshot's names by slot, kept for the process's life: events and records point at them. */
bool control_keep_names(struct control *c, const struct snapshot *s) WEIR_MUST_CHECK;

/* --- control/sum.c */
void control_sum_pool(const struct control *c, int slot, struct pool_sum *out);
void control_sum_upstream(const struct control *c, int slot, struct upstream_sum *out);
void control_sum_workers(const struct control *c, struct worker_sum *out);
/* What came and what was decided since the start: the last line of the log. */
void control_say_sum(const struct control *c);
void control_second(struct control *c); /* once a second: rings, states, public page */
uint64_t control_shed_in(const struct control *c, int pool, int seconds, enum cause cause);
uint64_t control_admitted_in(const struct control *c, int pool, int seconds);

/* --- control/users.c */
void control_limits_second(struct control *c); /* once a second: who reaches a limit is an event */

/* --- control/shown.c */
void control_shown_second(struct control *c); /* once a second, behind the rings */

/* --- control/hour.c */
/* Each second; sum: the pool's counters now. */
void control_keep_hour(struct control *c, int index, const struct pool_sum *sum);
/* s->v and s->sum are filled in. */
void control_view_hour(const struct control *c, int slot, struct pool_status *s);
void control_note_user(struct control *c, const struct request_record *r);
void control_watch_clock(struct control *c, uint64_t mono_ns); /* each second */
/* --- control/control.c */
void control_lend_listener(struct control *c, int slot, int worker);

/* --- control/keep.c */
/* What an earlier process learnt is put back; before any request. */
void control_keep_start(struct control *c);
void control_keep_second(struct control *c); /* once a second */
void control_keep_end(struct control *c);
/* The bytes of the file, appended to an empty buffer; false: no memory. */
bool control_keep_write(const struct control *c, struct buf *b);
/* Such bytes of a moment ago are put back; `what` begins the lines about those that are not. False:
 * they are no whole file. */
bool control_keep_read(struct control *c, struct slice bytes, const char *what);

/* --- control/events.c */
void control_take_pool_events(struct control *c);
/* An event without a transition. */
void control_say(struct control *c, const char *pool, const char *upstream, const char *cause,
                 const char *fmt, ...) WEIR_PRINTF(5, 6);

/* The same without a line in the log, which has it already. */
void control_note(struct control *c, const char *pool, const char *upstream, const char *cause,
                  const char *fmt, ...) WEIR_PRINTF(5, 6);

/* --- control/canary.c */
/* Each change of a canary becomes an event. */
void control_watch_canaries(struct control *c);
/* Does one run in any pool? */
bool control_has_canary(const struct control *c);
void control_view_canary(const struct control *c, const struct snapshot_pool *p,
                         struct canary_status *s);

/* --- control/commands.c */
void control_lapse(struct control *c);
void control_incidents_second(struct control *c); /* once a second */
/* An incident text of the process before this one. */
void control_incident_restore(struct control *c, const struct snapshot_pool *p, struct slice text,
                              uint64_t until_ns);

/* --- control/state.c */
void control_judge(struct control *c);
void control_publish(struct control *c);

/* --- access_log.c */
bool access_log_open(struct control *c, char *why, size_t room);
void access_log_reopen(struct control *c);
void access_log_close(struct control *c);
void access_log_watch(struct control *c); /* once a second */
void control_on_records(struct loop_message *m);
bool why_ring_init(struct why_ring *w, uint32_t entries);
void why_ring_free(struct why_ring *w);
void why_ring_add(struct why_ring *w, const struct request_record *r);

/* --- control/signals.c */
bool control_signals_begin(struct control *c);
void control_signals_end(struct control *c);
/* --- control/control.c */
void control_end_by_signal(struct control *c, const char *name);

/* --- control/reload.c */
/*
 * Everything that a reload needs, made beside what is in force, but for its sockets; not_live is
 * called with what stays as it is until a restart.  NULL and diagnostics.
 */
struct snapshot *control_prepare_reload(struct control *c, struct conf_diagnostics *m,
                                        void (*not_live)(const char *sentence, void *arg),
                                        void *arg);
void control_forget_reload(struct control *c, struct snapshot **next); /* instead of its use */
void control_refuse_reload(struct conf_diagnostics *m, const char *file, const char *why);
void control_reload_now(struct control *c, struct conf_diagnostics *m, struct buf *notes);
bool control_has_upstream(const struct snapshot *s, int slot);

/* --- control/reload_asks.c */
void control_reloads_begin(struct control *c);
void control_reload_by_signal(struct control *c);
void control_reloads_end(struct control *c);

/* --- control/dns.c */
bool control_watch_upstream(struct control *c, struct snapshot_pool *p, size_t i);
bool control_rewatch_upstream(struct control *c, struct snapshot_pool *p, size_t i);
void control_unwatch_upstream(struct control *c, int slot);
bool control_watch_upstreams(struct control *c);
void control_upstreams_second(struct control *c); /* once a second: what lacked memory */
void control_unwatch_upstreams(struct control *c);

#endif
