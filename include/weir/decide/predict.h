/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_PREDICT_H
#define WEIR_DECIDE_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How long a first token takes on an upstream that is not busy, learnt by size of the request
 * (docs/decisions.md, "Prediction").  Seconds; negative is "nothing learnt".
 */

enum { PREDICT_CLASSES = 24 };

struct predict {
    double base_s[PREDICT_CLASSES]; /* streams, by size class */
    double unary_s;                 /* whole answers, unary mode */
    uint32_t unary_learnt;
};

void predict_init(struct predict *p);

/* Octave of the body's size in tokens, one token taken as 4 bytes. */
unsigned predict_class(uint64_t bytes);

double predict_s(const struct predict *p, uint64_t bytes, bool unary);

/* `calm`: few others were waiting when this one was sent, so that it shows the engine's own time.
 */
void predict_learn_stream(struct predict *p, uint64_t bytes, double took_s, bool calm);
void predict_learn_unary(struct predict *p, double took_s, bool calm);

#endif
