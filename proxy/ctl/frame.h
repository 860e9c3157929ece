/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CTL_FRAME_H
#define WEIR_CTL_FRAME_H

#include <jansson.h>
#include <stdbool.h>

#include "weir/base/text.h"

/*
 * A screen of `top` as text, from what `status --json` says; and the last minutes of each line's
 * numbers for the sparklines.
 */
enum { SPARK_POINTS = 24, FRAME_ROWS_MAX = 256, FRAME_NAME_MAX = 160 };

struct spark {
    double v[SPARK_POINTS]; /* oldest first */
    int n;
};

/* A pool or upstream that can be chosen. */
struct frame_row {
    char name[FRAME_NAME_MAX]; /* "chat", "chat/a" */
    bool upstream;
    int line; /* in the text */
    struct spark load, ttft, shed;
};

struct frame {
    struct frame_row rows[FRAME_ROWS_MAX];
    int n_rows;
};

/* Takes the numbers of a status as the newest points; rows are found by name. */
void frame_take(struct frame *f, const json_t *status);
/* Writes the screen; sets each row's line. */
void frame_write(struct frame *f, const json_t *status, bool sparks, struct text *t);

#endif
