/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts are shared by all workers: several loops, each on its thread, handshake at once. */
#include <pthread.h>

#include "tls_test.h"

enum { THREADS = 3, HANDSHAKES = 12 };

struct worker {
    struct tls_server *server;
    struct tls_client *client;
    int resumed;
};

static void *handshake_often(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < HANDSHAKES; i++) {
        struct tls_pair_of p;
        char byte;
        size_t n;

        tls_open(&p, w->server, w->client);
        tls_settle(&p);
        cr_assert(tls_both_open(&p), "%s | %s", p.client_seen.why, p.server_seen.why);
        cr_assert_eq(conn_read(p.client, &byte, 1, &n), WEIR_AGAIN, "this reads the tickets");
        w->resumed += SSL_session_reused(p.client->tls->ssl);
        tls_close(&p);
    }
    return NULL;
}

Test(tls_threads, share_contexts_tickets_and_sessions)
{
    struct keys keys;
    struct worker w[THREADS];
    pthread_t thread[THREADS];
    int resumed = 0;

    keys_make(&keys);
    w[0].server = must_serve(&(struct tls_server_conf){.first = {keys.a.file, keys.a.key_file}});
    w[0].client = must_trust(&keys, "a.example");
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct worker){w[0].server, w[0].client, 0};
        cr_assert_eq(pthread_create(&thread[i], NULL, handshake_often, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_join(thread[i], NULL), 0);
        resumed += w[i].resumed;
    }
    cr_assert_geq(resumed, THREADS * (HANDSHAKES - 1));
    tls_server_release(&w[0].server);
    tls_client_release(&w[0].client);
    keys_forget(&keys);
}
