/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HTTP_HTTPD_PRIV_H
#define BENCH_HTTP_HTTPD_PRIV_H

/* The connection, for the two files of the small server. */
#include "bench/http/httpd.h"

enum { HTTPD_CONN_MAGIC = 0x48434f4e };

enum conn_state {
    CONN_HEAD,      /* waiting for a request's head */
    CONN_BODY,      /* reading its body */
    CONN_ANSWERING, /* the handler has it */
    CONN_TUNNEL,    /* upgraded: bytes go to the handler */
    CONN_FLUSHING,  /* answered, the last bytes go out, then it is closed */
    CONN_DEAD,      /* on the dead list */
};

struct httpd_conn {
    uint32_t magic;
    int fd;
    enum conn_state state;
    bool keep, chunks, is_head, stepping;
    bool streams; /* httpd_begin was called for this request */
    struct httpd *port;
    void *user;
    struct list node;
    struct event *on_read, *on_write;
    struct buf in, out;
    struct grow head_bytes, body_bytes;
    struct head head;
    struct body body;
};

void httpd_step(struct httpd_conn *c);
void httpd_flush(struct httpd_conn *c);
void httpd_drop(struct httpd_conn *c, bool reset);

#endif
