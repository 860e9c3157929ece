/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_GATE_H
#define WEIR_FLOW_GATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "weir/decide/pool.h"
#include "weir/net/loop.h"

/*
 * The gate: the decisions of one pool behind one lock.
 *
 *   - everything in the pool is read and written under `lock`, by any thread;
 *   - nothing that waits, allocates, does I/O or calls back happens under it: woken requests are
 *     collected under it and posted to their loops after it;
 *   - a ticket is held by exactly one exchange and given back exactly once (gate_end);
 *   - time never goes back in a pool, though each thread brings its own: the later one counts.
 */
struct gate;

struct ticket {
    struct pool_request r;
    struct loop *loop;        /* of the exchange */
    struct loop_message wake; /* under way from the gate when `woken` */
    bool posted;              /* the gate's, under its lock: wake is or will be under way */
};

/* What a gate is told of the settings, which it copies; limits are borrowed for the call. */
struct gate_rules {
    const struct decide_conf *conf;
    const struct quota_rule *limits;
    size_t n_limits;
};

/*
 * Rung by whoever has asked for what the fleet must say of a limit: the message is posted to the
 * loop, which stops the ringing when it looks.  Lives as long as the gates that have it.
 */
struct gate_bell {
    struct loop *loop;
    struct loop_message message;
    _Atomic bool rings;
};

/* ids[i] is how upstream i is known again (pool_name). */
struct gate *gate_create(const struct gate_rules *rules, const uint32_t *ids,
                         const uint32_t *max_streams, size_t n, uint64_t now_ns);
/* Memory to count by these rules, if they limit anything; false: there is none. */
bool gate_reserve(struct gate *g, const struct gate_rules *rules);
/* A gate is shared by the snapshots of successive settings; the last one to release it frees it. */
void gate_ref(struct gate *g);
void gate_unref(struct gate **g);
/* pool_set_limits, and with gate_set_members pool_set_members as well.  After gate_reserve. */
void gate_set_limits(struct gate *g, const struct gate_rules *rules);
void gate_set_members(struct gate *g, const struct gate_rules *rules, const struct pool_member *m,
                      size_t n, uint64_t now_ns);

/*
 * The pool_* calls of the same names, under the lock.  A QUEUED ticket is decided later: its wake
 * message is delivered once, with r.state SENT or ENDED.
 */
enum pool_verdict gate_ask(struct gate *g, struct ticket *t, uint64_t now_ns);
/* pool_refuse_shut; costs no lock while the pool is not shut, which the last tick has found out. */
bool gate_refuses_all(struct gate *g, struct ticket *t, uint64_t now_ns);
void gate_first(struct gate *g, struct ticket *t, uint64_t now_ns);
void gate_uploaded(struct gate *g, struct ticket *t, uint64_t now_ns);
void gate_set_stream(struct gate *g, struct ticket *t, bool stream);
void gate_end(struct gate *g, struct ticket *t, const struct pool_report *rep, uint64_t now_ns);
enum pool_verdict gate_retry(struct gate *g, struct ticket *t, const struct pool_report *rep,
                             uint64_t now_ns);
/* True: the ticket is free.  False: its wake is under way; it is ENDED or SENT when that arrives.
 */
bool gate_leave(struct gate *g, struct ticket *t, uint64_t now_ns);
/*
 * The message has come that it may go, and it does not: nothing was sent, nothing is said of the
 * upstream, and nothing is charged.
 */
void gate_give_back(struct gate *g, struct ticket *t, uint64_t now_ns);
/* Over all workers, since the start, by place. */
struct gate_counts {
    uint64_t events[POOL_UPSTREAMS_MAX], signs[POOL_UPSTREAMS_MAX], gaps_ns[POOL_UPSTREAMS_MAX];
};
/* pool_signs, pool_gaps and pool_tick. */
void gate_tick(struct gate *g, const struct gate_counts *c, uint64_t now_ns);

/* Refuses what has waited too long. */
void gate_expire(struct gate *g, uint64_t now_ns);

/* NULL: nobody answers. */
void gate_set_bell(struct gate *g, struct gate_bell *b);

/* For control: the pool itself, between lock and unlock (which posts what was woken). */
struct pool *gate_lock(struct gate *g);
struct pool *gate_pool(struct gate *g); /* while locked */
void gate_unlock(struct gate *g);

#endif
