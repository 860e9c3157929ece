/* SPDX-License-Identifier: Apache-2.0 */
/* The most memory the settings allow: every bound added up, as if all were reached at once. */
#include <stdio.h>
#include <unistd.h>

#include "client/client.h"
#include "exchange/exchange.h"
#include "h2/memory.h"
#include "upstream/upstream.h"
#include "weir/flow/run.h"
#include "worker/worker_priv.h"

enum {
    CONN_BYTES = 512,
    H2_WINDOW = 64 * 1024,           /* of a stream, at least */
    H2_BYTES = 48 * 1024,            /* of a connection: compression tables, frames */
    TLS_BYTES = 96 * 1024,           /* one side of a connection: records, keys, what waits */
    ADMIN_BYTES = 32 * 1024 * 1024,  /* answers of the admin side while they are read */
    PROGRAM_BYTES = 48 * 1024 * 1024 /* code, libraries, tables, logs */
};

static bool has_tls(const struct settings *s)
{
    bool tls = false;

    for (size_t i = 0; i < s->n_listeners; i++)
        tls |= s->listeners[i].tls;
    for (size_t k = 0; k < s->n_pools; k++) {
        for (size_t i = 0; i < s->pools[k].n_upstreams; i++)
            tls |= strncmp(s->pools[k].upstreams[i].url, "https:", 6) == 0;
    }
    return tls;
}

static uint64_t per_request(const struct settings *s)
{
    uint64_t objects = clients_bytes() + exchange_bytes() + upstream_bytes() + 2 * CONN_BYTES;
    uint64_t input = s->limits.head + SCRATCH_BYTES + s->limits.response_head;
    uint64_t bodies = 2 * (uint64_t)s->limits.buffer + 2 * SCRATCH_BYTES;

    return objects + input + bodies + (has_tls(s) ? 2 * TLS_BYTES : 0);
}

static bool has_http2(const struct settings *s)
{
    bool http2 = false;

    for (size_t i = 0; i < s->n_listeners; i++) {
        const struct listener_conf *l = &s->listeners[i];

        http2 |= l->http2 == LISTENER_HTTP2_CLEAR || (l->tls && l->http2 == LISTENER_HTTP2_AUTO);
    }
    return http2;
}

/*
 * HTTP/2 carries further requests on a connection, in all as many as there may be connections: what
 * comes while the exchange takes none is bounded by the stream's window, what goes by the buffer.
 */
static uint64_t per_stream(const struct settings *s)
{
    uint64_t window = s->limits.buffer > H2_WINDOW ? s->limits.buffer : H2_WINDOW;

    if (!has_http2(s))
        return 0;
    return clients_stream_bytes() + exchange_bytes() + upstream_bytes() + CONN_BYTES + H2_BYTES +
           s->limits.response_head + window + 2 * (uint64_t)s->limits.buffer + 2 * SCRATCH_BYTES;
}

static uint64_t per_pool(const struct pool_conf *p)
{
    uint64_t counts = quota_is_needed(&p->decide.users.limits, p->n_limits) ? quota_bytes() : 0;

    return pool_bytes(POOL_UPSTREAMS_MAX) + counts;
}

/* Three quarters of the memory the machine has. */
static uint64_t machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages <= 0 || size <= 0 ? UINT64_MAX : (uint64_t)pages * (uint64_t)size / 4 * 3;
}

uint64_t flow_memory_ceiling(const struct settings *s, char *text, size_t room)
{
    uint64_t connections = worker_sessions_max(s) * (uint64_t)s->workers;
    uint64_t each = per_request(s) + per_stream(s);
    uint64_t workers = s->workers * (sizeof(struct worker) + 2 * SCRATCH_BYTES + LINES_BYTES +
                                     RECORD_BLOCKS * sizeof(struct record_block) +
                                     2 * s->limits.spool + /* a buffer may be half empty */
                                     2 * H2_RESERVE_BYTES);
    uint64_t why = (uint64_t)s->admin.why_entries * sizeof(struct request_record);
    uint64_t pools = 0, sum, most;

    for (size_t i = 0; i < s->n_pools; i++)
        pools += per_pool(&s->pools[i]);
    sum = connections * each + workers + why + pools + ADMIN_BYTES + PROGRAM_BYTES;
    most = s->limits.memory != 0 ? s->limits.memory : sum < machine() ? sum : machine();
    (void)snprintf(text, room,
                   "%llu client connections of at most %llu KiB each, %llu MiB for workers, pools, "
                   "logs, the admin side and the memory of decisions%s",
                   (unsigned long long)connections, (unsigned long long)(each >> 10),
                   (unsigned long long)((sum - connections * each) >> 20),
                   most < sum ? "; near the limit nothing new is taken" : "");
    return most;
}
