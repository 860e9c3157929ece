/* SPDX-License-Identifier: Apache-2.0 */
/* Refused requests as weir's access log has them. */
#include "bench/scenario/refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario/ask.h"
#include "bench/scenario/watch.h"
#include "weir/base/assert.h"

static void add(struct refusals *r, struct refusal one)
{
    if (r->n == r->cap) {
        r->cap = r->cap == 0 ? 1024 : 2 * r->cap;
        r->v = realloc(r->v, r->cap * sizeof r->v[0]);
        WEIR_ASSERT(r->v != NULL);
    }
    r->v[r->n++] = one;
}

static void count(struct refusals *r, const char *pool, const char *cause)
{
    struct refusal_count *c = r->counts;

    while (c < r->counts + r->n_counts &&
           (strcmp(c->pool, pool) != 0 || strcmp(c->cause, cause) != 0))
        c++;
    if (c == r->counts + REFUSALS_COUNTS_MAX)
        return;
    if (c == r->counts + r->n_counts) {
        (void)snprintf(c->pool, sizeof c->pool, "%s", pool);
        (void)snprintf(c->cause, sizeof c->cause, "%s", cause);
        r->n_counts++;
    }
    c->n++;
}

void refusals_line(const char *line, uint64_t start_wall_ns, struct refusals *out)
{
    json_t *j = json_loads(line, 0, NULL);
    uint64_t at_ns = rfc3339_parse(json_text_at(j, "time"));

    if (at_ns > 0 && strcmp(json_text_at(j, "decision"), "refused") == 0) {
        add(out, (struct refusal){.at_s = ((double)at_ns - (double)start_wall_ns) / 1e9,
                                  .own_ms = json_number_at(j, "duration_ms") -
                                            json_number_at(j, "queue_ms")});
        count(out, json_text_at(j, "pool"), json_text_at(j, "cause"));
    }
    json_decref(j);
}

void refusals_read(const char *path, uint64_t start_wall_ns, struct refusals *out)
{
    FILE *f = path[0] == '\0' ? NULL : fopen(path, "re");
    char *line = NULL;
    size_t size = 0;

    while (f != NULL && getline(&line, &size, f) > 0)
        refusals_line(line, start_wall_ns, out);
    free(line);
    if (f != NULL)
        (void)fclose(f);
}

void refusals_free(struct refusals *r)
{
    free(r->v);
    *r = (struct refusals){0};
}
