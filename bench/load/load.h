/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_LOAD_H
#define BENCH_LOAD_LOAD_H

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>

#include "bench/common/samples.h"
#include "bench/http/httpc.h"
#include "bench/load/sdk.h"
#include "bench/load/shape.h"

/*
 * The load generator: virtual users who arrive by a shape (open loop), or stay (users, clients),
 * ask, read the answer, think, ask again, and retry as their SDK does.  Everything is measured from
 * the moment a request was meant to be sent, so a late generator or a stalled target cannot hide
 * waiting. One loop, one thread.
 */

/* How a turn (a request of a virtual user with all its attempts) ended.  X(enumerator, name, group)
 */
#define TURN_ENDS(X)                                                                               \
    X(TURN_GOOD, "good", SERVED)                                                                   \
    X(TURN_LATE, "late", SERVED)           /* complete, first token after the promise */           \
    X(TURN_SLOW, "slow", SERVED)           /* complete, pace worse than the promise */             \
    X(TURN_LEFT, "left", SERVED)           /* the virtual user left, as they had meant to */       \
    X(TURN_REFUSED, "refused", POLITE)     /* 429, 503, 529 that says when to come back */         \
    X(TURN_STATUS, "error_status", HARD)   /* any other status that is no success */               \
    X(TURN_NO_CONNECT, "no_connect", HARD) /* refused, unreachable, TLS */                         \
    X(TURN_NO_ANSWER, "no_answer", HARD)   /* closed before a head */                              \
    X(TURN_CUT, "cut", HARD)               /* closed within the answer */                          \
    X(TURN_UNMARKED, "unmarked", HARD)     /* ended in order, but without the end marker */        \
    X(TURN_IN_BAND, "in_band_error", HARD) /* an error event in a 200 */                           \
    X(TURN_EMPTY, "empty", HARD)           /* a 200 with nothing in it */                          \
    X(TURN_BAD, "bad_answer", HARD)        /* not HTTP, or an event without end */                 \
    X(TURN_ALTERED, "altered", HARD)       /* a body arrived other than it was sent */             \
    X(TURN_SILENT, "silent", HARD)         /* the stream stopped and nobody said so */             \
    X(TURN_GAVE_UP, "gave_up", HARD)       /* no first token within the patience */

enum turn_group { SERVED, POLITE, HARD };
enum turn_end {
#define TURN_ENUM(e, name, group) e,
    TURN_ENDS(TURN_ENUM)
#undef TURN_ENUM
        TURN_END_COUNT
};
const char *turn_end_name(enum turn_end e);
enum turn_group turn_end_group(enum turn_end e);

enum speech {
    SPEECH_CHAT,
    SPEECH_COMPLETIONS,
    SPEECH_RESPONSES,
    SPEECH_ANTHROPIC,
    SPEECH_GET,
    SPEECH_EMBEDDINGS,
    SPEECH_EVENTS, /* an event stream without content: complete when it ends in order */
    SPEECH_SOCKET, /* a WebSocket that echoes */
    SPEECH_COUNT
};
/* False: no such speech.  speech_list names them all. */
bool speech_find(const char *name, enum speech *out);
extern const char speech_list[];

/* One arrival of a recorded trace. */
struct trace_row {
    double at_s;
    uint32_t prompt, output; /* tokens; 0 is drawn */
};

struct load_conf {
    struct target target;
    SSL_CTX *tls;
    enum speech speech;
    const char *path;  /* of SPEECH_GET, or instead of the speech's own; NULL is that */
    const char *model; /* in bodies */
    const char *keys;  /* of virtual users: "bench-KEYS-N"; NULL: "bench-N" */
    double unary;      /* share of the requests that are not streamed */
    struct shape shape;
    const struct trace_row *trace; /* instead of the shape's arrivals, or NULL */
    size_t n_trace;
    uint32_t users;   /* virtual users who are there all the time and think between turns */
    uint32_t clients; /* virtual users who ask again at once */
    uint32_t turns;   /* of a conversation */
    double think_s;   /* mean, exponential, between turns */
    const struct sdk *sdk;
    int retries; /* < 0: the SDK's own */
    double patience_s, silence_s;
    double ttft_promise_s, pace_promise_s; /* 0: none is promised */
    double prompt_median, prompt_sigma;
    double output_median, output_sigma; /* 0: the target decides */
    bool exact;                         /* ask for exactly so many tokens (ignore_eos) */
    bool verify;                        /* mark requests with a tag and check the tokens */
    bool no_reuse;
    bool no_identity; /* no authorization field per virtual user */
    bool check;       /* both bodies are to arrive byte for byte (a simulated backend tells sums) */
    double upload_s;  /* requests are sent over so long: telephones; 0: at once */
    double leave;     /* share of virtual users who leave before the end */
    double stay_s;    /* sockets: how long; a text is sent and echoed each second */
    uint64_t seed;
    const char *const *fields; /* further "name: value", n_fields of them */
    size_t n_fields;
    uint32_t max_open;  /* a bound for the generator's own sake */
    uint64_t max_turns; /* closed loop: stop after so many; 0 is no bound */
    FILE *records;      /* JSON lines, or NULL */
    FILE *attempts;     /* the same of attempts, which then carry ids of their own */
};

/* Per second of the run. */
struct load_bin {
    uint32_t intended, attempts, retries;  /* by the time of sending */
    uint32_t ends[TURN_END_COUNT];         /* of turns, by the time of the end */
    uint32_t attempt_ends[TURN_END_COUNT]; /* of attempts: what each came to */
    uint32_t content;                      /* content events received */
    uint32_t open;                         /* turns under way at its end */
};

/* One turn, for percentiles and plots. */
struct load_record {
    float intended_s, end_s;
    float ttft_ms;  /* of the last attempt, from its intended start; -1 none */
    float wait_ms;  /* from the turn's first intention to the first token; -1 none */
    float total_ms; /* from the turn's first intention to the end */
    float pace_ms;  /* mean between content events; -1 unknown */
    float added_ms; /* first token beyond what the backend told (check); -1 unknown */
    uint16_t status;
    uint8_t end, attempts, turn;
};

struct load_sums {
    uint64_t turns, ends[TURN_END_COUNT];
    uint64_t attempt_ends[TURN_END_COUNT]; /* as ends, of attempts */
    uint64_t attempts, retries, hinted, hints_kept;
    uint64_t not_sent; /* arrivals beyond max_open: the generator's own failing */
    uint64_t content, wasted_content, bytes;
    uint64_t mixed, incomplete; /* verify: answers with foreign, doubled or missing tokens */
    uint64_t left;              /* under way when the run ended */
    uint64_t conversations, completed, broken_first, broken_later;
    uint64_t completed_good; /* of those completed: every answer was good */
    double last_end_s;
};

/* Of one place, per second: attempts by the time of sending, what they came to by that of the end.
 */
struct place_bin {
    uint32_t attempts, ends[TURN_END_COUNT];
};

struct load;
struct load *load_new(struct event_base *loop, const struct load_conf *conf);
void load_free(struct load *l);
/* Begins; on_idle is called once when arrivals are over and nobody is under way. */
void load_start(struct load *l, void (*on_idle)(void *ctx), void *ctx);
/* No new arrivals, no new turns; those under way go on.  load_cut ends those, too. */
void load_stop(struct load *l);
void load_cut(struct load *l);
/*
 * Where requests go: place 0 is the target, with weight 1, until something else is said.  Several
 * places get attempts in turns by their weights, as from a load balancer; 0: none any more, those
 * under way there go on.  With all weights 0 they go to place 0.
 */
enum { LOAD_PLACES_MAX = 16 };
void load_set_place(struct load *l, size_t place, const struct target *t, double weight);
const struct place_bin *load_place_bins(const struct load *l, size_t place, size_t *n);
/* Replaces the arrivals from now on (open loop only). */
void load_reshape(struct load *l, const struct shape *shape);

double load_now_s(const struct load *l);
uint64_t load_open(const struct load *l);
const struct load_conf *load_conf_of(const struct load *l);
const struct load_sums *load_sums_of(const struct load *l);
const struct load_bin *load_bins(const struct load *l, size_t *n);
const struct load_record *load_records(const struct load *l, size_t *n);
/* How late requests were sent, microseconds: the generator's own delay. */
struct samples *load_lateness(struct load *l);

/* summary.c */
void load_write_text(struct load *l, FILE *to);
/* The same as JSON, the caller's. */
json_t *load_summary(struct load *l);
/* Percentiles of one field over the records that have it (>= 0) and whose end is of this group. */
void load_collect(const struct load *l, size_t offset, bool good_only, struct samples *out);

#endif
