/* SPDX-License-Identifier: Apache-2.0 */
/* The rows: what is measured, under what load, and how the number comes from it. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/compare/compare.h"
#include "bench/scenario/ask.h"

static double cpu_us(const struct compare *c)
{
    return c->cpu_after_us - c->cpu_before_us;
}

static double per(double what, uint64_t n)
{
    return n == 0 ? 0 : what / (double)n;
}

static double cpu_per_answer(const struct compare *c, const struct hammer_result *r)
{
    /* a run with refusals measured something else: better no number than a wrong one */
    return r->refused > r->answers / 1000 ? 0 : per(cpu_us(c), r->answers);
}

static double cpu_per_refusal(const struct compare *c, const struct hammer_result *r)
{
    return r->refused < r->answers - r->answers / 1000 ? 0 : per(cpu_us(c), r->refused);
}

static double cpu_per_event(const struct compare *c, const struct hammer_result *r)
{
    return per(cpu_us(c), r->events);
}

static double cpu_per_handshake(const struct compare *c, const struct hammer_result *r)
{
    return per(cpu_us(c), r->handshakes);
}

static double memory_each(const struct compare *c, const struct hammer_result *r)
{
    return per(c->memory_after_kib - c->memory_before_kib, r->open);
}

static double delay_median(const struct compare *c, const struct hammer_result *r)
{
    struct samples s = r->delay_us;

    (void)c;
    return samples_percentile(&s, 0.5) / 1e3;
}

/* A stream that occupies the one place there is; read by nobody, its next event is a minute away.
 */
static int hold_a_stream(const char *url)
{
    static const char body[] = "{\"stream\":true,\"messages\":[]}";
    struct target t;
    char bytes[4096];
    int fd;

    if (target_parse(url, &t) != WEIR_OK)
        return -1;
    fd = socket(t.address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int n = snprintf(bytes, sizeof bytes,
                     "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     t.host, sizeof body - 1, body);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&t.address.sa, t.address.len) == 0 &&
        send(fd, bytes, (size_t)n, MSG_NOSIGNAL) == n && recv(fd, bytes, sizeof bytes, 0) > 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* weir refuses because its breaker is held open, the others because their one place is taken. */
static enum weir_status make_it_refuse(struct compare *c, struct setup *s, const char *target,
                                       char *why, size_t why_size)
{
    struct admin a;
    enum weir_status rc;

    if (strcmp(target, "weir") != 0) {
        c->held = hold_a_stream(s->target_url);
        if (c->held >= 0)
            return WEIR_OK;
        (void)snprintf(why, why_size, "no stream could be opened");
        return WEIR_REFUSED;
    }
    admin_init(&a, s->admin_path);
    rc = admin_tell(&a, "breaker bench/backend open", why, why_size);
    admin_close(&a);
    return rc;
}

/* The pace promise of 5 s is for the lean backend, whose events have no pace to be judged by. */
#define SLOW_PACE "  limiter = { pace_target = \"5s\"; };"
/*
 * The limiter does all its work and looks on only: with thousands of clients that ask again at once
 * it would hold most of them in its queue, and the row would measure that.  The others have none.
 */
#define LOOKS_ON "  limiter = { mode = \"observe\"; };"

const struct measurement measurements[] = {
    {.name = "request-64",
     .title = "CPU per small request, 64 keep-alive clients",
     .unit = "us",
     .decimals = 1,
     .weir_settings = LOOKS_ON,
     .interval_ms = 1000,
     .load = {.kind = HAMMER_REQUESTS, .clients = 64, .opening = 64, .warm_s = 1, .open_s = 10},
     .value = cpu_per_answer},
    {.name = "request-2000",
     .title = "the same, 2,000 clients",
     .unit = "us",
     .decimals = 1,
     .weir_settings = LOOKS_ON,
     .interval_ms = 1000,
     .load =
         {.kind = HAMMER_REQUESTS, .clients = 2000, .opening = 128, .warm_s = 1.5, .open_s = 20},
     .value = cpu_per_answer},
    {.name = "event-400",
     .title = "CPU per relayed event, 400 streams of 50 a second",
     .unit = "us",
     .decimals = 1,
     .interval_ms = 20,
     .weir_settings = SLOW_PACE,
     .load = {.kind = HAMMER_STREAMS, .clients = 400, .opening = 8, .warm_s = 1, .open_s = 20},
     .value = cpu_per_event},
    {.name = "refusal",
     .title = "CPU per refusal, 64 clients",
     .unit = "us",
     .decimals = 1,
     .interval_ms = 60000,
     .limit = 1,
     .no_relay = true,
     .fresh = true,
     .prepare = make_it_refuse,
     .load = {.kind = HAMMER_REQUESTS, .clients = 64, .opening = 64, .warm_s = 0.5, .open_s = 10},
     .value = cpu_per_refusal},
    {.name = "handshake",
     .title = "CPU per TLS 1.3 handshake, P-256",
     .unit = "us",
     .decimals = 0,
     .interval_ms = 1000,
     .tls = true,
     .no_relay = true,
     .load = {.kind = HAMMER_HANDSHAKES, .clients = 32, .warm_s = 0.3},
     .value = cpu_per_handshake},
    {.name = "idle-memory",
     .title = "memory per idle connection (4,000)",
     .unit = "KiB",
     .decimals = 1,
     .interval_ms = 1000,
     .fresh = true,
     .load = {.kind = HAMMER_IDLE, .clients = 4000, .opening = 64, .warm_s = 1, .open_s = 40},
     .value = memory_each},
    {.name = "stream-memory",
     .title = "memory per open stream (4,000)",
     .unit = "KiB",
     .decimals = 1,
     .interval_ms = 1000,
     .fresh = true,
     .weir_settings = SLOW_PACE,
     .load = {.kind = HAMMER_STREAMS, .clients = 4000, .opening = 16, .warm_s = 2, .open_s = 60},
     .value = memory_each},
    {.name = "delay",
     .title = "age of an event on arrival, 200 streams of 50 a second, median",
     .unit = "ms",
     .decimals = 3,
     .interval_ms = 20,
     .weir_settings = SLOW_PACE,
     .with_direct = true,
     .load = {.kind = HAMMER_STREAMS,
              .clients = 200,
              .opening = 8,
              .warm_s = 1,
              .open_s = 20,
              .delays = true},
     .value = delay_median},
};
const size_t n_measurements = sizeof measurements / sizeof measurements[0];
