/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_FLEET_PRIV_H
#define WEIR_FLEET_FLEET_PRIV_H

#include "link.h"
#include "script.h"
#include "weir/fleet/fleet.h"

/*
 * What the files of fleet/ share.  They call each other in one direction: fleet.c (life, what comes
 * next) above sync.c, lead.c and orders.c (one kind of call each), those above script.c and link.c.
 */
enum { MEMBERS_ASKED_MAX = 8, VERSION_MAX = 24, RECORD_MAX = 63 * 1024 };

/* Whoever asked for the members waits so long for the next answer. */
#define MEMBERS_NS (1 * NS_PER_S)

/* An order as this node knows it. */
struct known_order {
    struct fleet_order o;
    uint64_t given_ns; /* of an own one that Redis was not told yet */
    bool applied;      /* what it says holds here */
    bool told;         /* Redis had it, or a newer one, when it was last looked at */
    bool being_told;   /* as it is now: another about the same thing has not taken its place */
};

struct members_asked {
    fleet_members_fn *fn;
    void *arg;
    uint64_t until_ns;
};

/* A node that the leader read, and when it wrote, by this loop's clock. */
struct node_seen {
    uint64_t node, wrote_ns;
};

struct fleet {
    struct loop *loop;
    const struct fleet_hooks *hooks;
    void *owner;
    const struct fleet_conf *conf;
    struct link *link;
    struct loop_timer timer;
    char id[FLEET_NODE_MAX], prefix[48];
    uint64_t start, settings;
    bool has_secret;
    struct fleet_upstream upstreams[FLEET_UPSTREAMS_MAX];
    size_t n_upstreams;
    bool renewed; /* other upstreams have their indices since the call under way was sent */

    enum fleet_state state;
    uint64_t created_ns;
    uint64_t heard_ns; /* when the last sync was sent that was answered well; 0 = never */
    char error[160];
    int64_t clock_ms; /* Redis's clock less the loop's, once joined */
    uint64_t sync_due_ns, ask_due_ns, version_due_ns;
    uint32_t nodes;
    char leader[FLEET_NODE_MAX];
    bool leads, mismatch, read_due, begin_due;

    /* the call under way */
    enum fleet_call kind;
    uint64_t sent_ns;
    int asked;              /* FLEET_ASK: the upstream */
    size_t telling;         /* FLEET_ORDER: the order */
    size_t n_told, n_asked; /* FLEET_SYNC, FLEET_ASK: users */
    uint64_t leases_ns;     /* the last one that carried leases */
    bool leaving, goodbye_said, left;
    uint64_t leave_by_ns;

    char version[VERSION_MAX], version_read[VERSION_MAX]; /* of the orders */
    struct known_order *orders;
    size_t n_orders;
    /* limits.c: the next call, if one asks, or only tells; its number, and of the one unanswered */
    uint64_t limits_due_ns, limits_tell_ns, limits_hot_ns, limits_call, limits_unsure;
    size_t n_limits;
    int64_t hot_ms; /* by Redis's clock: what was hot before is known */

    bool up;                /* the link is ready, or a call is under way */
    bool unread;            /* the last reading of them got no answer */
    uint64_t orders_due_ns; /* not read again before */
    uint64_t tell_after_ns; /* none told before */

    bool heal_due;
    uint64_t heal_after_ns;

    struct members_asked members[MEMBERS_ASKED_MAX];
    size_t n_members;

    struct fleet_lease_counts leases;
    uint64_t calls[FLEET_CALL_COUNT][FLEET_RESULT_COUNT], sync_ns, rejected;
    struct node_seen seen[FLEET_NODES_MAX];
    size_t n_seen;
    struct reading *reading;                      /* NULL: none goes on */
    struct fleet_plan plans[FLEET_UPSTREAMS_MAX]; /* of the leader, on their way */
    struct script_call call;
};

/* --- fleet.c */
/* Counts a call's end; NULL unless it is an answer that can be looked at. */
const struct reply *fleet_took(struct fleet *f, const struct reply *r);
/* Something came from Redis that is none of what weir writes there. */
void fleet_reject(struct fleet *f, const char *what);
/* What to do next, if anything is due. */
void fleet_step(struct fleet *f);
/* Sends the call that was made; its answer goes to fn(reply, f).  Counted as kind. */
bool fleet_send(struct fleet *f, enum fleet_call kind, link_answer_fn *fn);
/* The number by which the rules know a node; never 0. */
uint64_t fleet_number_of(struct slice id);
/* "name" of "name.start" */
void fleet_name_of(struct slice id, char out[33]);

/* --- sync.c */
bool sync_send(struct fleet *f);
bool ask_send(struct fleet *f, int upstream);

/* --- leases.c */
/* Two words of a call: leases that are told, and those that are asked for. */
void leases_put(struct fleet *f);
/* What came back for them; NULL: nothing, or of pools that are others now. */
void leases_took(struct fleet *f, const struct reply *r);

/* --- heal.c */
/* An error of Redis's: a key may be of another type than weir's. */
void heal_note(struct fleet *f, struct slice error);
bool heal_send(struct fleet *f); /* false: nothing is to be healed, or not yet */

/* --- limits.c */
bool limits_send(struct fleet *f, uint64_t now_ns); /* false: nothing is due */

/* --- lead.c */
/* Reads all nodes, for the leader and for whoever asked for the members; the first call of it. */
bool read_send(struct fleet *f);
/* The next one; false: nothing is being read. */
bool read_on_send(struct fleet *f);
/* What has been read is forgotten. */
void read_drop(struct fleet *f);
/* Whoever asked for the members does not get them. */
void members_fail(struct fleet *f, const char *why);

/* --- plan.c */
bool plan_send(struct fleet *f); /* f->plans, those that have an epoch */

/* --- orders.c */
bool orders_send(struct fleet *f); /* reads them; false: not needed, or not possible */
bool orders_tell(struct fleet *f); /* the next one that Redis was not told */
bool orders_version_send(struct fleet *f);
/* As Redis says it now; empty: there are none. */
void orders_set_version(struct fleet *f, struct slice v);

#endif
