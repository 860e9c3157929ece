/* SPDX-License-Identifier: Apache-2.0 */
/* The most memory the settings allow: every bound added up, as if all were reached at once. */
#include <stdio.h>

#include "client/client.h"
#include "exchange/exchange.h"
#include "upstream/upstream.h"
#include "weir/flow/run.h"
#include "worker/worker_priv.h"

enum { CONN_BYTES = 512 };

static uint64_t per_request(const struct settings *s)
{
    uint64_t objects = clients_bytes() + exchange_bytes() + upstream_bytes() + 2 * CONN_BYTES;
    uint64_t input = s->limits.head + s->limits.response_head;
    uint64_t bodies = 2 * (uint64_t)s->limits.buffer;

    return objects + input + bodies;
}

uint64_t flow_memory_ceiling(const struct settings *s, char *text, size_t room)
{
    uint64_t connections = worker_sessions_max((int)s->workers) * (uint64_t)s->workers;
    uint64_t each = per_request(s);
    uint64_t workers = s->workers * (sizeof(struct worker) + 2 * SCRATCH_BYTES + LINES_BYTES +
                                     RECORD_BLOCKS * sizeof(struct record_block));
    uint64_t why = (uint64_t)s->why_entries * sizeof(struct request_record);
    uint64_t pools = 0;

    for (size_t i = 0; i < s->n_pools; i++)
        pools += pool_bytes(POOL_UPSTREAMS_MAX);
    (void)snprintf(text, room,
                   "%llu client connections of at most %llu KiB each, %llu MiB for workers, pools "
                   "and the memory of decisions",
                   (unsigned long long)connections, (unsigned long long)(each >> 10),
                   (unsigned long long)((workers + why + pools) >> 20));
    return connections * each + workers + why + pools;
}
