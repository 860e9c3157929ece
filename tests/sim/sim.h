/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SIM_H
#define WEIR_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/hash.h"
#include "weir/base/list.h"
#include "weir/decide/pool_priv.h"

/*
 * A closed loop in virtual time: clients, one to four proxies with the real decisions of
 * proxy/decide (or a rival's rule), and models of inference engines.  One thread, one seed, no
 * clock: a run replays exactly.
 */

#define MS(n) ((uint64_t)(n)*NS_PER_MS)
#define S(n)  ((uint64_t)(n)*NS_PER_S)

enum {
    SIM_ENGINES_MAX = 4,
    SIM_PROXIES_MAX = 1000,
    SIM_TROUBLES_MAX = 4,
    SIM_FAULTS_MAX = 8,
    SIM_ORDERS_MAX = 8,
    SIM_SECONDS_MAX = 3700,
    SIM_GROUPS = 3,
};

/* An engine as the simulation knows it; weir is told none of it but the promise. */
struct backend {
    const char *name, *about;
    uint32_t slots;
    double t0_ms, a_ms, c_us; /* step = t0 + a * running + c * prompt tokens of the step */
    uint32_t chunk;           /* prompt tokens a step may take */
    double prompt, prompt_sigma, output, output_sigma; /* lognormal: median, sigma; tokens */
    double promise_ms; /* mean time between tokens that counts as good */
    double
        queue_limit; /* answers 503 when so many wait in its own queue; 0 = never, -1 = no queue */
    double capacity; /* good requests a second, best fixed limit, far overloaded */
    double best_fixed;
    bool held_out; /* used for no choice of a rule */
    bool api;      /* workers with lognormal times instead of an engine */
    double service_ms, service_sigma, good_s, patience_s;
    /* A service that answers each request in a time of its own, whatever the load (within its
     * slots): first token after service_ms (lognormal; up to service_most_ms, if that is set, with
     * all times as likely), or after slow_ms for a share; then one token every token_ms, with a
     * pause of pause_ms after the tenth. */
    bool hosted;
    bool plain; /* api workers, told to weir as what comes by default */
    double service_most_ms, slow_share, slow_ms, token_ms, pause_ms;
};
const struct backend *backend_find(const char *name);
extern const struct backend backends[];
extern const size_t n_backends;
extern const struct backend extras[]; /* of single checks */
extern const size_t n_extras;

enum fault_kind {
    FAULT_DEAD,  /* connections refused; what ran is reset.  value: s */
    FAULT_STALL, /* no step is made.  value: s */
    FAULT_SPEED, /* step times are multiplied.  value */
    FAULT_SLOTS, /* value */
    FAULT_503,   /* answered at once, `seconds` long; value: Retry-After in s, 0 = none */
    FAULT_500,
    FAULT_404,
    FAULT_IN_BAND,      /* the first event is an error */
    FAULT_IN_BAND_BUSY, /* the first event says overloaded */
    FAULT_EMPTY,        /* streams without content */
    FAULT_CUT,          /* streams are cut after a few tokens */
    FAULT_BLACKHOLE,    /* connections time out */
    FAULT_QUOTA,        /* 429 above value requests/s; with Retry-After 1 s */
    FAULT_QUOTA_SILENT, /* ... without */
};
/* Whose requests a fault that answers instead of the engine concerns. */
enum fault_scope {
    FOR_ALL,
    FOR_HEAVY,       /* the heavy user's */
    FOR_FIRST_USER,  /* of `users` */
    FOR_FIRST_MODEL, /* of `models` */
};
struct fault {
    enum fault_kind kind;
    enum fault_scope scope;
    int engine;
    double at_s, seconds, value;
    uint32_t stuck; /* after FAULT_DEAD: so many requests take 25 s to their first token */
    bool cold;      /* after FAULT_DEAD: slower at first, warming over 150 answers */
    bool fragile;   /* after FAULT_DEAD: dies again if more than 24 are open in its first 20 s */
};

struct sim_order {
    double at_s, value, for_s;
    int upstream;
    enum pool_command order;
};

/* What happens to a fleet of proxies. */
enum trouble_kind {
    STORE_DOWN,    /* connections are refused */
    STORE_FROZEN,  /* nothing is answered */
    STORE_CUT,     /* nodes of an odd number do not reach it */
    STORE_EMPTIED, /* all it held is gone */
    NODES_ARE,     /* so many get requests from now on; value */
    NODE_KILLED,   /* the last one, with what runs there */
    NODE_PATH,     /* nothing from this node reaches the engine; value */
};
struct fleet_trouble {
    enum trouble_kind kind;
    double at_s, seconds, value;
};
/* Proxies that stand for nodes of a fleet. */
struct fleet_setup {
    bool used;             /* this run is about one; else all below is nothing */
    bool on;               /* they speak with each other; false: each for itself */
    double rtt_ms, jitter; /* to the store: between rtt and rtt * (1 + jitter) */
    double heavy;          /* the first gets so many times what another gets; 0 = 1 */
    size_t first;          /* so many get requests at first; 0 = all */
    uint32_t max_streams;  /* 0 = not set */
    bool own_leases;       /* each node knows those only that it gave */
    struct fleet_trouble trouble[SIM_TROUBLES_MAX];
    size_t n_troubles;
};

enum rule_kind { RULE_WEIR, RULE_FIXED, RULE_NO_LIMIT, RULE_GRADIENT2, RULE_VEGAS, RULE_AIMD };

/* How refused clients come back. */
enum comeback {
    COMEBACK_HEADER,  /* Retry-After as told */
    COMEBACK_BACKOFF, /* the SDKs' own back-off, no header */
    COMEBACK_CONST_5, /* everybody told 5 s */
};

struct scenario {
    const struct backend *backend;
    size_t n_engines, n_proxies;
    enum rule_kind rule;
    double fixed; /* limit of RULE_FIXED, an engine */
    double load;  /* x capacity of one engine */
    double seconds, warm_s;
    double unary;     /* share of requests that do not stream */
    uint32_t retries; /* of a client, after a refusal or an error */
    enum comeback comeback;
    double talk_turns; /* 0: single requests; else conversations of so many turns */
    uint32_t talk_retries;
    uint32_t users;    /* distinct ones of single requests; 0 = nobody known */
    uint32_t models;   /* at one address, asked for as often as each other; 0 = one, and not told.
                          Requests of the first one are group 2 */
    double heavy;      /* a user who sends so much, in times of `load`; group 1 */
    double crowd_at_s; /* when `crowd` clients come at once; group 2 */
    uint32_t crowd;
    double paid, batch, system, deadline; /* shares of single requests */
    uint32_t kinds;                       /* of requests, by their path; 0 = one */
    double aborts;        /* share that goes away somewhere in the middle of its answer */
    double patience_s;    /* of clients; 0 = 30 */
    double first_token_s; /* of the proxy; 0 = 30 */
    double fixed_during;  /* limit of RULE_FIXED while the first fault lasts; 0 = the same */
    bool observe_breaker; /* the breaker looks on only */
    bool pace_auto;       /* weir is not told the promise */
    bool rough_ticks;     /* late and missed ones */
    bool check;           /* invariants, after every event */
    bool reload;          /* new settings in the middle */
    bool random_modes;
    bool trace;                         /* a line every two seconds on stdout */
    double calm_s;                      /* load 0.2 for so long at first */
    uint32_t virtual_users;             /* each asks, waits for the answer, and asks again ... */
    double virtual_user_gap_s;          /* ... so long after it */
    void (*tune)(struct decide_conf *); /* changes of weir's settings */
    struct fault fault[SIM_FAULTS_MAX];
    size_t n_faults;
    struct sim_order order[SIM_ORDERS_MAX];
    size_t n_orders;
    struct fleet_setup fleet;
    uint64_t seed;
};

struct bins {
    uint32_t asked[SIM_SECONDS_MAX]; /* attempts */
    uint32_t good[SIM_SECONDS_MAX];  /* by the second of their end */
    uint32_t sent[SIM_SECONDS_MAX];
    uint32_t shed[SIM_SECONDS_MAX];
};

struct result {
    struct bins group[SIM_GROUPS];
    uint64_t good_by_proxy[SIM_PROXIES_MAX], asked_by_proxy[SIM_PROXIES_MAX];
    uint32_t dead_in[SIM_SECONDS_MAX]; /* dead_attempts, by second */
    uint32_t used_most;                /* fleet: most in flight at once over all nodes */
    uint64_t store_calls;              /* fleet */
    uint64_t dead_attempts;            /* connections made to a dead engine */
    uint64_t quota_taken, quota_refused;
    uint64_t opened;      /* changes to OPEN */
    uint64_t opened_else; /* ... of the fleet's breaker, or of a node whose path was never broken */
    double opened_s[64];  /* when */
    double first_probe_s; /* first admission after the last return of an engine */
    double inflight_sum, inflight_sq, inflight_n; /* in the warm part */
    uint32_t wait_ms[4096];    /* histogram of the engine's own queueing, 10 ms each */
    uint32_t refused_ms[4096]; /* histogram of what the refused waited before, 10 ms each */
    uint32_t queued_most[SIM_SECONDS_MAX]; /* most in engine 0's own queue */
    uint64_t done, done_slow;              /* streams that ended, and slower than the promise */
    double closed_s;                       /* when the ramp was last full */
    uint64_t talks, talks_good, talks_lost_first, talks_lost_later;
    uint64_t client_errors, first_attempts, retries, events;
    uint32_t total_ms[2048]; /* histogram of answered api requests, 10 ms each */
    uint64_t hash;           /* of every decision */
};

/* Runs a scenario; false if an invariant broke (said on stderr). */
bool sim_run(const struct scenario *sc, struct result *res);

struct scenario scenario_of(const struct backend *b, double load, double seconds, uint64_t seed);

/* Good requests a second of a group between two seconds. */
double good_rate(const struct result *r, int group, double from_s, double to_s);
double sum_bins(const uint32_t *bins, double from_s, double to_s);
/* Seconds after `from` until the good rate stays above `rate` for 10 s; the end if never. */
double time_to_rate(const struct result *r, double rate, double from_s, double end_s);
double inflight_cv(const struct result *r);
double percentile_ms(const uint32_t *hist, size_t n, double width_ms, double share);

#endif
