/* SPDX-License-Identifier: Apache-2.0 */
/* The onlooker: samples of weir's status and events and of the backend's counters. */
#include "bench/scenario/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/common/grow.h"
#include "bench/common/units.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

uint64_t rfc3339_parse(const char *s)
{
    struct tm tm = {0};
    int year, month, n = 0;
    double seconds;

    if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%lfZ%n", &year, &month, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &seconds, &n) != 6 ||
        n == 0)
        return 0;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    return (uint64_t)timegm(&tm) * NS_PER_S + (uint64_t)(seconds * 1e9);
}

static double since_start(const struct watch *w, uint64_t wall_ns)
{
    return ((double)wall_ns - (double)w->start_wall_ns) / 1e9;
}

void watch_start(struct watch *w, const char *admin_path, const char *control_url)
{
    *w = (struct watch){.control_url = control_url, .start_wall_ns = wall_now_ns()};
    admin_init(&w->admin, admin_path);
}

static void *look_on(void *arg)
{
    struct watch *w = arg;
    struct timespec pause = {.tv_sec = w->period_ms / 1000,
                             .tv_nsec = (long)(w->period_ms % 1000) * 1000000};

    while (!atomic_load(&w->stop)) {
        (void)watch_poll(w);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

void watch_in_background(struct watch *w, unsigned period_ms)
{
    w->period_ms = period_ms;
    w->has_thread = true;
    WEIR_ASSERT(pthread_create(&w->thread, NULL, look_on, w) == 0);
}

void watch_stop(struct watch *w)
{
    atomic_store(&w->stop, true);
}

void watch_join(struct watch *w)
{
    if (!w->has_thread)
        return;
    watch_stop(w);
    (void)pthread_join(w->thread, NULL);
    w->has_thread = false;
}

void watch_end(struct watch *w)
{
    watch_join(w);
    admin_close(&w->admin);
    free(w->samples);
    free(w->events);
    w->samples = NULL;
    w->events = NULL;
}

static void copy(char *out, size_t size, const char *s)
{
    (void)snprintf(out, size, "%s", s);
}

static void read_status(struct watch_sample *s, const json_t *j)
{
    const json_t *pool = json_at(j, "pools.0"), *u = json_at(pool, "upstreams.0");

    s->has_weir = true;
    copy(s->state, sizeof s->state, json_text_at(j, "state"));
    copy(s->upstream_state, sizeof s->upstream_state, json_text_at(u, "state"));
    s->share = json_number_at(u, "share");
    s->shed_per_s = json_number_at(pool, "shed_per_s");
    s->queued = (int)json_number_at(pool, "queue.length");
    s->pending = (int)json_number_at(u, "pending");
    s->inflight = (int)json_number_at(u, "inflight");
    s->limit_streams = json_number_at(u, "limits.streams");
}

static void read_stats(struct watch_sample *s, const json_t *j)
{
    s->has_backend = true;
    s->backend_up = strcmp(json_text_at(j, "state"), "up") == 0;
    s->running = (int)(json_number_at(j, "running") + json_number_at(j, "api_busy"));
    s->waiting = (int)(json_number_at(j, "queued") + json_number_at(j, "api_queued"));
    s->attempts = json_number_at(j, "attempts") + json_number_at(j, "reset_while_down");
    s->refused = json_number_at(j, "refused");
    s->longest_wait_s = json_number_at(j, "longest_wait_1s_s");
    s->tokens = json_number_at(j, "tokens");
    s->tokens_wasted = json_number_at(j, "tokens_wasted");
}

static void keep_event(struct watch *w, const json_t *e, double at_s)
{
    struct watch_event *out;
    char *numbers = json_dumps(json_at(e, "numbers"), JSON_COMPACT | JSON_REAL_PRECISION(4));

    if (w->n_events == w->cap_events) {
        w->cap_events = w->cap_events == 0 ? 64 : 2 * w->cap_events;
        w->events = realloc(w->events, w->cap_events * sizeof w->events[0]);
        WEIR_ASSERT(w->events != NULL);
    }
    out = &w->events[w->n_events++];
    *out = (struct watch_event){.at_s = at_s};
    copy(out->upstream, sizeof out->upstream, json_text_at(e, "upstream"));
    copy(out->from, sizeof out->from, json_text_at(e, "from"));
    copy(out->to, sizeof out->to, json_text_at(e, "to"));
    copy(out->cause, sizeof out->cause, json_text_at(e, "cause"));
    copy(out->numbers, sizeof out->numbers, numbers == NULL ? "" : numbers);
    free(numbers);
}

/*
 * Newest last.  Rounds of probes in vain are one event that is numbered anew with each round, so
 * what was seen before is told by the number alone, and not by the place in the list.
 */
void watch_take_events(struct watch *w, const json_t *list)
{
    uint64_t newest = w->last_seq;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        double at_s = since_start(w, rfc3339_parse(json_text_at(e, "at")));
        uint64_t seq = (uint64_t)json_number_at(e, "seq");
        if (seq <= w->last_seq)
            continue;
        newest = seq > newest ? seq : newest;
        if (at_s >= -0.001)
            keep_event(w, e, at_s);
    }
    w->last_seq = newest;
}

static void look_at_weir(struct watch *w, struct watch_sample *s)
{
    json_t *status = admin_ask(&w->admin, "status --json", w->why, sizeof w->why);
    json_t *events =
        status == NULL ? NULL : admin_ask(&w->admin, "events --json", w->why, sizeof w->why);

    if (status != NULL)
        read_status(s, status);
    if (events != NULL)
        watch_take_events(w, events);
    if (status == NULL || events == NULL)
        w->failures++;
    json_decref(status);
    json_decref(events);
}

const struct watch_sample *watch_poll(struct watch *w)
{
    struct watch_sample s = {.at_s = since_start(w, wall_now_ns())};

    if (w->admin.path[0] != '\0')
        look_at_weir(w, &s);
    if (w->control_url[0] != '\0') {
        json_t *stats = control_ask(w->control_url, "/stats", NULL);
        if (stats != NULL)
            read_stats(&s, stats);
        json_decref(stats);
    }
    if (w->n_samples == w->cap_samples) {
        w->cap_samples = w->cap_samples == 0 ? 512 : 2 * w->cap_samples;
        w->samples = realloc(w->samples, w->cap_samples * sizeof w->samples[0]);
        WEIR_ASSERT(w->samples != NULL);
    }
    w->samples[w->n_samples] = s;
    return &w->samples[w->n_samples++];
}

bool shed_parse(struct slice line, struct watch_shed *out)
{
    static const char mark[] = "cause=\"";
    struct slice rest, cause;
    const char *at;

    if (!slice_starts(line, SLICE_LIT("weir_shed_total{")) ||
        (at = memmem(line.p, line.len, mark, sizeof mark - 1)) == NULL)
        return false;
    rest = slice_from(line, (size_t)(at - line.p) + sizeof mark - 1);
    cause = next_part(&rest, '"');
    (void)next_word(&rest); /* what is left of the braces */
    (void)snprintf(out->cause, sizeof out->cause, "%.*s", (int)cause.len, cause.p);
    return real_parse(slice_trim(rest), &out->n) == WEIR_OK;
}

void watch_add_shed(struct watch *w, const char *cause, double n)
{
    size_t i = 0;

    while (i < w->n_sheds && strcmp(w->sheds[i].cause, cause) != 0)
        i++;
    if (i == SHEDS_MAX)
        return;
    if (i == w->n_sheds) {
        w->sheds[w->n_sheds++] = (struct watch_shed){0};
        copy(w->sheds[i].cause, sizeof w->sheds[i].cause, cause);
    }
    w->sheds[i].n += n;
}

void watch_read_sheds(struct watch *w)
{
    struct grow g = {0};
    struct slice rest;
    struct watch_shed s;

    w->n_sheds = 0;
    if (w->admin.path[0] == '\0' ||
        admin_read(&w->admin, "metrics", &g, w->why, sizeof w->why) != WEIR_OK) {
        grow_free(&g);
        return;
    }
    for (rest = grow_slice(&g); rest.len > 0;) {
        if (shed_parse(next_part(&rest, '\n'), &s) && s.n > 0)
            watch_add_shed(w, s.cause, s.n);
    }
    grow_free(&g);
}
