/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REPORT_SVG_H
#define BENCH_REPORT_SVG_H

#include <stdbool.h>

#include "bench/common/grow.h"

/*
 * Plots as inline SVG: time on the x axis, a linear or logarithmic y axis, lines, bands and marks.
 * Colours are told apart without colour, too (dashes), for paper.
 */
struct plot {
    struct grow *g;
    double width, height; /* of the whole drawing */
    double x_max;         /* seconds, from 0 */
    double y_min, y_max;
    bool log_y;
    double right_max; /* of the right axis; 0: there is none */
};

struct ink {
    const char *colour, *dash; /* dash "" is solid */
    double width;
};

/* Draws frame, grid, ticks and titles.  y_max must be set (plot_nice_max). */
void plot_begin(struct plot *p, const char *title, const char *y_unit, const char *right_unit);
void plot_end(struct plot *p);

/* A stretch of time, behind the lines. */
void plot_band(struct plot *p, double from_s, double to_s, const char *colour);
/* A moment, with a small label above. */
void plot_mark(struct plot *p, double at_s, const char *label);

/* NAN breaks the line.  At x = from + i * step. */
void plot_line(struct plot *p, const double *y, size_t n, double from_s, double step_s,
               struct ink ink);
/* A line through points at their own times. */
void plot_points(struct plot *p, const double *x, const double *y, size_t n, struct ink ink);
/* Stairs through (x, y) pairs on the right axis. */
void plot_stairs(struct plot *p, const double *x, const double *y, size_t n, struct ink ink);

/* A short number at or above y, as are its quarters. */
double plot_nice_max(double y);

/* Mean over `width` neighbours, for noisy counts a second; out may not be in. */
void smooth(const double *in, double *out, size_t n, size_t width);

#endif
