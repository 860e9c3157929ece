/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint as programs and browsers see it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reader.h"
#include "rig.h"
#include "web/history.h"
#include "web/web_priv.h"

TestSuite(web, .init = rig_open, .fini = rig_close);

static const char *get(const char *request)
{
    int fd = dial_web();
    const char *got;

    say(fd, request);
    got = hear(fd, NULL);
    (void)close(fd);
    return got;
}

static const char *get_path(const char *path)
{
    char request[256];

    (void)snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:9901\r\nConnection: close\r\n\r\n", path);
    return get(request);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");

    cr_assert_not_null(end, "%s", answer);
    return end + 4;
}

Test(web, metrics_say_their_format)
{
    const char *got = get_path("/metrics?x=1");

    cr_assert(strstr(got, "HTTP/1.1 200 OK\r\n") == got);
    cr_assert(strstr(got, "Content-Type: text/plain; version=0.0.4") != NULL);
    cr_assert(strstr(body_of(got), "\nweir_inflight{pool=\"chat\",upstream=\"a\"} 12\n") != NULL);
}

Test(web, status_json_is_the_socket_command)
{
    cr_assert_str_eq(read_json(body_of(get_path("/status.json")), "pools.0.upstreams.1.state"),
                     "\"open\"");
}

Test(web, weir_is_ready_though_every_upstream_is_dead_but_not_while_it_drains)
{
    control.view.state = SERVICE_DOWN;
    cr_assert(strstr(get_path("/readyz"), "HTTP/1.1 200 ") != NULL);
    cr_assert(strstr(get_path("/healthz"), "HTTP/1.1 200 ") != NULL);
    control.view.state = SERVICE_DRAINING;
    cr_assert(strstr(get_path("/readyz"), "HTTP/1.1 503 ") != NULL);
    cr_assert(strstr(get_path("/healthz"), "HTTP/1.1 200 ") != NULL);
}

Test(web, the_page_is_small_and_may_load_nothing)
{
    const char *got = get_path("/"), *body = body_of(got);

    cr_assert(strstr(got, "Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
    cr_assert_lt(strlen(body), 60 * 1024);
    cr_assert(strstr(body, "http://") == NULL && strstr(body, "https://") == NULL);
    cr_assert(strstr(body, "</html>") != NULL);
    cr_assert(strstr(body, "innerHTML") == NULL);
}

Test(web, connections_stay_for_the_next_request)
{
    int fd = dial_web();

    say(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    cr_assert(strstr(hear(fd, "/status.json\n"), "ok\nHTTP/1.1 404 ") != NULL);
    say(fd, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    cr_assert(strstr(hear(fd, "\r\n\r\n"), "Content-Length: 3\r\n") != NULL);
    (void)close(fd);
}

Test(web, a_request_is_understood_in_any_split)
{
    const char request[] = "GET /healthz HTTP/1.1\r\nHost: [::1]:9901\r\n\r\n";

    for (size_t cut = 1; cut < sizeof request - 1; cut += 3) {
        char first[64];
        int fd = dial_web();
        (void)snprintf(first, sizeof first, "%.*s", (int)cut, request);
        say(fd, first);
        for (int i = 0; i < 3; i++)
            loop_poll(control.loop);
        say(fd, request + cut);
        cr_assert(strstr(hear(fd, "ok\n"), "200 OK") != NULL);
        (void)close(fd);
        loop_poll(control.loop);
    }
}

Test(web, what_would_change_something_is_refused)
{
    cr_assert(strstr(get("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 405 ") != NULL);
    cr_assert(strstr(get("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"),
                     "HTTP/1.1 413 ") != NULL);
    cr_assert(strstr(get("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                         "\r\n0\r\n\r\n"),
                     "HTTP/1.1 413 ") != NULL);
    cr_assert(strstr(get("\x16\x03\x01\r\n\r\n"), "HTTP/1.1 400 ") != NULL);
}

Test(web, names_that_strangers_chose_are_refused)
{
    cr_assert(strstr(get("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "HTTP/1.1 421 "));
    cr_assert(web_host_is_ours(SLICE_LIT("127.0.0.1"), "", NULL, 0));
    cr_assert(web_host_is_ours(SLICE_LIT("10.1.2.3:9901"), "", NULL, 0));
    cr_assert(web_host_is_ours(SLICE_LIT("[::1]:9901"), "", NULL, 0));
    cr_assert(web_host_is_ours(SLICE_LIT("LocalHost:9901"), "", NULL, 0));
    cr_assert(web_host_is_ours(SLICE_LIT("db7:9901"), "db7.example.org", NULL, 0));
    cr_assert(web_host_is_ours(SLICE_LIT("db7.example.org"), "db7.example.org", NULL, 0));
    cr_assert(!web_host_is_ours(SLICE_LIT("db7.evil.example"), "db7.example.org", NULL, 0));
    cr_assert(!web_host_is_ours(SLICE_LIT("127.0.0.1.evil.example"), "", NULL, 0));
    cr_assert(!web_host_is_ours(SLICE_LIT("[::1"), "", NULL, 0));
    cr_assert(!web_host_is_ours(SLICE_LIT(""), "", NULL, 0));
}

Test(web, names_of_admin_hosts_are_ours)
{
    char *const hosts[] = {"weir.monitoring.svc", "*.example.org"};

    cr_assert(web_host_is_ours(SLICE_LIT("Weir.monitoring.svc:9901"), "", hosts, 2));
    cr_assert(web_host_is_ours(SLICE_LIT("weir.monitoring.svc.:9901"), "", hosts, 2));
    cr_assert(web_host_is_ours(SLICE_LIT("a.b.example.org"), "", hosts, 2));
    cr_assert(!web_host_is_ours(SLICE_LIT("example.org"), "", hosts, 2));
    cr_assert(!web_host_is_ours(SLICE_LIT("evilexample.org"), "", hosts, 2));
    cr_assert(!web_host_is_ours(SLICE_LIT("monitoring.svc"), "", hosts, 2));
}

Test(web, an_open_page_hears_history_points_and_changes)
{
    int fd = dial_web();
    const char *got, *frame;

    fake_event(&control, "before", BREAKER_CLOSED, BREAKER_OPEN);
    say(fd, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    got = hear(fd, "}\n\n");
    cr_assert(strstr(got, "Content-Type: text/event-stream\r\n") != NULL);
    frame = strstr(got, "event: history\ndata: ");
    cr_assert_not_null(frame);
    cr_assert_str_eq(read_json(frame + 21, "events.0.sentence"), "\"before\"");
    frame = strstr(got, "event: status\ndata: ");
    cr_assert_str_eq(read_json(frame + 20, "state"), "\"recovering\"");
    fake_event(&control, "after", BREAKER_OPEN, BREAKER_CLOSED);
    frame = strstr(hear(fd, "}\n\n"), "event: change\ndata: ");
    cr_assert_str_eq(read_json(frame + 20, "sentence"), "\"after\"");
    (void)close(fd);
}

Test(web, pages_beyond_the_bound_are_told_so)
{
    int fds[16];

    for (int i = 0; i < 16; i++) {
        fds[i] = dial_web();
        say(fds[i], "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (void)hear(fds[i], "}\n\n");
    }
    cr_assert(strstr(get_path("/events"), "HTTP/1.1 503 ") != NULL);
    (void)close(fds[0]);
    for (int i = 0; i < 5; i++)
        loop_poll(control.loop);
    fds[0] = dial_web();
    say(fds[0], "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    cr_assert(strstr(hear(fds[0], "}\n\n"), "HTTP/1.1 200 ") != NULL);
    for (int i = 0; i < 16; i++)
        (void)close(fds[i]);
}

static const char *history_text(struct history *h, bool newest)
{
    static char mem[400000];
    struct text t;
    struct json_out j;

    text_init(&t, mem, sizeof mem);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    if (newest)
        history_newest_json(&j, h);
    else
        history_json(&j, h);
    json_close(&j);
    cr_assert(!t.full);
    return mem;
}

Test(web, history_keeps_what_came_in_each_second)
{
    struct history *h = history_create();

    history_tick(h, &control.view);
    control.upstream_status[0].sum.outcomes[OUTCOME_OK] += 7;
    control.pool_status.sum.shed[CAUSE_CIRCUIT_OPEN] += 3;
    control.view.now_wall_ns += UINT64_C(1000000000);
    history_tick(h, &control.view);
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.0.ok"), "[0,7]");
    cr_assert_str_eq(read_json(history_text(h, true), "upstreams.0.ok"), "[7]");
    cr_assert_str_eq(read_json(history_text(h, false), "pools.0.shed"), "{\"circuit_open\":[0,3]}");
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.1.state"), "[1,1]");
    history_destroy(&h);
}

Test(web, history_holds_ten_minutes_and_forgets_what_is_gone)
{
    struct history *h = history_create();

    control.pool_status.n_upstreams = 1;
    for (int i = 0; i < HISTORY_POINTS + 50; i++) {
        control.upstream_status[0].v.inflight = (uint32_t)i;
        if (i == HISTORY_POINTS)
            control.pool_status.n_upstreams = 2;
        history_tick(h, &control.view);
    }
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.0.inflight.0"), "50");
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.0.inflight.599"), "649");
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.0.inflight.600"), "missing");
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.1.state.549"), "null");
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.1.state.550"), "1");
    control.pool_status.n_upstreams = 1;
    history_tick(h, &control.view);
    cr_assert_str_eq(read_json(history_text(h, false), "upstreams.1"), "missing");
    history_destroy(&h);
}
