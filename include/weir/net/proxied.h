/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_PROXIED_H
#define WEIR_NET_PROXIED_H

#include "weir/net/addr.h"

/*
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, 2.1 and 2.2): what a proxy
 * says, before anything else, of the connection it passes on.  Strict and bounded.  Pure.
 */
enum {
    PROXIED_MAX = 2048,       /* longest header taken, its TLVs included */
    PROXIED_WRITTEN_MAX = 107 /* longest header written */
};

struct proxied {
    bool named; /* it names a client; false: LOCAL, UNKNOWN or no address: the peer is the client */
    struct net_addr client;
};

/*
 * Reads the header at the start of `in`.  WEIR_OK: *used bytes were the header.  WEIR_AGAIN: every
 * byte of `in` is part of the header, and more are to come.  WEIR_BAD: it is none.
 */
enum weir_status proxied_read(struct slice in, struct proxied *out, size_t *used) WEIR_MUST_CHECK;

/*
 * Writes the header that says a connection is passed on for `client`, who reached weir at `at`
 * (2.1: the destination); returns its length.  version: 1 or 2.  A client that has no IP address
 * (a unix socket), and NULL (weir speaks for itself), make it UNKNOWN or LOCAL.  IPv4 inside IPv6
 * is written as IPv4; where `at` is of another family, the unspecified address stands for it.
 */
size_t proxied_write(int version, const struct net_addr *client, const struct net_addr *at,
                     char to[PROXIED_WRITTEN_MAX]);

#endif
