/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_FLEET_H
#define WEIR_FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/decide/fleet_node.h"
#include "weir/decide/lease_share.h"
#include "weir/decide/quota_fleet.h"
#include "weir/fleet/means.h"
#include "weir/fleet/shown.h"
#include "weir/net/loop.h"
#include "weir/net/resolver.h"

/*
 * This weir as a node of a fleet: what travels between the nodes, by Redis, and when.  What the
 * numbers mean is decide/fleet's; what they are applied to is flow's, which is asked and told by
 * the functions of struct fleet_hooks.  On control's loop, and of control; nobody ever waits for
 * it.
 *
 *     each period   sync: record and asks out; answers, plans, version of the orders in
 *     then          the orders, if their version is another; as leader: read, decide, plan
 *     in between    ask, where an upstream wants; an operator's command at once; what users have
 *                   used of their limits, at once where one waits for it
 */

enum {
    FLEET_UPSTREAMS_MAX = 64, /* shared ones of one weir; further ones are its own */
    FLEET_NODE_MAX = 48,      /* "name.start" and a NUL */
    FLEET_WHAT_MAX = 160,     /* "pool/upstream/topic" */
    FLEET_TEXT_MAX = 512,     /* bytes of an incident text */
    FLEET_ORDERS_MAX = 1024,
    FLEET_LOST_MAX = 64,
};
/* A node that fell silent, and is not there again, is known by name for so long. */
#define FLEET_LOST_NS (600 * NS_PER_S)
/*
 * An order that has an end ends within 30 days, whatever stands in Redis: as long as a command may
 * last (command_duration), so that what was promised at one node is so at all.
 */
#define FLEET_ORDER_MOST_NS (30 * 24 * 3600 * NS_PER_S)

/* What an order is about.  X(enumerator, "word of its key") */
#define WEIR_FLEET_TOPICS(X)                                                                       \
    X(FLEET_BREAKER, "breaker")                                                                    \
    X(FLEET_RAMP, "ramp")                                                                          \
    X(FLEET_DRAIN, "drain")                                                                        \
    X(FLEET_LIMIT, "limit")                                                                        \
    X(FLEET_MODE, "mode")                                                                          \
    X(FLEET_INCIDENT, "incident")
#define WEIR_FLEET_TOPIC_ROW(e, name) e,
enum fleet_topic { WEIR_FLEET_TOPICS(WEIR_FLEET_TOPIC_ROW) FLEET_TOPIC_COUNT };
#undef WEIR_FLEET_TOPIC_ROW
const char *fleet_topic_name(enum fleet_topic t);

/*
 * An operator's command, as it holds for the fleet: the last one about a thing takes the place of
 * the one before.  verb and value: flow's own (enum pool_command; a rule set and whether it
 * enforces; whether there is a text).
 */
struct fleet_order {
    enum fleet_topic topic;
    char pool[64], upstream[64]; /* upstream "" = of the pool */
    char node[33];               /* where it was given */
    uint32_t uid, verb;
    double value;
    char text[FLEET_TEXT_MAX + 1];
    uint64_t given_ms; /* by Redis's clock; 0 = it was not told yet */
    uint64_t ends_ns;  /* by this loop's clock; 0 = it has no end */
};

/* One node, as Redis has it. */
struct fleet_member {
    char name[33];
    uint32_t start; /* which of its starts */
    char version[24];
    uint64_t age_ns, rtt_ns, period_ns;
    uint64_t number;          /* by which plans name it */
    uint64_t settings;        /* a hash of what has to agree */
    uint64_t held, used;      /* of all upstreams */
    bool self, leads, agrees; /* its settings with this node's */
    bool differs;             /* they are others than those of the node that leads */
    bool late;                /* its news are older than they may be; it is not lost yet */
    bool told;                /* it is among the sums, and this is known: */
    enum service_state state; /* of the node */
};

/* One that was there and went without a goodbye. */
struct fleet_lost {
    char name[33];
    uint64_t age_ns; /* since it was heard last */
};

/* All of them; valid while it is handed out. */
struct fleet_members {
    const struct fleet_member *list; /* NULL: not to be had, and why */
    size_t n;
    const char *why;
    const struct fleet_lost *lost;
    size_t n_lost;
    const struct fleet_sum *sum; /* over those that have told */
};

struct fleet_setup {
    struct loop *loop;
    struct resolver *resolver;
    const struct fleet_conf *conf; /* borrowed, as means */
    const struct fleet_means *means;
    const struct fleet_hooks *hooks;
    void *owner;
};

/* A node as the leader reads it. */
struct fleet_seen {
    uint64_t node, start, age_ns;
    /* by upstream as they were set; NULL: none, or its rules are others */
    const struct fleet_record *records[FLEET_UPSTREAMS_MAX];
};

/* What a node goes by when it asks; counts in Redis as long as no plan is there. */
struct fleet_basis {
    uint64_t epoch;
    uint32_t total, held;
    double pending;
};

/*
 * What one call carries of leases (decide/pool_leases.h): those given here, and users who wait.
 * They are known by hashes under a key that all nodes have, and nobody else.
 */
struct fleet_leases {
    struct fleet_lease {
        uint64_t key, left_ns;
    } told[LEASE_SHARE_TOLD];
    uint64_t asked[LEASE_SHARE_ASKED];
    size_t n_told, n_asked;
};

/* OFF: nothing is limited, or by each node for itself. */
enum fleet_limits_want { FLEET_LIMITS_OFF, FLEET_LIMITS_IDLE, FLEET_LIMITS_TELL, FLEET_LIMITS_ASK };

struct fleet_hooks {
    /* The state changed; sentence: for log and events. */
    void (*on_state)(enum fleet_state state, const char *sentence, void *owner);
    /* Who leads changed (self: this node), or the settings do (not) agree with the leader's. */
    void (*on_leader)(bool self, const char *node, void *owner);
    void (*on_mismatch)(bool mismatch, const char *node, void *owner);
    /* An order that is new to this node.  False: it concerns nothing that is known here. */
    bool (*on_order)(const struct fleet_order *o, void *owner);

    /* Of a shared upstream: what is reported, if r is not NULL; what is asked for. */
    void (*ask)(size_t upstream, struct fleet_record *r, struct fleet_ask *a, struct fleet_basis *b,
                void *owner);
    void (*answer)(size_t upstream, const struct fleet_answer *a, void *owner); /* NULL: none */
    /* A plan newer than what ask said, made age_ns ago. */
    void (*plan)(size_t upstream, const struct fleet_plan *p, uint64_t age_ns, void *owner);
    /* The upstream for which an ask would help now, -1 = none. */
    int (*wants)(void *owner);
    /* What this node tells the others for people to see; borrowed until the next call. */
    const struct fleet_shown *(*shown)(void *owner);

    /* Fills in l for a call, no more than rooms. */
    void (*leases)(struct fleet_leases *l, struct lease_rooms rooms, void *owner);
    /* How long each that was asked for lasts, 0 = there is none; NULL: no answer came. */
    void (*leases_answer)(const uint64_t *left_ns, void *owner);

    /*
     * Limits: what a call would be for; what it says, as many counts as there are, `max` at most;
     * what is answered, by the same indices (NULL: nothing), always once; and of which counts all
     * nodes are told that little is left.
     */
    enum fleet_limits_want (*limits_want)(void *owner);
    size_t (*limits_news)(struct quota_news *out, size_t max, void *owner);
    void (*limits_answers)(const struct quota_answer *const *list, size_t n, void *owner);
    void (*limits_hot)(uint64_t id, void *owner);

    /* As leader: begin, then each period the nodes and after them decide, which fills in the plans.
     */
    void (*lead_begin)(uint32_t left, void *owner); /* so many have just gone in good order */
    void (*lead_hear)(const struct fleet_seen *s, void *owner);
    void (*lead_goodbye)(uint64_t node, void *owner); /* it went in good order */
    void (*lead_decide)(struct fleet_plan *plans, void *owner);
};

struct fleet;
/* Joined, and Redis can be asked: whoever waits for an answer will get one. */
bool fleet_answers(const struct fleet *f);
/* How many nodes there are, or were when that was last known. */
uint32_t fleet_nodes(const struct fleet *f);
/* Something has changed that a call may be for: looks at once, not some milliseconds later. */
void fleet_look(struct fleet *f);

/* NULL: no memory. */
struct fleet *fleet_create(const struct fleet_setup *s);
/* Without a goodbye (fleet_leave). NULL is fine. */
void fleet_destroy(struct fleet **f);

/* This node's number, by which plans name it; never 0. */
uint64_t fleet_self(const struct fleet *f);

/*
 * A shared upstream, "pool/upstream"; rules: a hash of the settings that have to agree for it to be
 * pooled.
 */
struct fleet_upstream {
    char name[130];
    uint64_t rules;
    uint32_t max_streams;
};
/*
 * All of them; settings: a hash of what has to agree on all nodes.  Copied.  Plans, asks and
 * answers are by these indices.  Orders that concerned nothing before are looked at again.
 */
void fleet_set_upstreams(struct fleet *f, const struct fleet_upstream *list, size_t n,
                         uint64_t settings);

/*
 * Tells the fleet of a command that this node has carried out; now, or when Redis can be reached
 * again, if none newer is there then.  False: there is no room for it.
 */
bool fleet_publish(struct fleet *f, const struct fleet_order *o);

/*
 * All nodes, as Redis has them now: fn is called once, later, from the loop.  False: too many have
 * asked already, and fn is not called.
 */
typedef void fleet_members_fn(const struct fleet_members *m, void *arg);
bool fleet_members(struct fleet *f, fleet_members_fn *fn, void *arg);

/* Says goodbye; fleet_has_left when that is done, or was of no use, half a second later at most. */
void fleet_leave(struct fleet *f);
bool fleet_has_left(const struct fleet *f);

/* What can be seen of it without asking. */
enum fleet_call {
    FLEET_SYNC,
    FLEET_ASK,
    FLEET_READ,
    FLEET_PLAN,
    FLEET_ORDERS,
    FLEET_ORDER,
    FLEET_HEAL,
    FLEET_USERS,
    FLEET_CALL_COUNT
};
enum fleet_result { FLEET_ANSWERED, FLEET_ERROR, FLEET_NO_ANSWER, FLEET_RESULT_COUNT };
const char *fleet_state_name(enum fleet_state s);
const char *fleet_call_name(enum fleet_call c);
const char *fleet_result_name(enum fleet_result r);

/* Leases so far: told and asked for in calls that were answered; found: of the latter. */
struct fleet_lease_counts {
    uint64_t told, asked, found;
};

struct fleet_view {
    enum fleet_state state;
    const char *name, *node;
    char leader[33]; /* "" = not known */
    bool leads, mismatch;
    bool has_secret;                         /* else limits are each node's own */
    uint32_t nodes;                          /* alive, this one included; as last known */
    uint64_t sync_age_ns, rtt_ns, period_ns; /* age UINT64_MAX: never */
    const char *error;                       /* why it does not work now; "" = it does */
    uint64_t calls[FLEET_CALL_COUNT][FLEET_RESULT_COUNT], sync_ns; /* sums since the start */
    struct fleet_lease_counts leases;
    uint64_t rejected, connects; /* what came from Redis and was not taken; tries to connect */
};
void fleet_view(const struct fleet *f, struct fleet_view *v);

#endif
