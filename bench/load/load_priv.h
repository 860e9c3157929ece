/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_LOAD_PRIV_H
#define BENCH_LOAD_LOAD_PRIV_H

/* People and the run they belong to, for the files of the load generator. */
#include "bench/load/load.h"
#include "bench/load/reading.h"

enum { PERSON_MAGIC = 0x50455253, TURNS_MAX = 32, BODY_KEPT = 64 * 1024 };

enum person_state {
    PERSON_NEW,
    PERSON_TRYING,  /* an attempt is under way */
    PERSON_WAITING, /* for the next attempt */
    PERSON_THINKING,
    PERSON_DEAD,
};

struct person {
    uint32_t magic;
    enum person_state state;
    struct load *load;
    struct list node;
    struct event *timer; /* patience, silence, waiting or thinking */
    struct rng rng;
    uint64_t number; /* of the person; of the conversation in the tag */
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
    struct httpc_call call;
    struct grow request, body;
    struct reading reading;
    struct sdk_attempt seen;
    uint64_t attempt;           /* its number in the run */
    char proxy_status[96];      /* as far as it was sent and fits; for tries.c */
    uint64_t attempt_ns;        /* intended start */
    uint64_t first_ns, last_ns; /* content */
    bool event_stream;
    size_t body_bytes;
    uint64_t asked_sum, answer_sum; /* of the request's body; of a whole answer's, as it comes */
    uint64_t told_sum;              /* what the answer's is to be */
    bool told, asked_differs;       /* the backend told sums; the request arrived otherwise */
    double told_ms;                 /* when the first token was meant to come; -1 unknown */
    uint32_t said_n, echoed_n;      /* sockets: texts sent and come back */
    uint64_t until_ns;              /* sockets: then the person closes */
    bool closing, closed;
};

struct load {
    struct load_conf conf;
    struct event_base *loop;
    struct httpc client;
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
    struct list people;
    uint64_t n_people, n_conversations, n_open;
    struct load_sums sums;
    struct load_bin *bins;
    size_t n_bins, cap_bins;
    struct load_record *records;
    size_t n_records, cap_records;
    struct samples lateness;
    void (*on_idle)(void *ctx);
    void *ctx;
};

/* tries.c: the id that attempts carry where they are written down, and their lines */
void tries_put_id(struct grow *g, const struct person *p);
void tries_read_head(struct person *p, const struct head *h);
void tries_write(const struct person *p, const char *end);

/* question.c */
void question_draw(struct person *p);  /* lengths of the next turn */
void question_write(struct person *p); /* request bytes of an attempt */

/* person.c: begins a turn that was meant to start then */
void person_ask(struct person *p, uint64_t intended_ns);
/* The person's one timer. */
void on_person_timer(evutil_socket_t fd, short what, void *person);

/* check.c: bodies byte for byte */
void check_start(struct person *p);
void check_read_head(struct person *p, const struct head *h);
bool check_failed(const struct person *p);

/* talk.c: a WebSocket that says something each second */
void talk_begin(struct person *p);
/* The next text, or the close; the end it came to when there is one, else TURN_END_COUNT. */
enum turn_end talk_go_on(struct person *p);
void talk_read(struct person *p);
enum turn_end talk_judge(const struct person *p);

/* load.c */
struct load_bin *load_bin_at(struct load *l, uint64_t at_ns);
/* The turn is over; decides what the person does next. */
void load_turn_over(struct person *p, enum turn_end end, uint64_t now_ns);

#endif
