/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of faults: those for now are put into force, the others wait for their time. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/backend/server.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

enum { LINES_MAX = 256 };

struct waiting_line {
    struct list node;
    struct server *server;
    struct fault_line line;
    bool on; /* false: takes the fault back */
    struct event *timer;
};

static void put_in_force(struct server *s, const struct fault_line *l, bool on);

static void forget(struct waiting_line *w)
{
    list_remove(&w->node);
    event_free(w->timer);
    free(w);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct waiting_line *w = arg;
    struct server *s = w->server;
    struct fault_line line = w->line;
    bool on = w->on;

    (void)fd, (void)what;
    forget(w);
    put_in_force(s, &line, on);
}

static void wait_for(struct server *s, const struct fault_line *l, bool on, uint64_t ns)
{
    struct timeval tv = {(time_t)(ns / NS_PER_S), (suseconds_t)(ns % NS_PER_S / NS_PER_US)};
    struct waiting_line *w = calloc(1, sizeof *w);

    WEIR_ASSERT(w != NULL);
    *w = (struct waiting_line){.server = s, .line = *l, .on = on};
    w->timer = event_new(s->loop, -1, 0, on_time, w);
    WEIR_ASSERT(w->timer != NULL && event_add(w->timer, &tv) == 0);
    list_push_back(&s->script, &w->node);
}

static void put_in_force(struct server *s, const struct fault_line *l, bool on)
{
    enum order o = fault_apply(&s->faults, l, on);

    log_info("backend: %s %s", fault_name(l), on ? "begins" : "ends");
    if (o == ORDER_CLEAR)
        script_clear(s);
    life_order(s, o, l->value, (uint32_t)l->requests);
    if (on && l->for_ns > 0)
        wait_for(s, l, false, l->for_ns);
}

static size_t parse_all(struct slice lines, struct fault_line *out, char *why, size_t why_size,
                        bool *good)
{
    size_t n = 0;

    *good = true;
    while (lines.len > 0 && *good) {
        struct slice part = next_part(&lines, ';');
        while (part.len > 0 && *good) {
            struct slice line = next_part(&part, '\n');
            if (line.len == 0 || slice_eq(line, SLICE_LIT("\r")))
                continue;
            if (n == LINES_MAX) {
                (void)snprintf(why, why_size, "more than %d lines", LINES_MAX);
                *good = false;
            } else {
                *good = fault_parse(line, &out[n++], why, why_size) == WEIR_OK;
            }
        }
    }
    return n;
}

enum weir_status script_add(struct server *s, struct slice lines, char *why, size_t why_size)
{
    struct fault_line *parsed = calloc(LINES_MAX, sizeof *parsed);
    bool good;
    size_t n;

    WEIR_ASSERT(parsed != NULL);
    n = parse_all(lines, parsed, why, why_size, &good);
    if (good && n == 0) {
        (void)snprintf(why, why_size, "nothing to do; a line is as in: slow=2 for 30s");
        good = false;
    }
    for (size_t i = 0; good && i < n; i++) {
        if (parsed[i].at_ns > 0)
            wait_for(s, &parsed[i], true, parsed[i].at_ns);
        else
            put_in_force(s, &parsed[i], true);
    }
    free(parsed);
    return good ? WEIR_OK : WEIR_BAD;
}

void script_clear(struct server *s)
{
    LIST_EACH_SAFE(n, next, &s->script)
    forget(LIST_OBJECT(n, struct waiting_line, node));
}
