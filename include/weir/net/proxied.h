/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_NET_PROXIED_H
#define WEIR_NET_PROXIED_H

#include "weir/net/addr.h"

/*
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, 2.1 and 2.2): what a proxy
 * says, before anything else, of the connection it passes on.  Strict and bounded.  Pure.
 */
enum { PROXIED_MAX = 2048 }; /* longest header taken, its TLVs included */

struct proxied {
    bool named; /* it names a client; false: LOCAL, UNKNOWN or no address: the peer is the client */
    struct net_addr client;
};

/*
 * Reads the header at the start of `in`.  WEIR_OK: *used bytes were the header.  WEIR_AGAIN: every
 * byte of `in` is part of the header, and more are to come.  WEIR_BAD: it is none.
 */
enum weir_status proxied_read(struct slice in, struct proxied *out, size_t *used) WEIR_MUST_CHECK;

#endif
