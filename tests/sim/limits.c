/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of users over many nodes, in virtual time: each node has the real quotas, the store does
 * what its script does.  Judged by every 60 s there are, against one exact counter.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "limits_store.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/decide/num.h"
#include "weir/decide/quota_fleet.h"

enum { NODES_MAX = 100, WAITING_MAX = 4096, HOT_MAX = 64, TIMES_MAX = 1 << 20, SECONDS = 240 };
#define STEP_NS   (NS_PER_MS / 4)
#define RTT_NS    (NS_PER_MS / 2)
#define TELL_NS   (50 * NS_PER_MS)
#define PERIOD_NS (250 * NS_PER_MS)
#define COUNT_NS  (NS_PER_S / 25000) /* for each node, of each count in a call */
#define DAY_NS    (24 * 3600 * NS_PER_S)

struct waits {
    uint64_t at_ns[WAITING_MAX];
    size_t n;
};

struct limited_node {
    struct quota *q;
    struct waits waits;
    bool calls;
    uint64_t answer_ns, due_ns, tell_ns, heard_ns;
    size_t n_news;
    struct quota_answer answer[QUOTA_NEWS_MAX];
};

struct limits_run {
    size_t nodes;
    uint64_t limit;
    double per_s, on_one; /* arrivals; the share that goes to one node, the rest to all */
    uint64_t pulse_ns;    /* only so long of each 65 s; 0: always */

    struct limited_node node[NODES_MAX];
    struct quota_stored stored;
    uint64_t id, hot_at_ns; /* of the count, and when it was last said to be hot */
    struct random random;
    uint64_t now_ns, calls, asked, refused;
    double waited_ms, longest_ms;
    size_t n_admitted;
    uint64_t admitted_ns[TIMES_MAX];
    size_t n_exact;
    uint64_t exact_ns[TIMES_MAX]; /* of one exact counter */
};

static const struct quota_asked user = {
    .user = 7, .class = CLASS_INTERACTIVE, .bytes = 100, .generates = false};

/* --- nodes and the store */

static void admit(struct limits_run *r, struct limited_node *n, struct quota_hold *h, uint64_t came)
{
    static const struct quota_usage none;
    double ms = (double)(r->now_ns - came) / (double)NS_PER_MS;

    WEIR_ASSERT(r->n_admitted < TIMES_MAX);
    r->admitted_ns[r->n_admitted++] = r->now_ns;
    r->waited_ms += ms;
    r->longest_ms = num_max(r->longest_ms, ms);
    quota_settle(n->q, h, &none, r->now_ns);
}

/* False: it waits. */
static bool try(struct limits_run *r, struct limited_node *n, uint64_t came)
{
    struct quota_left left[QUOTA_TOLD_COUNT];
    struct quota_refusal no;
    struct quota_hold h;

    if (quota_ask(n->q, &user, r->now_ns, &h, &no, left))
        admit(r, n, &h, came);
    else if (no.asks)
        return false;
    else
        r->refused++;
    return true;
}

static void arrive(struct limits_run *r, struct limited_node *n)
{
    r->asked++;
    if (try(r, n, r->now_ns))
        return;
    WEIR_ASSERT(n->waits.n < WAITING_MAX);
    n->waits.at_ns[n->waits.n++] = r->now_ns;
}

static void serve(struct limits_run *r, struct limited_node *n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n->waits.n; i++)
        if (!try(r, n, n->waits.at_ns[i]))
            n->waits.at_ns[kept++] = n->waits.at_ns[i];
    n->waits.n = kept;
}

static void call(struct limits_run *r, struct limited_node *n)
{
    static struct quota_news news[QUOTA_NEWS_MAX];

    for (size_t i = 0; i < n->waits.n; i++)
        quota_fleet_collect(n->q, &user, r->now_ns);
    n->n_news = quota_fleet_news(n->q, news, QUOTA_NEWS_MAX, r->now_ns);
    for (size_t i = 0; i < n->n_news; i++) {
        r->id = news[i].id;
        quota_store(&r->stored, &news[i], &n->answer[i], (uint32_t)(r->now_ns / NS_PER_MS));
        if (quota_is_hot(&news[i].limits, &n->answer[i], 0) &&
            (r->hot_at_ns == 0 || r->now_ns > r->hot_at_ns + 10 * NS_PER_S))
            r->hot_at_ns = r->now_ns;
    }
    r->calls++;
    n->calls = true;
    n->answer_ns = r->now_ns + RTT_NS;
    n->due_ns = r->now_ns + n->n_news * r->nodes * COUNT_NS;
    n->tell_ns = r->now_ns + TELL_NS;
}

/* With each call and in each period: what has become hot since it heard of that. */
static void hear(struct limits_run *r, struct limited_node *n)
{
    if (r->hot_at_ns > n->heard_ns)
        quota_fleet_note_hot(n->q, r->id, r->now_ns);
    n->heard_ns = r->now_ns;
}

static void step_node(struct limits_run *r, struct limited_node *n)
{
    if (n->calls && r->now_ns >= n->answer_ns) {
        hear(r, n);
        for (size_t i = 0; i < n->n_news; i++)
            quota_fleet_answer(n->q, i, &n->answer[i], r->now_ns);
        serve(r, n);
        quota_fleet_end(n->q);
        n->calls = false;
    }
    if (r->now_ns >= n->heard_ns + PERIOD_NS)
        hear(r, n);
    if (n->calls || r->now_ns < n->due_ns)
        return;
    if (n->waits.n > 0 || (quota_fleet_owes(n->q) && r->now_ns >= n->tell_ns))
        call(r, n);
}

/* --- one exact counter, the arrivals, the judgement */

static void arrive_exact(struct limits_run *r)
{
    size_t n = r->n_exact, most = r->limit;

    if (n >= most && r->now_ns < r->exact_ns[n - most] + 60 * NS_PER_S)
        return;
    r->exact_ns[r->n_exact++] = r->now_ns;
}

static bool pauses(const struct limits_run *r)
{
    return r->pulse_ns > 0 && r->now_ns % (65 * NS_PER_S) >= r->pulse_ns;
}

static void run(struct limits_run *r, uint64_t seed)
{
    struct quota_limits limits = {.most = {[QUOTA_REQUESTS_MINUTE] = r->limit}};
    double next_s = 0, from_s = 2 * 86400;

    r->random.state = seed;
    for (size_t i = 0; i < r->nodes; i++) {
        r->node[i].q = calloc(1, quota_bytes());
        WEIR_ASSERT(r->node[i].q != NULL);
        quota_set_rules(r->node[i].q, &limits, NULL, 0);
        quota_fleet_set(r->node[i].q, QUOTA_ASKS, (uint32_t)r->nodes, 99, 2 * DAY_NS);
    }
    for (r->now_ns = 2 * DAY_NS; r->now_ns < 2 * DAY_NS + SECONDS * NS_PER_S;
         r->now_ns += STEP_NS) {
        double now_s = num_s(r->now_ns) - from_s;

        while (next_s <= now_s) {
            size_t to = random_between(&r->random, 0, 1) < r->on_one
                            ? 0
                            : (size_t)random_between(&r->random, 0, (double)r->nodes) % r->nodes;

            next_s -= log(1 - random_between(&r->random, 0, 1)) / r->per_s;
            if (pauses(r))
                continue;
            arrive_exact(r);
            arrive(r, &r->node[to]);
        }
        for (size_t i = 0; i < r->nodes; i++)
            step_node(r, &r->node[i]);
    }
    for (size_t i = 0; i < r->nodes; i++)
        free(r->node[i].q);
}

static double most_in_a_minute(const struct limits_run *r)
{
    size_t from = 0, most = 0;

    for (size_t i = 0; i < r->n_admitted; i++) {
        while (r->admitted_ns[i] - r->admitted_ns[from] >= 60 * NS_PER_S)
            from++;
        most = i + 1 - from > most ? i + 1 - from : most;
    }
    return (double)most;
}

static unsigned bad;

static void judge(const char *what, double value, double least, double most)
{
    bool holds = value >= least && value <= most;

    bad += !holds;
    (void)printf("%s %-44s %8.3f (%.2f to %.2f)\n", holds ? "holds   " : "DOES NOT", what, value,
                 least, most);
}

static void check(size_t nodes, uint64_t limit, double times, double on_one, double pulse_s,
                  uint64_t seed)
{
    struct limits_run *r = calloc(1, sizeof *r);
    char what[100], name[140];

    WEIR_ASSERT(r != NULL);
    r->nodes = nodes;
    r->limit = limit;
    r->per_s = times * (double)limit / 60;
    r->on_one = on_one;
    r->pulse_ns = num_ns(pulse_s);
    run(r, seed);
    (void)snprintf(what, sizeof what, "N %zu, %llu a minute at %.1fx%s%s", nodes,
                   (unsigned long long)limit, times, on_one > 0 ? ", uneven" : "",
                   pulse_s > 0 ? ", in pulses" : "");
    (void)snprintf(name, sizeof name, "%s: in 60 s", what);
    judge(name, most_in_a_minute(r) / (double)limit, 0, 1.05);
    (void)snprintf(name, sizeof name, "%s: of one exact", what);
    judge(name, (double)r->n_admitted / (double)r->n_exact, 0.95, 1.05);
    if (times < 1) {
        (void)snprintf(name, sizeof name, "%s: refused", what);
        judge(name, (double)(r->refused - (r->asked - r->n_exact)), -1e9, 0);
        (void)snprintf(name, sizeof name, "%s: longest wait, ms", what);
        judge(name, r->longest_ms, 0, 5);
    }
    (void)printf("         mean wait %.3f ms, calls a node and second %.1f\n",
                 r->waited_ms / (double)r->n_admitted, (double)r->calls / (double)nodes / SECONDS);
    free(r);
}

int command_limits(uint64_t seed)
{
    static const size_t nodes[] = {1, 4, 16, 100};
    static const uint64_t limits[] = {60, 600};
    static const double times[] = {0.6, 3, 40};

    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++)
            for (size_t t = 0; t < 3; t++) {
                check(nodes[i], limits[k], times[t], 0, 0, seed);
                check(nodes[i], limits[k], times[t], 0.8, 0, seed + 1);
                check(nodes[i], limits[k], times[t], 0, 20, seed + 2);
            }
    (void)printf("sim limits: %u do not hold\n", bad);
    return bad > 0;
}
