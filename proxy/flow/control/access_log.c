/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log and the memory of recent decisions: records come from the workers in blocks.  The
 * log never holds anybody up (weir/base/log_sink.h): what a slow file or pipe does not take in time
 * is dropped, counted and told.  Control thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/export.h"
#include "weir/base/json_out.h"

enum { LINE_MAX_BYTES = 16 * 1024 };

/* --- lines */

static void put_ms(struct json_out *j, const char *key, int64_t ns)
{
    if (ns < 0)
        json_put_null(j, key);
    else
        json_num(j, key, (double)ns / 1e6, 3);
}

static const char *route_name(const struct settings *st, int route)
{
    return route < 0 || (size_t)route >= st->n_routes ? NULL : st->routes[route].path;
}

static void put_upstream(struct json_out *j, const struct control *c,
                         const struct request_record *r)
{
    json_cstr(j, "pool", r->pool < 0 ? NULL : c->names.pools[r->pool]);
    json_cstr(j, "upstream", r->upstream < 0 ? NULL : c->names.upstreams[r->upstream]);
}

static void put_tokens(struct json_out *j, const char *key, bool known, uint32_t n)
{
    if (known)
        json_u64(j, key, n);
    else
        json_put_null(j, key);
}

static void put_user(struct json_out *j, uint64_t user)
{
    char hex[24];
    struct text t;

    text_init(&t, hex, sizeof hex);
    text_hex(&t, user, 16);
    json_cstr(j, "user", user == 0 ? NULL : hex);
}

/* Where there are limits: what it took of them, and which one refused it. */
static void put_counted(struct json_out *j, const struct request_record *r)
{
    char mem[LIMIT_NAME_MAX];

    put_tokens(j, "prompt_tokens", r->usage.knows_prompt, r->usage.prompt);
    put_tokens(j, "output_tokens", r->usage.knows_output, r->usage.output);
    json_cstr(j, "limit", limit_name(&r->limit, mem));
}

static void write_line(const struct control *c, const struct request_record *r, const char *path,
                       struct text *t)
{
    const struct settings *st = c->snapshot->settings;
    struct json_out j;
    char when[RFC3339_MAX];

    json_begin(&j, t);
    json_open_object(&j, NULL);
    json_str(&j, "time", slice_of(when, rfc3339_format(when, r->at_wall_ns)));
    json_cstr(&j, "request_id", r->id);
    json_cstr(&j, "upstream_request_id", r->upstream_id[0] == '\0' ? NULL : r->upstream_id);
    json_cstr(&j, "client", r->client);
    put_user(&j, r->user);
    json_cstr(&j, "method", r->method_len == 0 ? NULL : r->method);
    json_cstr(&j, "path", r->path_len == 0 ? NULL : path);
    json_cstr(&j, "route", route_name(st, r->route));
    put_upstream(&j, c, r);
    json_cstr(&j, "class", class_name(r->class));
    json_cstr(&j, "decision", decision_name(r->decision));
    json_cstr(&j, "cause", r->cause == CAUSE_NONE ? "" : cause_name(r->cause));
    if (r->numbers.observed != RULE_NONE) /* of a rule that only looks on */
        json_cstr(&j, "would", cause_name(rule_cause(r->numbers.observed)));
    if (r->status == 0)
        json_put_null(&j, "status");
    else
        json_u64(&j, "status", r->status);
    json_cstr(&j, "outcome", r->has_outcome ? outcome_name(r->outcome) : NULL);
    json_u64(&j, "client_retry", r->client_retry);
    json_u64(&j, "retries", r->retries);
    put_ms(&j, "queue_ms", r->queue_ns);
    put_ms(&j, "connect_ms", r->connect_ns);
    put_ms(&j, "ttft_ms", r->ttft_ns);
    put_ms(&j, "duration_ms", r->duration_ns);
    json_u64(&j, "events", r->events);
    json_u64(&j, "bytes_in", r->bytes_in);
    json_u64(&j, "bytes_out", r->bytes_out);
    if (r->pace_ns > 0)
        json_num(&j, "pace_ms", r->pace_ns / 1e6, 3);
    else
        json_put_null(&j, "pace_ms");
    if (r->counted)
        put_counted(&j, r);
    json_close(&j);
}

/* --- writing */

/* Where both logs go to stderr, the event log keeps a quarter of the room to itself. */
enum { LEFT_FOR_EVENTS = 64 * 1024 };

static void append_line(struct control *c, struct text *t)
{
    struct access_log *l = &c->log;
    bool taken;

    if (l->syslog) {
        taken = syslog_out_send(&l->syslog_out, text_slice(t), loop_now_ns(c->loop));
    } else {
        text_char(t, '\n');
        taken = log_sink_put(l->sink, text_slice(t), l->shared ? LEFT_FOR_EVENTS : 0);
    }
    l->dropped += !taken;
}

/* --- the memory of recent decisions */

bool why_ring_init(struct why_ring *w, uint32_t entries)
{
    *w = (struct why_ring){.size = entries};
    if (entries == 0)
        return true;
    w->records = calloc(entries, sizeof *w->records);
    return w->records != NULL;
}

void why_ring_free(struct why_ring *w)
{
    free(w->records);
    *w = (struct why_ring){0};
}

void why_ring_add(struct why_ring *w, const struct request_record *r)
{
    if (w->size == 0)
        return;
    w->records[w->next] = *r;
    w->next = (w->next + 1) % w->size;
    if (w->used < w->size)
        w->used++;
}

const struct request_record *control_why(struct control *c, const char *request_id)
{
    const struct why_ring *w = &c->why;

    for (uint32_t i = 1; i <= w->used; i++) {
        const struct request_record *r = &w->records[(w->next + w->size - i) % w->size];
        if (strcmp(r->id, request_id) == 0 || strcmp(r->upstream_id, request_id) == 0) {
            c->why_found = *r;
            control_index(c, &c->why_found.pool, &c->why_found.upstream);
            return &c->why_found;
        }
    }
    return NULL;
}

/* --- blocks */

static void on_record(const struct request_record *r, const struct request_trace *trace,
                      const char *path, void *arg)
{
    struct control *c = arg;
    char line[LINE_MAX_BYTES];
    struct text t;

    why_ring_add(&c->why, r);
    control_note_user(c, r);
    if (trace != NULL)
        export_record(c, r, trace, path);
    if (c->log.sink == NULL && !c->log.syslog)
        return;
    text_init(&t, line, sizeof line - 1); /* and its end */
    write_line(c, r, path, &t);
    t.cap++;
    if (!t.full)
        append_line(c, &t);
    else
        c->log.dropped++;
}

void control_on_records(struct loop_message *m)
{
    struct record_block *b = LIST_OBJECT(m, struct record_block, message);
    struct control *c = b->writer->control;

    record_each(b, on_record, c);
    if (c->workers.n_running > 0)
        record_block_return(b);
}

/* --- opening */

static int open_file(const char *path, char *why, size_t room)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);

    if (fd == -1)
        (void)snprintf(why, room, "log.access: \"%s\" cannot be opened: %s", path, strerror(errno));
    return fd;
}

static bool open_sink(struct access_log *l, int fd, bool own)
{
    l->sink = log_sink_create(fd, own, LOG_BUFFER_BYTES, NULL);
    if (l->sink == NULL && own)
        (void)close(fd);
    l->own_fd = own;
    return l->sink != NULL;
}

bool access_log_open(struct control *c, char *why, size_t room)
{
    const char *where = c->snapshot->settings->log.access;
    struct access_log *l = &c->log;
    int fd;

    if (strcmp(where, "off") == 0)
        return true;
    if (strcmp(where, "syslog") == 0) {
        syslog_out_open(&l->syslog_out);
        l->syslog = true;
        return true;
    }
    if (strcmp(where, "stderr") == 0) {
        l->sink = log_shared_sink();
        l->shared = l->sink != NULL;
        return l->shared || open_sink(l, STDERR_FILENO, false);
    }
    if (strcmp(where, "stdout") == 0)
        return open_sink(l, STDOUT_FILENO, false);
    fd = open_file(where, why, room);
    return fd != -1 && open_sink(l, fd, true);
}

/* After the file was moved away (SIGUSR1). */
void access_log_reopen(struct control *c)
{
    char why[300];
    int fd;

    if (!c->log.own_fd)
        return;
    fd = open_file(c->snapshot->settings->log.access, why, sizeof why);
    if (fd == -1) {
        log_error("%s; the old file is used on", why);
        return;
    }
    log_sink_flush(c->log.sink, 50 * NS_PER_MS); /* what was said before goes to the old one */
    log_sink_replace(c->log.sink, fd);
    log_info("the access log was opened anew");
}

/* Once a second: lines that are lost, or not written, are no secret. */
void access_log_watch(struct control *c)
{
    struct access_log *l = &c->log;
    int error = l->sink == NULL || l->shared ? 0 : log_sink_look(l->sink).error;
    bool news = (error != 0) != (l->error_said != 0) || l->dropped > l->dropped_said;

    l->error = error;
    if (!news || (l->said_ns != 0 && loop_now_ns(c->loop) - l->said_ns < LOG_SAID_EVERY_NS))
        return;
    if (error != 0)
        log_warn("the access log cannot be written (%s); %llu lines of it were dropped so far, "
                 "requests go on",
                 strerror(error), (unsigned long long)l->dropped);
    else if (l->dropped > l->dropped_said)
        log_warn("the access log is not taken as fast as it is written: %llu lines were dropped, "
                 "requests go on",
                 (unsigned long long)(l->dropped - l->dropped_said));
    else
        log_info("the access log is written again; %llu lines of it were dropped since the start",
                 (unsigned long long)l->dropped);
    l->said_ns = loop_now_ns(c->loop);
    l->error_said = error;
    l->dropped_said = l->dropped;
}

/* At the end: what is not taken within a moment is lost, and counted. */
void access_log_close(struct control *c)
{
    struct access_log *l = &c->log;

    if (l->sink != NULL && !l->shared) {
        uint64_t before = log_sink_look(l->sink).dropped;
        l->dropped += log_sink_destroy(&l->sink, 300 * NS_PER_MS) - before;
    }
    if (l->syslog)
        syslog_out_close(&l->syslog_out);
    l->sink = NULL;
    l->syslog = false;
}
