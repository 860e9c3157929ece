/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_WORLD_H
#define WEIR_SIM_WORLD_H

#include "sim.h"

/* Inside of a run: who calls whom.  clients -> proxy -> engine, and back by callbacks. */

struct world;
struct fleet_world; /* fleet_sim.h */
struct proxy;
struct engine;

enum event_kind {
    EVENT_ARRIVAL,
    EVENT_COMEBACK,
    EVENT_CROWD,
    EVENT_TALK,
    EVENT_VIRTUAL_USER,
    EVENT_STEP,
    EVENT_SERVED,
    EVENT_OUTCOME,
    EVENT_TICK,
    EVENT_EXPIRY,
    EVENT_SCAN,
    EVENT_FAULT,
    EVENT_FAULT_END,
    EVENT_DEATH,
    EVENT_ORDER,
    EVENT_RELOAD,
    EVENT_MODE,
    EVENT_ABORT,
    EVENT_AGENT,
    EVENT_TROUBLE,
    EVENT_TROUBLE_END,
};

struct event {
    uint64_t at_ns, seq;
    enum event_kind kind;
    uint32_t gen; /* of the job, when it is about one */
    int arg;
    void *about;
};

struct heap {
    struct event *at;
    size_t n, room;
    uint64_t seq;
};
void heap_push(struct heap *h, uint64_t at_ns, enum event_kind kind, void *about, int arg,
               uint32_t gen);
bool heap_pop(struct heap *h, struct event *ev);
void heap_fini(struct heap *h);

/* What somebody wants, over all tries. */
struct talk;
struct ask {
    uint64_t user, model;
    enum request_class class;
    bool stream;
    uint32_t prompt, output;
    double service_s;
    uint32_t tries;
    uint32_t allowed_retries;
    int group;
    int proxy;
    double deadline_s;
    double leave_s; /* goes away so long after asking, whatever has come of it; < 0 never */
    double abort_s; /* goes away so long after its first token; < 0 never */
    struct talk *talk;
    uint32_t virtual_user; /* 0: none */
    uint64_t since_ns;
};

struct talk {
    uint64_t user;
    uint32_t turn;
    bool all_good;
    uint64_t started_ns;
};

/* One try at one proxy. */
enum job_phase { JOB_WAITING, JOB_SENT, JOB_OVER };
struct job {
    struct pool_request r;
    struct quota_request limits;
    struct list live;   /* of its proxy while SENT */
    struct list node;   /* in its engine: queue or slots */
    struct list queued; /* in a rival's queue */
    struct job *next_free;
    struct ask *ask;
    struct proxy *proxy;
    struct engine *engine;
    enum job_phase phase;
    enum outcome verdict; /* of EVENT_OUTCOME */
    uint32_t status, gen, retry_after_ms;
    uint64_t id;
    uint64_t asked_ns, sent_ns, first_ns, event_ns;
    uint32_t prefilled, take, made, cut_at;
    bool in_slot, decoding;
    bool first_seen; /* by its proxy */
    bool paused;     /* see pace_gap_ns */
};

#define HEAVY_USER UINT64_C(0x123456789abcdef1)

struct engine {
    struct world *w;
    int index;
    struct backend b;
    struct list queue, slots;
    uint32_t n_queue, n_slots, n_decoding;
    double speed;
    uint32_t cold_left;  /* requests until it is warm */
    uint32_t stuck_left; /* requests that will take long to their first token */
    uint64_t returned_ns;
    bool dead, frozen, stepping, fragile;
    bool dying;
    double quota_tokens;
    uint64_t quota_ns;
    const struct fault *fault; /* that changes answers now, or NULL */
};
void engine_init(struct engine *e, struct world *w, int index, const struct backend *b);
void engine_submit(struct engine *e, struct job *j);
/* Its client or its proxy gave it up. */
void engine_cancel(struct engine *e, struct job *j);
void engine_step(struct engine *e);
void engine_served(struct engine *e, struct job *j);
void engine_fault(struct engine *e, const struct fault *f);
void engine_fault_end(struct engine *e, const struct fault *f);
void engine_die(struct engine *e);
uint32_t engine_open(const struct engine *e);

/* How a proxy decides: weir's pool or a rival. */
struct gate_ops {
    void (*init)(struct proxy *p);
    void (*fini)(struct proxy *p);
    enum pool_verdict (*arrive)(struct proxy *p, struct job *j);
    void (*first)(struct proxy *p, struct job *j);
    /* True if the job was sent again. */
    bool (*end)(struct proxy *p, struct job *j, const struct pool_report *rep);
    void (*leave)(struct proxy *p, struct job *j);
    struct job *(*woken)(struct proxy *p);
    void (*tick)(struct proxy *p);
    void (*expire)(struct proxy *p);
    uint64_t (*next_expiry)(struct proxy *p);
};
extern const struct gate_ops weir_ops, rival_ops;

struct weir_gate;
struct rival;
/* Of an upstream, as it was at the last tick. */
struct seen_before {
    uint64_t late[KINDS]; /* arrival_order.late */
    bool learning[KINDS];
    bool shown, closed;
};

struct proxy {
    struct world *w;
    int index;
    const struct gate_ops *ops;
    struct weir_gate *weir;
    struct rival *rival;
    struct list live; /* SENT, in order of sending */
    uint32_t n_live;
    uint64_t events[SIM_ENGINES_MAX], gaps_ns[SIM_ENGINES_MAX];
    uint64_t expiry_ns; /* of the timer that is set, 0 = none */
    struct seen_before before[SIM_ENGINES_MAX];
};

struct world {
    const struct scenario *sc;
    struct result *res;
    uint64_t now_ns, start_ns;
    struct heap heap;
    struct rng arrivals, clients, ticks, heavy;
    struct engine engine[SIM_ENGINES_MAX];
    struct proxy proxy[SIM_PROXIES_MAX];
    struct job *free_jobs;
    struct job **all_jobs;
    size_t n_jobs, jobs_room;
    uint64_t next_id;
    uint64_t n_over, n_asked; /* tries */
    bool broken;
    bool closing;              /* no new clients */
    struct fleet_world *fleet; /* NULL: the proxies are of none */
};

static inline double world_s(const struct world *w)
{
    return num_s(w->now_ns - w->start_ns);
}

/* Does what happens next; false if that is not before end_ns, or nothing is left, or all is lost.
 */
bool world_step(struct world *w, uint64_t end_ns);

/* Runs until end_ns in a way of its own (threads.c). */
typedef void world_runner_fn(struct world *w, uint64_t end_ns);
bool sim_run_by(const struct scenario *sc, struct result *res, world_runner_fn *run);

void broken(struct world *w, const char *invariant, const char *fmt, ...) WEIR_PRINTF(3, 4);

/* proxy.c */
void proxy_ask(struct proxy *p, struct ask *a);
void proxy_first(struct job *j);
void proxy_token(struct job *j);
void proxy_done(struct job *j);
void proxy_outcome(struct job *j, enum outcome o, uint32_t status, uint32_t retry_after_ms);
void proxy_abort(struct job *j);
void proxy_scan(struct proxy *p);
void proxy_collect(struct proxy *p);
void hash_decision(struct world *w, uint64_t a, uint64_t b);

/* clients.c */
void clients_start(struct world *w);
void client_comes(struct world *w, struct ask *a);
void client_arrival(struct world *w, int source);
void client_crowd(struct world *w);
void client_talk_turn(struct world *w, struct talk *t);
void client_virtual_user(struct world *w, int who);
void client_served(struct job *j, bool good);
void client_refused(struct job *j);
void client_failed(struct job *j);
bool is_good(const struct job *j, uint64_t now_ns);
uint64_t client_hash(uint64_t number); /* of a user or model */
double client_lognormal(struct rng *g, double median, double sigma);

/* invariants.c: what must hold around every call of the pool; weir_gate.c calls them. */
struct watch {
    uint32_t inflight[SIM_ENGINES_MAX], pending[SIM_ENGINES_MAX];
    uint64_t marks[SIM_ENGINES_MAX];
    uint32_t failures[SIM_ENGINES_MAX];
    enum breaker_state state[SIM_ENGINES_MAX];
};
struct tallies {
    uint64_t arrived, admitted, shed, left;
    uint64_t first_attempts, retries;
    uint64_t operator_ns; /* when the last operator command came */
    uint64_t tick_ns, tick_gap_ns;
    uint64_t open_since_ns[SIM_ENGINES_MAX];
    bool by_hand[SIM_ENGINES_MAX];
    uint64_t probes_out[SIM_ENGINES_MAX];
};
struct weir_gate {
    struct pool *pool;
    void *raw;           /* where the pool's memory begins */
    struct quota *quota; /* NULL: no limits */
    struct decide_conf conf, other_conf;
    uint32_t max_streams[SIM_ENGINES_MAX];
    struct watch before;
    struct tallies t;
    bool waits;    /* somebody was refused or waits since the last tick */
    bool admitted; /* somebody was admitted since the last tick */
};
void watch_before(struct proxy *p);
/* `rank`: of the one that was admitted by the call itself, -1 none. */
void watch_admission(struct proxy *p, const struct job *j);
void watch_refusal(struct proxy *p, const struct job *j);
void watch_no_evidence(struct proxy *p, const char *what);
void watch_end(struct proxy *p, const struct job *j, const struct pool_report *rep, bool unary);
/* After a call about one request, which had its mark already or not. */
void watch_marks(struct proxy *p, bool marked);
/* I12: one of the first `most` waits, no cooldown of its own is in its way, and there is room. */
void watch_starved(struct proxy *p, uint32_t most);
/* After a call that may have made room. */
void watch_room(struct proxy *p);
void watch_after(struct proxy *p);
void watch_event(struct proxy *p, const struct pool_event *ev);
void watch_tick(struct proxy *p);
void watch_drained(struct proxy *p);

#endif
