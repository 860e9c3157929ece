/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_ADDR_H
#define WEIR_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"

/* A socket address: IPv4, IPv6 or a unix path. */
struct net_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } u;
    socklen_t len;
};

/*
 * Numeric only: "127.0.0.1:8080", "[::1]:8080", "unix:/path", "0.0.0.0:80".  WEIR_BAD for anything
 * else (a name needs the resolver).
 */
enum weir_status net_addr_parse(struct slice text, struct net_addr *out) WEIR_MUST_CHECK;

/* From a numeric host without brackets; WEIR_BAD for a name. */
enum weir_status net_addr_make(struct slice host, uint16_t port,
                               struct net_addr *out) WEIR_MUST_CHECK;

#define NET_ADDR_TEXT_MAX 128
/* As parsed; "unix:" for an unnamed unix peer. */
void net_addr_format(const struct net_addr *a, char out[NET_ADDR_TEXT_MAX]);
/* Without the port; "unix" for unix sockets. */
void net_addr_format_host(const struct net_addr *a, char out[NET_ADDR_TEXT_MAX]);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);

/* An IPv4 address that stands in an IPv6 one (::ffff:192.0.2.7, RFC 4291 2.5.5.2) becomes IPv4. */
void net_addr_unmap(struct net_addr *a);

/* CIDR blocks: "10.0.0.0/8", "::1/128", "192.0.2.7" (one host). */
struct net_block {
    uint8_t bytes[16];
    int family; /* AF_INET or AF_INET6; v4-mapped v6 peers match v4 blocks */
    int bits;
};
enum weir_status net_block_parse(struct slice text, struct net_block *out) WEIR_MUST_CHECK;
bool net_block_holds(const struct net_block *b, const struct net_addr *a);

/* "http://host:port", "https://host", "unix:/path" */
struct net_url {
    bool tls;
    bool unix_path;
    char host[256]; /* name or numeric address without brackets; the path of a unix socket */
    uint16_t port;  /* 80 or 443 when the URL has none */
};
/* WEIR_BAD with *why (static) for anything else, also for a URL with a path other than "/". */
enum weir_status net_url_parse(struct slice text, struct net_url *out,
                               const char **why) WEIR_MUST_CHECK;

#endif
