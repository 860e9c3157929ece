/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_LOAD_PRIV_H
#define BENCH_LOAD_LOAD_PRIV_H

/* Virtual users and the run they belong to, for the files of the load generator. */
#include "bench/load/load.h"
#include "bench/load/reading.h"

enum { VIRTUAL_USER_MAGIC = 0x50455253, TURNS_MAX = 32, BODY_KEPT = 64 * 1024 };

enum virtual_user_state {
    VIRTUAL_USER_NEW,
    VIRTUAL_USER_TRYING,  /* an attempt is under way */
    VIRTUAL_USER_WAITING, /* for the next attempt */
    VIRTUAL_USER_THINKING,
    VIRTUAL_USER_DEAD,
};

struct virtual_user {
    uint32_t magic;
    enum virtual_user_state state;
    struct load *load;
    struct list node;
    struct event *timer; /* patience, silence, waiting or thinking */
    struct rng rng;
    uint64_t number; /* of the virtual user; of the conversation in the tag */
    uint64_t conversation;
    bool poor; /* an answer of this conversation was late or slow */
    uint32_t turn;
    struct {
        uint32_t prompt, output;
    } said[TURNS_MAX]; /* tokens of each turn */

    /* the turn */
    uint64_t intended_ns;
    int retries;
    bool stream, last_by_hint;
    char tag[64];
    uint64_t content_before; /* received by attempts that failed */
    uint32_t leave_content;  /* leaves after so many content events; 0: does not */
    double leave_s;          /* leaves after so long without an answer; 0: does not */

    /* the attempt */
    size_t place;
    struct httpc_call call;
    struct grow request, body;
    struct reading reading;
    struct sdk_attempt seen;
    uint64_t attempt;           /* its number in the run */
    char proxy_status[96];      /* as far as it was sent and fits; for attempts.c */
    uint64_t attempt_ns;        /* intended start */
    uint64_t first_ns, last_ns; /* content */
    bool event_stream;
    size_t body_bytes;
    uint64_t asked_sum, answer_sum; /* of the request's body; of a whole answer's, as it comes */
    uint64_t told_sum;              /* what the answer's is to be */
    bool told, asked_differs;       /* the backend told sums; the request arrived otherwise */
    double told_ms;                 /* when the first token was meant to come; -1 unknown */
    uint32_t said_n, echoed_n;      /* sockets: texts sent and come back */
    uint64_t until_ns;              /* sockets: then the virtual user closes */
    bool closing, closed;
};

/* One of those that requests go to, for as long as the run lasts. */
struct load_place {
    bool used; /* client is there */
    struct httpc client;
    double weight, credit;
    struct place_bin *bins;
    size_t n_bins, cap_bins;
};

struct load {
    struct load_conf conf;
    struct event_base *loop;
    struct load_place places[LOAD_PLACES_MAX];
    struct event *arrival; /* the timer of the next arrivals */
    struct event *finish;  /* the end of the shape */
    struct event *idle;    /* deferred on_idle */
    uint64_t start_ns;     /* of the run */
    uint64_t shape_ns;     /* of the shape */
    struct shape_walk walk;
    struct rng arrivals;
    size_t trace_at;
    uint64_t next_ns; /* 0: no more arrivals */
    bool stopping;
    struct list virtual_users;
    uint64_t n_virtual_users, n_conversations, n_open;
    struct load_sums sums;
    struct load_bin *bins;
    size_t n_bins, cap_bins;
    struct load_record *records;
    size_t n_records, cap_records;
    struct samples lateness;
    void (*on_idle)(void *ctx);
    void *ctx;
};

/* attempts.c: the id that attempts carry where they are written down, and their lines */
void attempts_put_id(struct grow *g, const struct virtual_user *p);
void attempts_read_head(struct virtual_user *p, const struct head *h);
void attempts_write(const struct virtual_user *p, const char *end);

/* places.c: whose turn it is; the bin of a place at a time; connections made, failed, found closed
 */
size_t places_next(struct load *l);
struct place_bin *places_bin_at(struct load *l, size_t place, uint64_t at_ns);
void places_connections(const struct load *l, uint64_t *made, uint64_t *failed, uint64_t *stale);
void places_free(struct load *l);

/* request.c */
void request_draw(struct virtual_user *p);  /* lengths of the next turn */
void request_write(struct virtual_user *p); /* request bytes of an attempt */

/* virtual_user.c: begins a turn that was meant to start then */
void virtual_user_ask(struct virtual_user *p, uint64_t intended_ns);
/* The virtual user's one timer. */
void on_virtual_user_timer(evutil_socket_t fd, short what, void *virtual_user);

/* check.c: bodies byte for byte */
void check_start(struct virtual_user *p);
void check_read_head(struct virtual_user *p, const struct head *h);
bool check_failed(const struct virtual_user *p);

/* talk.c: a WebSocket that says something each second */
void talk_begin(struct virtual_user *p);
/* The next text, or the close; the end it came to when there is one, else TURN_END_COUNT. */
enum turn_end talk_go_on(struct virtual_user *p);
void talk_read(struct virtual_user *p);
enum turn_end talk_judge(const struct virtual_user *p);

/* load.c */
struct load_bin *load_bin_at(struct load *l, uint64_t at_ns);
/* The turn is over; decides what the virtual user does next. */
void load_turn_over(struct virtual_user *p, enum turn_end end, uint64_t now_ns);

#endif
