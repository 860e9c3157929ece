/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_SERVER_H
#define BENCH_BACKEND_SERVER_H

#include <event2/event.h>

#include "bench/backend/clocked.h"
#include "bench/backend/dialect.h"
#include "bench/backend/engine.h"
#include "bench/backend/faults.h"
#include "bench/backend/prefix.h"
#include "bench/http/fnv.h"
#include "bench/http/httpd.h"
#include "weir/base/hash.h"

/*
 * The simulated server: an engine and a pool of API workers behind an HTTP port, faults, counters,
 * and a control port.  One loop, one thread; everything here belongs to it.
 */
enum { WAIT_RING = 10 /* seconds */ };

/* X(field, help): counters that only go up, in /stats in this order. */
#define BACKEND_COUNTERS(X)                                                                        \
    X(attempts, "requests that arrived")                                                           \
    X(served, "answers completed")                                                                 \
    X(aborted, "requests whose client left before the end")                                        \
    X(refused, "answered with a status of a fault, the quota or a full queue")                     \
    X(broken, "answers broken by a fault: cut, reset, in-band error, empty, bad head")             \
    X(killed, "requests open when the server went down")                                           \
    X(tokens, "tokens produced")                                                                   \
    X(tokens_wasted, "tokens of answers that were not completed")                                  \
    X(prompt_tokens, "prompt tokens taken in")                                                     \
    X(cached_tokens, "of them known to the prefix cache")                                          \
    X(deaths, "times it went down")

struct counters {
#define BACKEND_COUNTER_FIELD(field, help) uint64_t field;
    BACKEND_COUNTERS(BACKEND_COUNTER_FIELD)
#undef BACKEND_COUNTER_FIELD
};

/* One request with the engine or an API worker. */
struct exchange {
    uint32_t magic;
    struct server *server;
    struct httpd_conn *conn;
    struct engine_job job;
    struct answer answer;
    bool stream, begun;
    bool breaks;         /* chosen by the share of a cut or in-band fault */
    bool opened;         /* the dialect's first events are out */
    bool hashed;         /* sums of the bodies go with the answer */
    uint64_t asked_sum;  /* of the request's body */
    uint64_t sent_sum;   /* of the answer's body so far */
    struct event *timer; /* API: its service time; clocked: the next event */
    bool timed;          /* clocked: counted in n_timed */
    struct clocked_plan plan;
    double silence_ms; /* clocked: left of it */
    double told_ms;    /* clocked: the first token is to come so long after the request */
    struct list node;  /* API: waiting */
    struct slice echo; /* API: the answer, owned */
    double service_ms;
};

/* The worker pool of the plain JSON API. */
struct api_pool {
    int workers, busy, n_waiting;
    struct list waiting;
};

struct server {
    struct engine_conf conf;     /* with what the command line changed */
    struct clocked_conf clocked; /* conf.clocked points here, if it goes by the clock */
    struct event_base *loop;
    struct httpd port, control;
    struct engine engine;
    struct event *engine_timer, *second;
    uint64_t timer_due_ns; /* what engine_timer is set to; 0 is not set */
    struct api_pool api;
    struct prefix_cache prefix;
    struct key_quota keys;
    int n_timed; /* answers under way that go by the clock */
    uint64_t seed;
    struct faults faults;
    struct counters n;
    struct rng rng;
    double speed;
    bool exact_length; /* max_tokens is the length, not a bound */
    bool down;

    double cold;          /* factor right after a cold return */
    uint32_t cold_of;     /* requests it takes to get warm */
    uint32_t cold_left;   /* requests until warm */
    uint64_t returned_ns; /* for `fragile` */
    enum order last_return;
    struct event *revive;

    double quota_tokens;
    uint64_t quota_ns;

    uint64_t open, open_max;
    uint64_t wait_ring_ns[WAIT_RING]; /* longest wait for a slot, per second */
    uint64_t born_ns;
    unsigned ring_at;

    struct list script; /* lines that wait for their time */
    struct grow scratch;
};

enum { EXCHANGE_MAGIC = 0x45584348 };
enum { FRAGILE_WATCH_S = 20, FRAGILE_DOWN_S = 10 };

/* requests.c: the data port */
extern const struct httpd_handler answer_handler;

/* answer.c: the words of answers */
/* The request under way of this connection; exchange_free ends it. */
struct exchange *exchange_new(struct server *s, struct httpd_conn *c,
                              const struct httpd_request *r);
/* The head of a stream, once. */
void answer_begin(struct exchange *x);
void answer_token(void *server, struct engine_job *job);
/* The request is over; forgets it wherever it is.  Does not touch the connection. */
void exchange_free(struct exchange *x);
void answer_refuse(struct server *s, struct httpd_conn *c, const struct dialect *d, int status,
                   int retry_after_s);

/* The scratch of the stream of a clocked engine: signs of life.  False: the client is gone. */
bool answer_ping(struct exchange *x);
/* Field lines with the sums of both bodies, if they were asked for; else empty. */
enum { EXTRA_MAX = 192 };
void answer_sums(const struct exchange *x, struct slice body, char extra[EXTRA_MAX]);
/* A stream without content: a piece of it (false: the client is gone), its end. */
bool answer_quiet_piece(struct exchange *x, const char *text);
void answer_quiet_end(struct exchange *x);

/* timed.c, quiet.c: answers that go by the clock */
void timed_take(struct server *s, struct exchange *x);
void timed_leave(struct exchange *x);
void quiet_take(struct server *s, struct exchange *x);

/* socket.c: WebSocket, echoes what comes */
void socket_take(struct httpd_conn *c, const struct httpd_request *r);
size_t socket_bytes(void *server, struct httpd_conn *c, struct slice bytes);

/* ask.c: what a body asks for.  False: not JSON. */
bool ask_read(struct server *s, const struct httpd_request *r, struct exchange *x);

/* api.c: the worker pool */
void api_init(struct server *s);
void api_take(struct server *s, struct exchange *x, const struct httpd_request *r);
/* The same with an answer of the caller's; text is owned from here on. */
void api_take_text(struct server *s, struct exchange *x, const struct httpd_request *r,
                   struct slice text);
void api_leave(struct exchange *x);
/* Gives waiting requests to free workers. */
void api_go_on(struct server *s);

/* life.c: death, return, speed, the clock of the engine */
enum weir_status life_init(struct server *s);
void life_fini(struct server *s);
/* cold and cold_of count for ORDER_UP_COLD only. */
void life_order(struct server *s, enum order o, double cold, uint32_t cold_of);
void life_request_arrived(struct server *s);
void life_request_served(struct server *s);
/* After a change of faults or load: sets the engine's pace and its timer. */
void life_update(struct server *s);

/* script.c: lines of faults now and later.  All or nothing: a bad line puts none into force. */
enum weir_status script_add(struct server *s, struct slice lines, char *why, size_t why_size);
void script_clear(struct server *s);

/* control.c: the control port */
extern const struct httpd_handler control_handler;

#endif
