/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_MEANS_H
#define WEIR_FLEET_MEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/hash.h"
#include "weir/conf/settings.h"

/*
 * How Redis is reached: its URL taken apart, the password as read from its file, TLS; and the
 * secret that the nodes share.  Made where files can still be read (at the start before privileges
 * are dropped, and by a reload); immutable afterwards, and of the snapshot.
 */
struct tls_client;

enum { FLEET_PASSWORD_MAX = 512, FLEET_HOSTS_MAX = 8, FLEET_SECRET_MIN = 32 };

struct fleet_host {
    char name[256]; /* or an address without brackets; the path of a unix socket */
    uint16_t port;
};

struct fleet_means {
    struct fleet_host
        hosts[FLEET_HOSTS_MAX]; /* of Redis, or of the Sentinels that know where it is */
    size_t n_hosts;
    bool unix_path;
    char master[64]; /* as the Sentinels call it; "" = there are none */
    bool cluster;    /* whoever has the slot is found by MOVED */
    char user[64];   /* "" = Redis's default user */
    char database[8];
    bool has_password;
    char password[FLEET_PASSWORD_MAX + 1];
    bool has_secret;
    struct hash_key secret; /* made of the file; equal on all nodes that have the same one */
    struct tls_client *tls; /* NULL: plain */
    bool in_clear;          /* no TLS, and not on this machine */
};

/* NULL and a sentence part in why: a file that cannot be used, no memory.  c->redis is not "". */
struct fleet_means *fleet_means_create(const struct fleet_conf *c, char *why, size_t room);
/* Wipes the password and the secret.  NULL is fine. */
void fleet_means_destroy(struct fleet_means **m);
/*
 * The key of a hash that means the same on all nodes, and nothing to whoever reads it in Redis; a
 * different one for each purpose ("users").  m->has_secret.
 */
struct hash_key fleet_means_key(const struct fleet_means *m, const char *purpose);
/* Would a connection made by either be the same, and what is said over it? */
bool fleet_means_equal(const struct fleet_conf *a, const struct fleet_means *am,
                       const struct fleet_conf *b, const struct fleet_means *bm);

#endif
