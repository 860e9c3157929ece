/* SPDX-License-Identifier: Apache-2.0 */
/* The Prometheus text format and its JSON twin.  Pure. */
#include "metrics/out_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LABELS_MAX = 6, VALUE_MAX = 40 };

void metric_begin(struct metric_out *o, struct text *t, struct json_out *j)
{
    *o = (struct metric_out){.t = t, .j = j};
    if (j != NULL)
        json_open_array(j, NULL);
}

static void close_family(struct metric_out *o)
{
    if (o->j != NULL && o->open) {
        json_close(o->j);
        json_close(o->j);
    }
    o->open = false;
}

void metric_end(struct metric_out *o)
{
    close_family(o);
    if (o->j != NULL)
        json_close(o->j);
}

void metric_family(struct metric_out *o, const char *name, const char *type, const char *help)
{
    close_family(o);
    o->name = name;
    o->open = true;
    if (o->j == NULL) {
        text_printf(o->t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
        return;
    }
    json_open_object(o->j, NULL);
    json_cstr(o->j, "name", name);
    json_cstr(o->j, "type", type);
    json_cstr(o->j, "help", help);
    json_open_array(o->j, "samples");
}

static void text_label(struct text *t, const struct metric_label *l)
{
    text_printf(t, "%s=\"", l->name);
    for (const char *p = l->value; *p != '\0'; p++) {
        if (*p == '\\' || *p == '"')
            text_char(t, '\\');
        if (*p == '\n')
            text_str(t, "\\n");
        else
            text_char(t, *p);
    }
    text_char(t, '"');
}

static void sample_text(struct metric_out *o, const char *suffix, const struct metric_label *labels,
                        int n, const char *value)
{
    text_str(o->t, o->name);
    text_str(o->t, suffix);
    for (int i = 0; i < n; i++) {
        text_char(o->t, i == 0 ? '{' : ',');
        text_label(o->t, &labels[i]);
    }
    text_printf(o->t, "%s %s\n", n > 0 ? "}" : "", value);
}

static void sample_json(struct metric_out *o, const char *suffix, const struct metric_label *labels,
                        int n, const char *value)
{
    json_open_object(o->j, NULL);
    if (suffix[0] != '\0')
        json_cstr(o->j, "of", suffix + 1);
    json_open_object(o->j, "labels");
    for (int i = 0; i < n; i++)
        json_cstr(o->j, labels[i].name, labels[i].value);
    json_close(o->j);
    json_raw(o->j, "value", slice_str(value));
    json_close(o->j);
}

static void sample(struct metric_out *o, const char *suffix, const struct metric_label *labels,
                   int n, const char *value)
{
    if (o->j == NULL)
        sample_text(o, suffix, labels, n, value);
    else
        sample_json(o, suffix, labels, n, value);
}

static void sample_u64(struct metric_out *o, const char *suffix, const struct metric_label *labels,
                       int n, uint64_t v)
{
    char value[VALUE_MAX];

    (void)snprintf(value, sizeof value, "%" PRIu64, v);
    sample(o, suffix, labels, n, value);
}

static void sample_num(struct metric_out *o, const char *suffix, const struct metric_label *labels,
                       int n, double v)
{
    char value[VALUE_MAX];

    (void)snprintf(value, sizeof value, "%.9g", v);
    sample(o, suffix, labels, n, value);
}

void metric_u64(struct metric_out *o, const struct metric_label *labels, int n, uint64_t value)
{
    sample_u64(o, "", labels, n, value);
}

void metric_num(struct metric_out *o, const struct metric_label *labels, int n, double value)
{
    sample_num(o, "", labels, n, value);
}

/* 1, 2 or 5 times a power of ten. */
static bool is_1_2_5(uint32_t us)
{
    while (us % 10 == 0)
        us /= 10;
    return us == 1 || us == 2 || us == 5;
}

void metric_histogram(struct metric_out *o, const struct metric_label *labels, int n,
                      const struct histogram_sum *h)
{
    struct metric_label with[LABELS_MAX];
    char le[VALUE_MAX];
    uint64_t below = 0;

    memcpy(with, labels, (size_t)n * sizeof *with);
    with[n] = (struct metric_label){"le", le};
    for (int i = 0; i < BUCKET_COUNT - 1; i++) {
        below += h->n[i];
        if (!is_1_2_5(bucket_bounds_us[i]))
            continue;
        (void)snprintf(le, sizeof le, "%g", (double)bucket_bounds_us[i] / 1e6);
        sample_u64(o, "_bucket", with, n + 1, below);
    }
    below += h->n[BUCKET_COUNT - 1];
    (void)snprintf(le, sizeof le, "+Inf");
    sample_u64(o, "_bucket", with, n + 1, below);
    sample_num(o, "_sum", labels, n, (double)h->sum_us / 1e6);
    sample_u64(o, "_count", labels, n, below);
}
