/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of `weir-bench load` means: target, arrivals, behaviour. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/backend/engine.h"
#include "bench/load/load_cmd.h"
#include "weir/base/assert.h"

static int parse_speech(const char *name, enum speech *out)
{
    return speech_find(name, out)
               ? 0
               : cli_wrong(&load_cli, "--speech %s: wanted %s", name, speech_list);
}

static int read_trace(const char *path, struct load_conf *c)
{
    FILE *f = fopen(path, "r");
    struct trace_row *rows = NULL;
    size_t n = 0, cap = 0;
    char line[256];
    double last = 0;

    if (f == NULL)
        return cli_wrong(&load_cli, "--trace %s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, f) != NULL) {
        struct trace_row row = {0};
        if (line[0] == '#' ||
            sscanf(line, "%lf%*[ ,\t]%u%*[ ,\t]%u", &row.at_s, &row.prompt, &row.output) < 1)
            continue;
        if (row.at_s < last) {
            (void)fclose(f);
            free(rows);
            return cli_wrong(&load_cli, "--trace %s: not in order of time at row %zu", path, n + 1);
        }
        last = row.at_s;
        if (n == cap) {
            cap = cap == 0 ? 1024 : cap * 2;
            rows = realloc(rows, cap * sizeof rows[0]);
            WEIR_ASSERT(rows != NULL);
        }
        rows[n++] = row;
    }
    (void)fclose(f);
    if (n == 0)
        return cli_wrong(&load_cli, "--trace %s: no rows in it", path);
    c->trace = rows;
    c->n_trace = n;
    c->shape = (struct shape){.end_s = last + 0.1};
    return 0;
}

/* Exactly one of them says who comes. */
static int read_arrivals(const struct load_options *o, struct load_conf *c)
{
    int ways =
        (o->rate > 0) + (o->shape != NULL) + (o->trace != NULL) + (o->users > 0) + (o->clients > 0);
    double seconds = (double)o->duration_ns / 1e9;
    char why[256];

    if (ways != 1)
        return cli_wrong(&load_cli,
                         "one of --rate, --shape, --trace, --users, --clients is needed");
    if (o->trace != NULL)
        return read_trace(o->trace, c);
    if (o->shape != NULL) {
        if (shape_parse(slice_str(o->shape), &c->shape, why, sizeof why) != WEIR_OK)
            return cli_wrong(&load_cli, "--shape: %s", why);
    } else {
        c->shape = (struct shape){.n_pieces = 1, .end_s = seconds};
        c->shape.pieces[0] = (struct shape_piece){.end_s = seconds, .from = o->rate, .to = o->rate};
    }
    c->shape.even = c->shape.even || o->even;
    c->users = (uint32_t)o->users;
    c->clients = (uint32_t)o->clients;
    return 0;
}

static int apply_engine(const struct load_options *o, struct load_conf *c)
{
    const struct engine_conf *e;

    if (o->engine == NULL)
        return 0;
    e = engine_find(o->engine);
    if (e == NULL)
        return cli_wrong(&load_cli, "no engine '%s'; see weir-bench backend --list-engines",
                         o->engine);
    c->prompt_median = e->prompt_median;
    c->prompt_sigma = e->prompt_sigma;
    c->output_median = e->out_median;
    c->output_sigma = e->out_sigma;
    c->pace_promise_s = e->promise_ms / 1e3;
    c->exact = true;
    return 0;
}

/* What needs no looking up. */
static struct load_conf plain_conf(const struct load_options *o)
{
    return (struct load_conf){.path = o->path,
                              .model = o->model,
                              .unary = o->unary,
                              .turns = (uint32_t)o->turns,
                              .think_s = o->clients > 0 ? 0 : (double)o->think_ns / 1e9,
                              .retries = (int)o->retries,
                              .patience_s = (double)o->patience_ns / 1e9,
                              .silence_s = (double)o->silence_ns / 1e9,
                              .ttft_promise_s = (double)o->ttft_ns / 1e9,
                              .pace_promise_s = (double)o->pace_ns / 1e9,
                              .prompt_median = o->prompt,
                              .prompt_sigma = o->prompt_sigma,
                              .output_median = o->output,
                              .output_sigma = o->output_sigma,
                              .exact = o->exact,
                              .verify = o->verify,
                              .leave = o->leave,
                              .upload_s = (double)o->upload_ns / 1e9,
                              .stay_s = (double)o->stay_ns / 1e9,
                              .no_reuse = o->no_reuse,
                              .no_identity = o->no_identity,
                              .seed = (uint64_t)o->seed,
                              .fields = o->fields.v,
                              .n_fields = o->fields.n,
                              .max_open = (uint32_t)o->max_open};
}

int load_options_apply(const struct load_options *o, struct load_conf *c)
{
    *c = plain_conf(o);
    if (target_parse(o->url, &c->target) != WEIR_OK)
        return cli_wrong(
            &load_cli, "--url %s: no such place; wanted http://HOST:PORT, https://... or unix:PATH",
            o->url);
    c->sdk = sdk_find(o->sdk);
    if (c->sdk == NULL)
        return cli_wrong(&load_cli, "no sdk '%s'; see weir-bench load --list-sdks", o->sdk);
    if (parse_speech(o->speech, &c->speech) != 0 || apply_engine(o, c) != 0 ||
        read_arrivals(o, c) != 0)
        return 2;
    if (!c->target.https)
        return 0;
    c->tls = wire_tls_context(o->ca, o->insecure);
    if (c->tls == NULL)
        return cli_wrong(&load_cli, "--ca %s: no certificates could be read",
                         o->ca == NULL ? "(the system's)" : o->ca);
    return 0;
}
