/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing plots.  Pure: text in, text out. */
#include "bench/report/svg.h"

#include <math.h>

static const double left = 46, right = 44, top = 26, bottom = 26;
enum { FONT = 11 };

static double plot_width(const struct plot *p)
{
    return p->width - left - right;
}

static double plot_height(const struct plot *p)
{
    return p->height - top - bottom;
}

static double at_x(const struct plot *p, double s)
{
    return left + plot_width(p) * s / p->x_max;
}

/* Share of the height; kept within the frame. */
static double at_y(const struct plot *p, double y)
{
    double share;

    if (p->log_y)
        share = log(fmax(y, p->y_min) / p->y_min) / log(p->y_max / p->y_min);
    else
        share = (y - p->y_min) / (p->y_max - p->y_min);
    return top + plot_height(p) * (1 - fmin(fmax(share, 0), 1));
}

static double at_right(const struct plot *p, double y)
{
    return top + plot_height(p) * (1 - fmin(fmax(y / p->right_max, 0), 1));
}

double plot_nice_max(double y)
{
    /* a quarter of each is a short number */
    static const double steps[] = {1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10};
    double base = y <= 0 ? 1 : pow(10, floor(log10(y)));

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (y <= steps[i] * base * 1.0001)
            return steps[i] * base;
    }
    return 10 * base;
}

static void text_at(struct plot *p, double x, double y, const char *anchor, const char *text)
{
    grow_printf(p->g, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor,
                text);
}

static void y_tick(struct plot *p, double y, const char *label)
{
    grow_printf(p->g, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                left, p->width - right, at_y(p, y), at_y(p, y));
    text_at(p, left - 5, at_y(p, y) + 4, "end", label);
}

static void y_ticks(struct plot *p)
{
    struct grow label = {0};

    if (p->log_y) {
        for (double y = p->y_min; y <= p->y_max * 1.01; y *= 10) {
            grow_clear(&label);
            grow_printf(&label, "%g", y);
            y_tick(p, y, label.p);
        }
    } else {
        for (int i = 0; i <= 4; i++) {
            double y = p->y_min + (p->y_max - p->y_min) * i / 4;
            grow_clear(&label);
            grow_printf(&label, "%g", y);
            y_tick(p, y, label.p);
        }
    }
    grow_free(&label);
}

static double x_step(double x_max)
{
    static const double steps[] = {1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 3600};
    size_t i = 0;

    while (i + 1 < sizeof steps / sizeof steps[0] && x_max / steps[i] > 13)
        i++;
    return steps[i];
}

static void x_ticks(struct plot *p)
{
    struct grow label = {0};
    double step = x_step(p->x_max);

    for (double s = 0; s <= p->x_max + 0.001; s += step) {
        grow_clear(&label);
        grow_printf(&label, "%g%s", s, s + step > p->x_max ? " s" : "");
        text_at(p, at_x(p, s), p->height - bottom + 14, "middle", label.p);
    }
    grow_free(&label);
}

static void right_ticks(struct plot *p, const char *unit)
{
    struct grow label = {0};

    for (int i = 0; i <= 2; i++) {
        double y = p->right_max * i / 2;
        grow_clear(&label);
        grow_printf(&label, "%g%s", y, unit);
        text_at(p, p->width - right + 5, at_right(p, y) + 4, "start", label.p);
    }
    grow_free(&label);
}

void plot_begin(struct plot *p, const char *title, const char *y_unit, const char *right_unit)
{
    grow_printf(p->g,
                "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\" font-size=\"%d\">",
                p->width, p->height, title, FONT);
    grow_printf(p->g, "<text class=\"t\" x=\"%.1f\" y=\"14\">%s</text>", left, title);
    text_at(p, left - 5, 14, "end", y_unit);
    y_ticks(p);
    x_ticks(p);
    if (p->right_max > 0)
        right_ticks(p, right_unit);
}

void plot_end(struct plot *p)
{
    grow_printf(
        p->g,
        "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></svg>\n",
        left, top, plot_width(p), plot_height(p));
}

void plot_band(struct plot *p, double from_s, double to_s, const char *colour)
{
    double to = fmin(to_s, p->x_max), from = fmax(from_s, 0);

    if (to <= from)
        return;
    grow_printf(p->g, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
                at_x(p, from), top, at_x(p, to) - at_x(p, from), plot_height(p), colour);
}

void plot_mark(struct plot *p, double at_s, const char *label)
{
    double x = at_x(p, at_s);

    if (at_s > p->x_max)
        return;
    grow_printf(p->g, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x,
                x, top, p->height - bottom);
    grow_printf(p->g, "<text class=\"m\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", x,
                top - 2, label);
}

static void polyline_open(struct plot *p, struct ink ink)
{
    grow_printf(p->g, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\"", ink.colour,
                ink.width);
    if (ink.dash[0] != '\0')
        grow_printf(p->g, " stroke-dasharray=\"%s\"", ink.dash);
    grow_str(p->g, " points=\"");
}

void plot_line(struct plot *p, const double *y, size_t n, double from_s, double step_s,
               struct ink ink)
{
    bool open = false;

    for (size_t i = 0; i < n; i++) {
        double s = from_s + (double)i * step_s;
        if (s > p->x_max)
            break;
        if (isnan(y[i])) {
            grow_str(p->g, open ? "\"/>" : "");
            open = false;
            continue;
        }
        if (!open)
            polyline_open(p, ink);
        open = true;
        grow_printf(p->g, "%.1f,%.1f ", at_x(p, s), at_y(p, y[i]));
    }
    grow_str(p->g, open ? "\"/>" : "");
}

void plot_points(struct plot *p, const double *x, const double *y, size_t n, struct ink ink)
{
    polyline_open(p, ink);
    for (size_t i = 0; i < n && x[i] <= p->x_max; i++)
        grow_printf(p->g, "%.1f,%.1f ", at_x(p, x[i]), at_y(p, y[i]));
    grow_str(p->g, "\"/>");
}

void plot_stairs(struct plot *p, const double *x, const double *y, size_t n, struct ink ink)
{
    polyline_open(p, ink);
    for (size_t i = 0; i < n && x[i] <= p->x_max; i++) {
        if (i > 0)
            grow_printf(p->g, "%.1f,%.1f ", at_x(p, x[i]), at_right(p, y[i - 1]));
        grow_printf(p->g, "%.1f,%.1f ", at_x(p, x[i]), at_right(p, y[i]));
    }
    grow_str(p->g, "\"/>");
}

void smooth(const double *in, double *out, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i < width / 2 ? 0 : i - width / 2, to = i + width / 2 + 1;
        double sum = 0;
        to = to < n ? to : n;
        for (size_t k = from; k < to; k++)
            sum += in[k];
        out[i] = sum / (double)(to - from);
    }
}
