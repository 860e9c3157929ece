/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor looks for at an upstream.  Pure. */
#include <math.h>
#include <stdio.h>

#include "doctor/doctor.h"
#include "weir/admin/human.h"

enum { GAPS_LEAST = 1000, FIRSTS_LEAST = 100, ANSWERS_LEAST = 10 };

/* Whole seconds, three times what was seen. */
static double generous_s(double ms)
{
    return ceil(3 * ms / 1000);
}

/* Gaps longer than the setting are never seen: half of it is near. */
bool doctor_stall(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;
    char gap[HUMAN_MAX], stall[HUMAN_MAX];

    if (u->gaps < GAPS_LEAST || u->gap_ms < u->stall_ms / 2)
        return false;
    SEEN(f,
         "one gap in a thousand between events is longer than %s, timeouts.stall is %s; "
         "%llu streams were given up",
         human_ms(gap, u->gap_ms), human_ms(stall, u->stall_ms), (unsigned long long)u->stalled);
    ACT(f, "set timeouts.stall = \"%.0fs\"", generous_s(u->gap_ms));
    return true;
}

bool doctor_first_token(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;
    char first[HUMAN_MAX], most[HUMAN_MAX];

    if (u->firsts < FIRSTS_LEAST || u->first_ms < 0.7 * u->first_token_ms)
        return false;
    SEEN(f, "one good first token in a hundred takes longer than %s, timeouts.first_token is %s",
         human_ms(first, u->first_ms), human_ms(most, u->first_token_ms));
    ACT(f, "set timeouts.first_token = \"%.0fs\"", generous_s(u->first_ms));
    return true;
}

bool doctor_pace(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;
    char now[HUMAN_MAX], target[HUMAN_MAX];

    if (u->pace_is_set || u->streams < 2 || u->pace_target_ms <= 0 ||
        u->pace_ms < 1.2 * u->pace_target_ms)
        return false;
    SEEN(f, "streams have %s between events, the target learnt is %s", human_ms(now, u->pace_ms),
         human_ms(target, u->pace_target_ms));
    ACT(f, "set limiter.pace_target to what users are promised, such as \"%.0fms\"",
        ceil(u->pace_target_ms));
    return true;
}

bool doctor_check_fails(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;

    if (u->check[0] == '\0' || u->ok < ANSWERS_LEAST || u->bad * 10 > u->ok)
        return false;
    SEEN(f, "the health check of %.80s fails (%.80s) while %u of %u answers are well",
         u->check_path, u->check, u->ok, u->ok + u->bad);
    ACT(f, "see what the check asks: health.path, health.headers, health.status, health.timeout");
    return true;
}

bool doctor_check_blind(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;

    if (u->check_path[0] == '\0' || u->check[0] != '\0' || u->ok + u->bad < ANSWERS_LEAST ||
        u->bad < u->ok)
        return false;
    SEEN(f, "the health check of %.80s passes while %u of %u answers fail", u->check_path, u->bad,
         u->ok + u->bad);
    ACT(f, "choose a health.path that is well only when the model answers");
    return true;
}

/* The most streams are open, others wait, and the upstream is not even slow. */
bool doctor_max_streams(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;
    bool is_slow = u->pace_target_ms > 0 && u->pace_ms > u->pace_target_ms;

    if (u->inflight < u->max_streams || u->waiting == 0 || u->bad > 0 || is_slow)
        return false;
    SEEN(f, "%u of max_streams = %u are open, %u requests wait, and the upstream shows no strain",
         u->inflight, u->max_streams, u->waiting);
    ACT(f, "raise max_streams to %u, or take it out: the limit is learnt", 2 * u->max_streams);
    return true;
}

/* Only where somebody chose a number. */
bool doctor_limit(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;
    bool is_default = u->max_streams >= 4096;

    if (is_default || u->waiting == 0 || u->inflight < 0.8 * u->limit ||
        u->limit > u->max_streams / 4.0)
        return false;
    SEEN(f, "requests wait at a learnt limit of %.0f, max_streams is %u", u->limit, u->max_streams);
    ACT(f, "see weirctl upstreams %s/%s for what holds it: first tokens, pace or failures", u->pool,
        u->name);
    return true;
}

bool doctor_twin(const struct doctor_numbers *n, struct finding *f)
{
    const struct doctor_upstream *u = n->upstream;

    if (u->twin == NULL)
        return false;
    SEEN(f, "it has the addresses of upstream %s (%.120s)", u->twin, u->addresses);
    ACT(f, "take one of the two out, or give each its own host and port");
    return true;
}
