/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_PREDICT_H
#define WEIR_DECIDE_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/crowd.h"

/*
 * How long a first token takes on an upstream that is not busy, and by how much that varies by
 * nature; learnt by size of the request (docs/decisions.md, "Prediction", "Spread").  One for each
 * kind of request on an upstream.  Seconds; negative is "nothing learnt".
 */

enum {
    PREDICT_CLASSES = 24,
    PREDICT_LEARN_MIN = 12, /* first tokens before their spread means anything */
};

struct predict {
    /* streams */
    double base_s[PREDICT_CLASSES];  /* what the quick ones take, by size class */
    double quick_s[PREDICT_CLASSES]; /* half of those that were free to go took no more */
    uint32_t learnt;                 /* first tokens so far */
    double spread_s; /* what slow ones take longer though nothing was in their way */
    struct crowding crowd;
    uint32_t unproven; /* classes, a bit each, whose base is of an earlier process */
    /* whole answers, unary mode */
    double unary_s;      /* nearly all take no longer */
    double unary_base_s; /* what the quick ones take */
    double unary_quick_s;
    uint32_t unary_learnt;
    struct crowding unary_crowd;
};

void predict_init(struct predict *p);

/*
 * Its numbers are those of an earlier process: the first one of a class that was free is believed.
 * Whole answers are counted from 0 again (unary_learnt is not kept): slow ones count for their
 * double.
 */
void predict_restored(struct predict *p);

/* Octave of the body's size in tokens, one token taken as 4 bytes. */
unsigned predict_class(uint64_t bytes);

/* False: nothing was learnt yet. */
bool predict_knows(const struct predict *p, bool unary);

/* Too few streams were seen to tell late from slow by nature. */
bool predict_is_learning(const struct predict *p);

double predict_s(const struct predict *p, uint64_t bytes, bool unary);

/* From sending to being late: the prediction and wait_s, or what it varies by, if that is more. */
double predict_late_s(const struct predict *p, uint64_t bytes, bool unary, double wait_s);

/* As quick as with nobody in its way, or nearly. */
bool predict_is_quick(const struct predict *p, uint64_t bytes, bool unary, double took_s,
                      double wait_s);

/* Are others that wait in nobody's way?  Streams; `beside` is how many were found waiting. */
bool predict_is_apart(const struct predict *p, uint32_t beside);

/* What one first token, or whole answer, showed. */
struct lesson {
    uint64_t bytes;
    double took_s;
    bool calm;       /* few others were waiting when it was sent: it shows the engine's own time */
    bool free;       /* nothing of the load can have been in its way */
    uint32_t beside; /* others that waited when it was sent */
    double wait_s;   /* the wait in the backend's own queue that counts as on time */
};
void predict_learn_stream(struct predict *p, const struct lesson *l);
/* One that is silent has had a place for so long: that much is natural, at least. */
void predict_learn_silent(struct predict *p, double silent_s);
void predict_learn_unary(struct predict *p, const struct lesson *l);

#endif
