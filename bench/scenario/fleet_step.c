/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of scenarios about a fleet.  Pure. */
#include "bench/scenario/fleet_step.h"

#include <stdio.h>

#include "bench/common/units.h"
#include "weir/base/text.h"

static const struct {
    const char *word;
    enum fleet_verb verb;
} node_verbs[] = {{"kill", FLEET_NODE_KILL},
                  {"stop", FLEET_NODE_STOP},
                  {"start", FLEET_NODE_START}},
  redis_verbs[] = {{"kill", FLEET_REDIS_KILL},
                   {"start", FLEET_REDIS_START},
                   {"hang", FLEET_REDIS_HANG},
                   {"go on", FLEET_REDIS_GO_ON},
                   {"empty", FLEET_REDIS_EMPTY}};

enum weir_status fleet_weights_parse(struct slice s, double out[FLEET_NODES_MAX])
{
    double w[FLEET_NODES_MAX];
    size_t n = 0;

    for (s = slice_trim(s); s.len > 0 && n < FLEET_NODES_MAX; n++) {
        if (real_parse(next_word(&s), &w[n]) != WEIR_OK)
            return WEIR_BAD;
    }
    if (s.len > 0 || n == 0)
        return WEIR_BAD;
    while (n < FLEET_NODES_MAX)
        w[n++] = 1;
    memcpy(out, w, sizeof w);
    return WEIR_OK;
}

static enum weir_status wrong(struct slice line, char *why, size_t why_size)
{
    (void)snprintf(why, why_size,
                   "'%.*s': wanted kill N, stop N, start N, weights W1 W2 ..., or redis and one of "
                   "kill, start, hang, go on, empty",
                   (int)line.len, line.p);
    return WEIR_BAD;
}

static bool find_redis_verb(struct slice what, enum fleet_verb *out)
{
    for (size_t i = 0; i < sizeof redis_verbs / sizeof redis_verbs[0]; i++) {
        if (slice_eq(what, slice_str(redis_verbs[i].word))) {
            *out = redis_verbs[i].verb;
            return true;
        }
    }
    return false;
}

static bool find_node_verb(struct slice what, struct slice node, struct fleet_step *out)
{
    uint64_t n;

    for (size_t i = 0; i < sizeof node_verbs / sizeof node_verbs[0]; i++) {
        if (slice_eq(what, slice_str(node_verbs[i].word)) &&
            parse_u64(node, FLEET_NODES_MAX, &n) == WEIR_OK && n > 0) {
            *out = (struct fleet_step){.verb = node_verbs[i].verb, .node = (size_t)n - 1};
            return true;
        }
    }
    return false;
}

enum weir_status fleet_step_parse(struct slice line, struct fleet_step *out, char *why,
                                  size_t why_size)
{
    struct slice rest = slice_trim(line), what = next_word(&rest);
    struct fleet_step s = {0};

    rest = slice_trim(rest);
    if (slice_eq(what, SLICE_LIT("weights"))) {
        s.verb = FLEET_WEIGHTS;
        if (fleet_weights_parse(rest, s.weights) != WEIR_OK)
            return wrong(line, why, why_size);
    } else if (slice_eq(what, SLICE_LIT("redis"))) {
        if (!find_redis_verb(rest, &s.verb))
            return wrong(line, why, why_size);
    } else if (what.len > 0 && !find_node_verb(what, rest, &s)) {
        return wrong(line, why, why_size);
    }
    *out = s;
    return WEIR_OK;
}
