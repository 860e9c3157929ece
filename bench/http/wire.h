/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_WIRE_H
#define BENCH_HTTP_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/common/units.h"

/*
 * The client's end of a connection, plain or TLS: non-blocking, nothing buffered.  The owner waits
 * for readiness as told and calls again.
 */
struct wire {
    int fd; /* -1 is none */
    SSL *ssl;
    bool ready; /* connected, handshake done */
};

/* A client context; ca NULL is the system's, insecure verifies nothing.  NULL: ca unreadable. */
SSL_CTX *wire_tls_context(const char *ca, bool insecure);

/* Begins to connect.  tls NULL is plain; name is what SNI and the certificate are about. */
enum weir_status wire_connect(struct wire *w, const struct address *a, SSL_CTX *tls,
                              const char *name) WEIR_MUST_CHECK;

/*
 * Goes on with connecting: WEIR_OK when ready; WEIR_AGAIN with *want_write telling for what to
 * wait; WEIR_REFUSED, WEIR_TIMEOUT, WEIR_RESET, WEIR_TLS, WEIR_SYS.
 */
enum weir_status wire_go_on(struct wire *w, bool *want_write) WEIR_MUST_CHECK;

/* *n bytes read or written, at least one; WEIR_AGAIN, WEIR_CLOSED, WEIR_RESET, WEIR_TLS. */
enum weir_status wire_read(struct wire *w, void *at, size_t room, size_t *n) WEIR_MUST_CHECK;
enum weir_status wire_write(struct wire *w, const void *at, size_t len, size_t *n) WEIR_MUST_CHECK;

/* Bytes that TLS has decrypted and no readiness will announce. */
bool wire_has_more(const struct wire *w);

void wire_close(struct wire *w);

#endif
