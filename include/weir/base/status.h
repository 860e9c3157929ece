/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_STATUS_H
#define WEIR_BASE_STATUS_H

/*
 * What a call that can fail returns.  Only for things that can happen (a peer, a file, the kernel);
 * what cannot happen is WEIR_ASSERT, what we decided ourselves is a cause (words.h).
 * On anything but WEIR_OK the outputs of the call are untouched unless its contract says otherwise.
 */
enum weir_status {
    WEIR_OK = 0,
    WEIR_AGAIN,     /* would block: wait for readiness, then call again */
    WEIR_CLOSED,    /* the peer ended its side in order */
    WEIR_RESET,     /* the peer broke the connection */
    WEIR_TIMEOUT,   /* a deadline passed */
    WEIR_REFUSED,   /* the peer or the kernel said no */
    WEIR_NO_MEMORY, /* an allocation failed or a pool is empty */
    WEIR_LIMIT,     /* a bound of ours was reached */
    WEIR_BAD,       /* malformed input */
    WEIR_NOT_FOUND,
    WEIR_TLS, /* the TLS layer failed (handshake, certificate, alert) */
    WEIR_DNS, /* a name could not be resolved */
    WEIR_SYS, /* any other system error; errno tells */
};

/* A static English phrase for logs, never NULL. */
const char *weir_status_text(enum weir_status s);

#define WEIR_MUST_CHECK   __attribute__((warn_unused_result))
#define WEIR_PRINTF(f, a) __attribute__((format(printf, f, a)))

#endif
