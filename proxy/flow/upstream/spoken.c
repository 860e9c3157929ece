/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol towards upstreams: what a connection begins with, and whom it then speaks for.
 * On the worker's thread.
 */
#include "client/client.h"
#include "upstream/upstream_priv.h"

/* As the header names it: IPv4 inside IPv6 is IPv4, and scopes are not said. */
struct spoken_for spoken_for_client(const struct upstream_target *t)
{
    struct spoken_for s = {.kind = AF_UNIX};
    struct net_addr a = *t->client;

    net_addr_unmap(&a);
    if (a.u.sa.sa_family == AF_INET) {
        s.kind = AF_INET;
        s.port = a.u.in.sin_port;
        memcpy(s.ip, &a.u.in.sin_addr, 4);
    } else if (a.u.sa.sa_family == AF_INET6) {
        s.kind = AF_INET6;
        s.port = a.u.in6.sin6_port;
        memcpy(s.ip, &a.u.in6.sin6_addr, 16);
    }
    return s;
}

size_t spoken_first_bytes(const struct upstream_target *t, char to[PROXIED_WRITTEN_MAX])
{
    enum upstream_proxy version = t->upstream->conf->proxy_protocol;
    struct net_addr at;

    if (version == UPSTREAM_PROXY_OFF)
        return 0;
    client_local(t->reached, &at);
    return proxied_write((int)version, t->client, &at, to);
}
