/* SPDX-License-Identifier: Apache-2.0 */
/* The socket as a client sees it: the real layer on a real loop, control being a fake. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call/call.h"
#include "reader.h"
#include "rig.h"

TestSuite(socket, .init = rig_open, .fini = rig_close);

static const char *ask(const char *line)
{
    int fd = dial();
    const char *got;

    say(fd, line);
    got = hear(fd, "\n\n");
    (void)close(fd);
    loop_poll(control.loop);
    return got;
}

static void expect_json(const char *document, const char *at, const char *want)
{
    const char *got = read_json(document, at);

    cr_assert_str_eq(got, want, "%s is %s, not %s, in %s", at, got, want, document);
}

Test(socket, status_says_state_cause_and_age_on_one_screen)
{
    const char *got = ask("status\n");

    cr_assert(strstr(got, "RECOVERING for 42 s") != NULL, "%s", got);
    cr_assert(strstr(got, "full in about 12 s") != NULL, "%s", got);
    cr_assert(strstr(got, "845 requests: circuit_open 812, queue_timeout 33") ||
                  strstr(got, "845 requests: queue_timeout 33, circuit_open 812"),
              "%s", got);
    cr_assert(strstr(got, "ramping, held") != NULL, "%s", got);
    cr_assert(strstr(got, "12 of 60") != NULL, "%s", got);
    cr_assert(strstr(got, "40 ok, 3 failed, 1 late") != NULL, "%s", got);
    cr_assert(strstr(got, "b: 0 of 60 places used; the breaker holds it: open (consecutive), next "
                          "probes in 2 s\n") != NULL,
              "%s", got);
    cr_assert(strstr(got, "a: 12 of 12 places used; the ramp holds it: share 30 %") != NULL, "%s",
              got);
    cr_assert(strstr(got, "a: ramp set 30 %, commanded by uid 0, until 03:40:29Z") != NULL, "%s",
              got);
}

Test(socket, status_has_the_promised_json_names)
{
    static const struct {
        const char *at, *want;
    } rows[] = {
        {"state", "\"recovering\""},
        {"since", "\"2025-09-03T03:11:27.000Z\""},
        {"uptime_s", "11520"},
        {"incident", "null"},
        {"pools.0.name", "\"chat\""},
        {"pools.0.share", "0.15"},
        {"pools.0.queue", "{\"length\":3,\"oldest_ms\":400}"},
        {"pools.0.shed_per_s", "12.4"},
        {"pools.0.upstreams.0.state", "\"ramping\""},
        {"pools.0.upstreams.0.cause", "\"error_rate\""},
        {"pools.0.upstreams.0.since", "\"2025-09-03T03:11:57.000Z\""},
        {"pools.0.upstreams.0.until", "null"},
        {"pools.0.upstreams.0.held_until", "null"},
        {"pools.0.upstreams.0.override",
         "[{\"what\":\"ramp set 30 %\",\"by\":\"uid 0\",\"until\":\"2025-09-03T03:40:29.000Z\"}]"},
        {"pools.0.upstreams.0.share", "0.3"},
        {"pools.0.binding",
         "{\"rule\":null,\"enforced\":true,\"sentence\":\"0 of 2 upstreams would "
         "take another request; the ramp holds 1; the breaker holds 1\"}"},
        {"pools.0.upstreams.0.binding.rule", "\"ramp\""},
        {"pools.0.upstreams.0.binding.enforced", "true"},
        {"pools.0.upstreams.0.pending", "2"},
        {"pools.0.upstreams.0.inflight", "12"},
        {"pools.0.upstreams.0.limits", "{\"pending\":8,\"streams\":60}"},
        {"pools.0.upstreams.0.window.seconds", "10"},
        {"pools.0.upstreams.0.window.connect_failed", "0"},
        {"pools.0.upstreams.0.window.late", "1"},
        {"pools.0.upstreams.0.ttft_ms.p99", "1340.0"},
        {"pools.0.upstreams.0.pace_ms.p50", "45.0"},
        {"pools.0.upstreams.0.modes", "{\"breaker\":\"enforce\",\"limiter\":\"enforce\",\"ramp\":"
                                      "\"enforce\",\"queue\":\"enforce\"}"},
        {"pools.0.upstreams.1.until", "\"2025-09-03T03:12:11.000Z\""},
        {"pools.0.upstreams.1.override", "[]"},
    };
    const char *got = ask("status --json\n");

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_json(got, rows[i].at, rows[i].want);
}

Test(socket, answers_stay_on_the_connection_and_end_with_an_empty_line)
{
    int fd = dial();

    say(fd, "help ramp\r\n");
    cr_assert(strstr(hear(fd, "\n\n"), "ramp POOL[/UPSTREAM] start") != NULL);
    say(fd, "\nlog-level error\nrmap chat\n");
    cr_assert_str_eq(hear(fd, "help)\n\n"), "the event log says what is error and above\n\n"
                                            "error: there is no command \"rmap\" (see: help)\n\n");
    (void)close(fd);
}

Test(socket, a_last_line_without_its_end_is_answered_when_the_client_closes_its_side)
{
    int fd = dial();

    say(fd, "log-level error");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_assert_str_eq(hear(fd, NULL), "the event log says what is error and above\n\n");
    (void)close(fd);
}

Test(socket, everything_sent_before_the_end_is_answered)
{
    enum { TIMES = 4000 };
    int fd = dial(), sent = 0, heard = 0;
    char some[512], last = ' ';
    ssize_t n = -1;

    for (int i = 0; i < 200000 && n != 0; i++) {
        if (sent < TIMES && send(fd, "help\n", 5, MSG_DONTWAIT | MSG_NOSIGNAL) == 5) {
            if (++sent == TIMES)
                cr_assert_eq(shutdown(fd, SHUT_WR), 0);
        }
        if (i % 8 == 0)
            loop_poll(control.loop);
        n = recv(fd, some, sizeof some, MSG_DONTWAIT);
        for (ssize_t k = 0; k < n; k++) {
            heard += some[k] == '\n' && last == '\n';
            last = some[k];
        }
    }
    cr_assert_eq(n, 0, "not closed");
    cr_assert_eq(heard, TIMES, "%d of %d", heard, sent);
    (void)close(fd);
}

Test(socket, errors_have_a_json_form)
{
    const char *got = ask("ramp --json chat sideways\n");

    cr_assert(slice_starts(slice_str(got), SLICE_LIT("error: {")), "%s", got);
    expect_json(got + 7, "error.code", "\"usage\"");
}

Test(socket, orders_reach_control_with_uid_value_and_deadline)
{
    const char *got = ask("ramp chat/b set 30% for 2h\n");

    cr_assert(strstr(got, "chat/b: share put and held at 30 % for 2 h, until") != NULL, "%s", got);
    cr_assert_eq(control.last.order, OPERATOR_RAMP_SET);
    cr_assert_eq(control.last.pool, 0);
    cr_assert_eq(control.last.upstream, 1);
    cr_assert_float_eq(control.last.value, 0.3, 1e-9);
    cr_assert_eq(control.last.for_ns, UINT64_C(7200) * 1000000000);
    cr_assert_eq(control.last.uid, getuid());
    cr_assert_str_eq(control.last.text, "ramp chat/b set 30% for 2h");
    (void)ask("ramp chat hold\n");
    cr_assert_eq(control.last.upstream, SIZE_MAX);
    cr_assert_eq(control.last.for_ns, COMMAND_FOR_DEFAULT_NS);
    (void)ask("limit chat/a auto\n");
    cr_assert_eq(control.last.order, OPERATOR_LIMIT_STREAMS);
    cr_assert_eq(control.last.value, 0);
    (void)ask("mode chat ramp observe\n");
    cr_assert_eq(control.last.upstream, SET_RAMP);
}

Test(socket, a_refused_order_says_why)
{
    control.refuse = "there is no ramp to hold: the breaker is closed";
    cr_assert_str_eq(ask("ramp chat/a hold\n"),
                     "error: there is no ramp to hold: the breaker is closed\n\n");
}

Test(socket, unknown_names_are_answered_with_those_there_are)
{
    cr_assert_str_eq(ask("ramp chta hold\n"),
                     "error: there is no pool \"chta\"; there is: chat\n\n");
    cr_assert_str_eq(ask("breaker chat/c open\n"),
                     "error: pool chat has no upstream \"c\"; there is: chat/a, chat/b\n\n");
    cr_assert_eq(control.orders, 0);
}

Test(socket, a_dry_run_tells_what_would_change_and_what_that_does)
{
    cr_assert_str_eq(ask("reload --dry-run\n"),
                     "the file is good; a reload would change 1 setting\n"
                     "  workers: 3, was 2 (weir.cfg:7)\n"
                     "what it does to running traffic\n"
                     "  the listener [::]:81 opens\n"
                     "  requests under way end under the settings they began with; none is cut\n"
                     "nothing was changed\n\n");
    cr_assert_str_eq(ask("reload --dry-run --json\n"),
                     "{\"changes\":[{\"key\":\"workers\",\"was\":\"2\",\"is\":\"3\","
                     "\"from\":\"weir.cfg:7\"}],\"effects\":[\"the listener [::]:81 opens\"]}\n\n");
    cr_assert_eq(control.orders, 0);
}

Test(socket, a_reload_with_diagnostics_shows_all_of_them)
{
    const char *got;

    control.diagnostics[0] = "unknown key \"worker\", did you mean \"workers\"?";
    control.diagnostics[1] = "queue_target = 1ms: the range is 50ms to 5s";
    control.n_diagnostics = 2;
    got = ask("reload\n");
    cr_assert(slice_starts(slice_str(got),
                           SLICE_LIT("error: the running settings stay: 2 errors in the file\n"
                                     "weir.cfg:7: unknown key")),
              "%s", got);
    cr_assert(strstr(got, "\nweir.cfg:7: queue_target = 1ms") != NULL, "%s", got);
}

Test(socket, incidents_are_set_and_cleared)
{
    (void)ask("incident chat set \"We are on it\" for 45m\n");
    cr_assert_str_eq(control.incident, "We are on it");
    cr_assert(strstr(ask("status\n"), "incident text shown to users: \"We are on it\"") != NULL);
    (void)ask("incident chat clear\n");
    cr_assert_str_eq(control.incident, "");
}

Test(socket, events_come_oldest_first_and_as_many_as_asked)
{
    const char *got;

    fake_event(&control, "first", BREAKER_CLOSED, BREAKER_OPEN);
    fake_event(&control, "second", BREAKER_OPEN, BREAKER_HALF_OPEN);
    cr_assert(strstr(ask("events\n"), "first\n") != NULL);
    cr_assert(strstr(ask("events 1\n"), "first") == NULL);
    got = ask("events --json\n");
    expect_json(got, "0.to", "\"open\"");
    expect_json(got, "0.numbers.failed", "31");
    expect_json(got, "1.from", "\"open\"");
    expect_json(got, "2", "missing");
}

Test(socket, watch_goes_on_until_a_line_comes)
{
    int fd = dial();

    say(fd, "watch --json\n");
    loop_poll(control.loop);
    loop_poll(control.loop);
    fake_event(&control, "one", BREAKER_CLOSED, BREAKER_OPEN);
    cr_assert(strstr(hear(fd, "}\n"), "\"sentence\":\"one\"") != NULL);
    say(fd, "\n");
    cr_assert_str_eq(hear(fd, "\n"), "\n");
    fake_event(&control, "two", BREAKER_OPEN, BREAKER_CLOSED);
    say(fd, "log-level error\n");
    cr_assert(strstr(hear(fd, "\n\n"), "two") == NULL);
    (void)close(fd);
}

Test(socket, who_watches_without_reading_is_dropped)
{
    int fd = dial();

    say(fd, "watch\n");
    loop_poll(control.loop);
    loop_poll(control.loop);
    for (int i = 0; i < 20000; i++) {
        control.n_events = 0;
        fake_event(&control, "something that takes a line of some length to tell, again and again",
                   BREAKER_CLOSED, BREAKER_OPEN);
        loop_poll(control.loop);
    }
    (void)hear(fd, NULL); /* ends, instead of holding all of them */
    (void)close(fd);
}

Test(socket, sessions_answer_later_and_in_order_of_age)
{
    int fd = dial();
    const char *got;

    control.live[0] = (struct live_request){.id = "young", .upstream = 0, .age_ns = 5};
    control.live[1] = (struct live_request){.id = "old", .upstream = -1, .age_ns = 9};
    say(fd, "sessions\nlog-level error\n");
    loop_poll(control.loop);
    loop_poll(control.loop);
    cr_assert_not_null(control.on_sessions);
    control.on_sessions(control.live, 2, control.on_sessions_arg);
    got = hear(fd, "above\n\n");
    cr_assert(strstr(got, "old ") < strstr(got, "young "), "%s", got);
    cr_assert(strstr(got, "chat (waits)") != NULL, "%s", got);
    (void)close(fd);
}

Test(socket, a_client_may_go_before_its_sessions_come)
{
    int fd = dial();

    say(fd, "sessions\n");
    loop_poll(control.loop);
    loop_poll(control.loop);
    cr_assert_not_null(control.on_sessions);
    (void)close(fd);
    for (int i = 0; i < 20; i++)
        loop_poll(control.loop);
    control.on_sessions(control.live, 0, control.on_sessions_arg);
    cr_assert(strstr(ask("help status\n"), "status") != NULL);
}

Test(socket, why_tells_rule_numbers_and_what_was_missing)
{
    const char *got;

    control.record = (struct request_record){.id = "01J",
                                             .client = "10.0.0.7",
                                             .user = 0xabcd,
                                             .decision = DECISION_REFUSED,
                                             .cause = CAUSE_RECOVERING,
                                             .status = 503,
                                             .class = CLASS_INTERACTIVE,
                                             .ttft_ns = -1,
                                             .queue_ns = -1,
                                             .connect_ns = -1};
    control.record.numbers.rule = RULE_RAMP;
    control.record.numbers.inflight = 12;
    control.record.numbers.retry_after_ms = 3200;
    got = ask("why 01J\n");
    cr_assert(strstr(got, "refused, cause recovering") != NULL, "%s", got);
    cr_assert(strstr(got, "it would have taken: a larger share") != NULL, "%s", got);
    cr_assert(strstr(got, "told to come back in 3 s") != NULL, "%s", got);
    got = ask("why 01J --json\n");
    expect_json(got, "user", "\"000000000000abcd\"");
    expect_json(got, "numbers.inflight", "12");
    expect_json(got, "ttft_ms", "null");
    cr_assert(strstr(read_json(got, "needed"), "a larger share") != NULL, "%s", got);
    control.sessions_at_once = true;
    cr_assert_str_eq(ask("why nobody\n"),
                     "error: request \"nobody\" is not among the last 65536\n\n");
}

Test(socket, why_names_the_cause_a_rule_that_only_looks_on_would_have_refused_with)
{
    control.record = (struct request_record){.id = "01K", .decision = DECISION_ADMITTED};
    control.record.numbers.rule = RULE_ROOM;
    control.record.numbers.observed = RULE_RAMP;
    cr_assert(strstr(ask("why 01K\n"), "would have been refused, cause recovering") != NULL);
    expect_json(ask("why 01K --json\n"), "numbers.would.cause", "\"recovering\"");
}

Test(socket, why_finds_a_request_that_still_runs)
{
    control.sessions_at_once = true;
    control.live[0] = (struct live_request){.id = "runs", .pool = -1, .upstream = -1, .age_ns = 5};
    control.n_live = 1;
    cr_assert(strstr(ask("why runs\n"), "runs: running for ") != NULL);
    expect_json(ask("why runs --json\n"), "decision", "\"running\"");
}

Test(socket, every_reading_command_has_a_json_form)
{
    static const char *const lines[] = {"status --json\n",    "upstreams --json\n",
                                        "events --json\n",    "config --json\n",
                                        "metrics --json\n",   "help --json\n",
                                        "help ramp --json\n", "upstreams chat/a --json\n"};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_assert_str_neq(read_json(ask(lines[i]), "0"), "broken", "%s", lines[i]);
}

Test(socket, metrics_are_families_with_cumulative_buckets_in_seconds)
{
    const char *got = ask("metrics\n");

    cr_assert(strstr(got, "# TYPE weir_time_to_first_token_seconds histogram\n") != NULL);
    cr_assert(strstr(got, "_bucket{pool=\"chat\",upstream=\"a\",le=\"0.001\"} 2\n") != NULL);
    cr_assert(strstr(got, "_bucket{pool=\"chat\",upstream=\"a\",le=\"0.002\"} 5\n") != NULL);
    cr_assert(strstr(got, "_bucket{pool=\"chat\",upstream=\"a\",le=\"+Inf\"} 6\n") != NULL);
    cr_assert(strstr(got, "_sum{pool=\"chat\",upstream=\"a\"} 1.5\n") != NULL);
    cr_assert(strstr(got, "le=\"0.0015\"") == NULL);
    cr_assert(strstr(got, "weir_connections{side=\"client\"} 17\n") != NULL);
    cr_assert(strstr(got, "weir_connections{side=\"upstream\"} 5\n") != NULL);
    cr_assert(strstr(got, "weir_upstream_state{pool=\"chat\",upstream=\"b\",state=\"open\"} 1\n"));
    cr_assert(strstr(got, "weir_shed_total{pool=\"chat\",cause=\"circuit_open\"} 812\n"));
    cr_assert(strstr(got, "weir_shed_total{pool=\"chat\",cause=\"held\"} 0\n"));
    cr_assert(strstr(got, "\nprocess_open_fds ") != NULL);
}

Test(socket, transitions_are_counted_from_the_events)
{
    fake_event(&control, "x", BREAKER_CLOSED, BREAKER_OPEN);
    fake_event(&control, "x", BREAKER_CLOSED, BREAKER_OPEN);
    fake_event(&control, "no transition", BREAKER_CLOSED, BREAKER_CLOSED);
    cr_assert(strstr(ask("metrics\n"),
                     "weir_breaker_transitions_total{pool=\"chat\",upstream=\"a\",from=\"closed\","
                     "to=\"open\",cause=\"error_rate\"} 2\n") != NULL);
}

Test(socket, a_line_without_end_is_refused_and_closed)
{
    char line[COMMAND_LINE_MAX + 64];
    int fd = dial();

    memset(line, 'x', sizeof line);
    cr_assert_gt(write(fd, line, sizeof line), 0);
    cr_assert_str_eq(hear(fd, NULL), "error: a line may hold 4096 bytes\n\n");
    (void)close(fd);
}

Test(socket, garbage_is_answered_and_the_connection_stays)
{
    int fd = dial();
    const char garbage[] = "\x16\x03\x01\x02\x00\xff\xfe\n";

    cr_assert_gt(write(fd, garbage, sizeof garbage - 1), 0);
    cr_assert(slice_starts(slice_str(hear(fd, "\n\n")), SLICE_LIT("error: ")));
    say(fd, "help status\n");
    (void)hear(fd, "\n\n");
    (void)close(fd);
}

Test(socket, too_many_connections_are_turned_away)
{
    int fds[64], extra, most = getuid() == 0 ? 64 : 56; /* 8 are kept for root */

    for (int i = 0; i < most; i++) {
        fds[i] = dial();
        cr_assert_eq(write(fds[i], "watch\n", 6), 6);
        loop_poll(control.loop);
        loop_poll(control.loop);
        loop_poll(control.loop);
    }
    extra = dial();
    cr_assert_str_eq(hear(extra, NULL), "error: busy: too many connections to this socket\n\n");
    (void)close(extra);
    (void)close(fds[0]);
    for (int i = 0; i < 5; i++)
        loop_poll(control.loop);
    (void)ask("help status\n");
    for (int i = 1; i < most; i++)
        (void)close(fds[i]);
}

Test(socket, the_longest_silent_connection_makes_room)
{
    int fds[64], most = getuid() == 0 ? 64 : 56;
    char byte;

    for (int i = 0; i < most; i++) {
        fds[i] = dial();
        loop_poll(control.loop);
        loop_poll(control.loop);
    }
    (void)ask("help status\n");
    cr_assert_eq(read(fds[0], &byte, 1), 0, "it was closed");
    for (int i = 0; i < most; i++)
        (void)close(fds[i]);
}

Test(socket, without_memory_the_list_is_refused_and_the_connection_serves_on)
{
    int fd = dial();

    control.no_memory = true;
    say(fd, "sessions\n");
    cr_assert_str_eq(hear(fd, "\n\n"), "error: there is no memory for the list\n\n");
    say(fd, "help status\n");
    cr_assert(strstr(hear(fd, "\n\n"), "status") != NULL);
    (void)close(fd);
}

Test(socket, drain_and_stop_are_passed_on)
{
    cr_assert(strstr(ask("drain\n"), "draining") != NULL);
    cr_assert(control.drained);
    cr_assert(strstr(ask("stop\n"), "stopping") != NULL);
    cr_assert(control.stopped);
}

Test(socket, the_file_is_ours_alone_and_goes_with_the_admin)
{
    struct stat st;

    cr_assert_eq(stat(socket_path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    admin_close(&admin);
    cr_assert_neq(stat(socket_path, &st), 0);
}

Test(socket, a_live_socket_is_not_taken_over)
{
    struct admin_listen l;
    char why[256];

    cr_assert_eq(admin_bind(&control.settings, NULL, &l, why, sizeof why), WEIR_REFUSED);
    cr_assert(strstr(why, "another program listens") != NULL, "%s", why);
}
