/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The defaults that users were promised, written down a second time, by hand: the table in config/
 * can not change one unnoticed.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "conf_test.h"

static const struct {
    const char *key, *value;
} promised[] = {
    {"user", "\"\""},
    {"sandbox", "true"},
    {"drain_delay", "\"0s\""},
    {"drain_timeout", "\"10m\""},
    {"trusted", "[]"},
    {"client_fin", "\"abort\""},
    {"listeners[0].address", "\"127.0.0.1:8080\""},
    {"listeners[0].backlog", "4096"},
    {"listeners[0].max_connections", "0"},
    {"listeners[0].per_address", "0"},
    {"listeners[0].ipv6_only", "false"},
    {"listeners[0].http2", "\"auto\""},
    {"listeners[0].proxy_protocol", "\"off\""},
    {"listeners[0].tls.certificate", "\"\""},
    {"listeners[0].tls.key", "\"\""},
    {"listeners[0].tls.client_ca", "\"\""},
    {"limits.request_line", "\"8KiB\""},
    {"limits.head", "\"32KiB\""},
    {"limits.fields", "100"},
    {"limits.body", "\"32MiB\""},
    {"limits.response_head", "\"64KiB\""},
    {"limits.buffer", "\"32KiB\""},
    {"limits.keepalive_requests", "10000"},
    {"limits.http2_streams", "100"},
    {"limits.underscore_names", "\"refuse\""},
    {"client_timeouts.head", "\"10s\""},
    {"client_timeouts.body_idle", "\"10s\""},
    {"client_timeouts.keepalive", "\"1m\""},
    {"client_timeouts.write", "\"30s\""},
    {"client_timeouts.tls", "\"10s\""},
    {"client_timeouts.body_rate", "\"1KiB\""},
    {"pools[default].name", "\"default\""},
    {"pools[default].profile", "\"chat\""},
    {"pools[default].upstreams[default].name", "\"default\""},
    {"pools[default].upstreams[default].url", "\"http://127.0.0.1:8000\""},
    {"pools[default].upstreams[default].host", "\"\""},
    {"pools[default].upstreams[default].max_streams", "4096"},
    {"pools[default].upstreams[default].http2", "\"auto\""},
    {"pools[default].upstreams[default].proxy_protocol", "\"off\""},
    {"pools[default].upstreams[default].ca", "\"\""},
    {"pools[default].upstreams[default].server_name", "\"\""},
    {"pools[default].upstreams[default].verify", "true"},
    {"pools[default].upstreams[default].certificate", "\"\""},
    {"pools[default].upstreams[default].key", "\"\""},
    {"pools[default].upstreams[default].idle_connections", "32"},
    {"pools[default].upstreams[default].idle_timeout", "\"4s\""},
    {"pools[default].limiter.mode", "\"enforce\""},
    {"pools[default].limiter.queue_target", "\"500ms\""},
    {"pools[default].limiter.pace_target", "\"auto\""},
    {"pools[default].breaker.mode", "\"enforce\""},
    {"pools[default].breaker.window", "\"10s\""},
    {"pools[default].breaker.min_requests", "20"},
    {"pools[default].breaker.error_rate", "0.5"},
    {"pools[default].breaker.consecutive", "5"},
    {"pools[default].breaker.open_min", "\"1s\""},
    {"pools[default].breaker.open_max", "\"4s\""},
    {"pools[default].breaker.probes", "3"},
    {"pools[default].breaker.silence", "\"5s\""},
    {"pools[default].breaker.silence_streams", "3"},
    {"pools[default].ramp.mode", "\"enforce\""},
    {"pools[default].ramp.start", "0.1"},
    {"pools[default].ramp.factor", "2"},
    {"pools[default].ramp.dwell", "\"1s\""},
    {"pools[default].ramp.rest", "\"20s\""},
    {"pools[default].queue.mode", "\"enforce\""},
    {"pools[default].queue.max_wait", "\"1s\""},
    {"pools[default].queue.batch_wait", "\"0s\""},
    {"pools[default].queue.max_length", "16384"},
    {"pools[default].queue.cold_wait", "\"5s\""},
    {"pools[default].retry.budget", "0.1"},
    {"pools[default].retry.burst", "10"},
    {"pools[default].timeouts.connect", "\"2s\""},
    {"pools[default].timeouts.first_token", "\"30s\""},
    {"pools[default].timeouts.first_token_last", "\"2m\""},
    {"pools[default].timeouts.stall", "\"45s\""},
    {"pools[default].timeouts.total", "\"1h\""},
    {"pools[default].upstreams[default].shared", "false"},
    {"pools[default].timeouts.unary", "\"10m\""},
    {"pools[default].timeouts.head_hold", "\"10s\""},
    {"pools[default].timeouts.tunnel_idle", "\"1h\""},
    {"limits.spool", "\"64MiB\""},
    {"pools[default].end_marker", "\"required\""},
    {"pools[default].retry.replay", "\"never\""},
    {"pools[default].health.path", "\"\""},
    {"pools[default].health.interval", "\"2s\""},
    {"pools[default].health.timeout", "\"1s\""},
    {"pools[default].health.rise", "2"},
    {"pools[default].health.fall", "3"},
    {"pools[default].health.headers", "[]"},
    {"pools[default].health.status", "[]"},
    {"pools[default].users.fair_share", "0.1"},
    {"pools[default].users.max_streams", "0"},
    {"pools[default].users.requests_per_minute", "0"},
    {"pools[default].users.tokens_per_minute", "0"},
    {"pools[default].users.prompt_tokens_per_minute", "0"},
    {"pools[default].users.output_tokens_per_minute", "0"},
    {"pools[default].users.requests_per_day", "0"},
    {"pools[default].users.tokens_per_day", "0"},
    {"pools[default].users.prompt_tokens_per_day", "0"},
    {"pools[default].users.output_tokens_per_day", "0"},
    {"pools[default].lease", "\"10m\""},
    {"pools[default].heartbeat", "\"15s\""},
    {"pools[default].overload_status", "503"},
    {"pools[default].restate_errors", "true"},
    {"identity.header", "\"authorization\""},
    {"identity.cookie", "\"\""},
    {"identity.address", "true"},
    {"cors.origins", "[]"},
    {"pages.directory", "\"\""},
    {"pages.status_path", "\"\""},
    {"pages.languages", "[]"},
    {"admin.socket", "\"\""},
    {"admin.uids", "[]"},
    {"admin.http", "\"127.0.0.1:9901\""},
    {"admin.hosts", "[]"},
    {"admin.why_entries", "65536"},
    {"log.access", "\"stderr\""},
    {"state.path", "\"\""},
    {"state.max_age", "\"1d\""},
    {"tracing.endpoint", "\"\""},
    {"tracing.sample", "0.01"},
    {"fleet.redis", "\"\""},
    {"fleet.name", "\"\""},
    {"fleet.node", "\"\""},
    {"fleet.password_file", "\"\""},
    {"fleet.secret_file", "\"\""},
    {"fleet.ca", "\"\""},
    {"fleet.server_name", "\"\""},
    {"fleet.verify", "true"},
    {"fleet.certificate", "\"\""},
    {"fleet.key", "\"\""},
    {"fleet.timeout", "\"500ms\""},
    {"fleet.nodes", "1"},
    {"log.level", "\"info\""},
    {"log.query", "true"},
    {"limits.memory", "\"0B\""},
    {"limits.connections", "0"},
    {"log.redact",
     "[\"key\", \"api_key\", \"token\", \"access_token\", \"sig\", \"signature\", \"password\"]"},
};

static struct settings *all_defaults(void)
{
    struct conf_diagnostics m;
    struct settings *s = conf_from_upstream("http://127.0.0.1:8000", NULL, &m);

    cr_assert_not_null(s);
    cr_assert_eq(m.n, 0);
    return s;
}

static void count_line(const char *key, const char *value, const char *origin, void *arg)
{
    (void)key, (void)value, (void)origin;
    ++*(size_t *)arg;
}

Test(defaults, are_what_was_promised)
{
    struct settings *s = all_defaults();
    size_t n = 0;

    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++) {
        const char *value = dumped(s, promised[i].key);
        cr_assert_not_null(value, "%s", promised[i].key);
        cr_assert_str_eq(value, promised[i].value, "%s = %s", promised[i].key, value);
    }
    conf_dump(s, count_line, &n);
    cr_assert_eq(n, sizeof promised / sizeof promised[0] + 1, "a key has no promise (and workers)");
    settings_destroy(&s);
}

Test(defaults, reach_the_fields)
{
    struct settings *s = all_defaults();
    const struct pool_conf *p = &s->pools[0];

    cr_assert(s->workers >= 1 && s->workers <= 256);
    cr_assert_eq(s->drain_timeout_ns, UINT64_C(600000000000));
    cr_assert(!s->keep_half_closed && s->sandbox);
    cr_assert_eq(s->limits.underscore_names, UNDERSCORE_NAMES_REFUSE);
    cr_assert_eq(s->limits.body, 32 << 20);
    cr_assert_eq(s->limits.head, 32768);
    cr_assert_eq(s->client_timeouts.body_rate, 1024);
    cr_assert_eq(p->decide.limiter.pace_target_ns, 0);
    cr_assert_eq(p->decide.limiter.queue_target_ns, 500000000);
    cr_assert(p->decide.limiter.enforce && p->decide.queue.enforce && !p->decide.api);
    cr_assert_float_eq(p->decide.ramp.factor, 2.0, 1e-12);
    cr_assert_eq(p->decide.first_token_ns, UINT64_C(30000000000));
    cr_assert_eq(p->overload_status, 503);
    cr_assert(s->default_listener && s->admin.default_http);
    cr_assert_eq(s->log.level, LOG_LEVEL_INFO);
    cr_assert_eq(s->n_routes, 0);
    settings_destroy(&s);
}

Test(defaults, of_a_route_take_everything)
{
    struct settings *s = must_parse_file(GOOD_POOLS "routes = ( { pool = \"p\"; } );");

    cr_assert_str_eq(s->routes[0].path, "/");
    cr_assert_str_eq(s->routes[0].host, "");
    cr_assert_str_eq(s->routes[0].method, "");
    cr_assert_str_eq(s->routes[0].class_header, "");
    cr_assert_eq(s->routes[0].class, CLASS_INTERACTIVE);
    cr_assert_eq(s->routes[0].pages, ROUTE_PAGES_AUTO);
    cr_assert_eq(s->routes[0].stream, ROUTE_STREAM_AUTO);
    cr_assert(!s->routes[0].websocket && !s->routes[0].early_stream);
    settings_destroy(&s);
}

#define POOL_WITH(more)                                                                            \
    "pools = ( { name = \"p\"; " more " upstreams = ( { name = \"u\"; url = \"http://h\"; } ); } " \
    ");"

Test(defaults, an_upstream_is_shared_unless_each_node_has_its_own_there)
{
    static const struct {
        const char *url;
        bool shared;
    } rows[] = {{"http://h", true},          {"http://127.0.0.1:1", false},
                {"http://localhost", false}, {"http://localhost.example.org", true},
                {"https://[::1]:1", false},  {"unix:/run/b", false}};
    char text[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings *s;

        (void)snprintf(text, sizeof text,
                       "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"%s\"; } ); "
                       "} );",
                       rows[i].url);
        s = must_parse_file(text);
        cr_assert_eq(s->pools[0].upstreams[0].shared, rows[i].shared, "%s", rows[i].url);
        settings_destroy(&s);
    }
}

Test(defaults, of_profile_api_have_the_shorter_queue_target)
{
    struct settings *s = must_parse_file(POOL_WITH("profile = \"api\";"));

    cr_assert_eq(s->pools[0].decide.limiter.queue_target_ns, 125000000);
    cr_assert(s->pools[0].decide.api);
    settings_destroy(&s);
    s = must_parse_file(POOL_WITH("profile = \"api\"; limiter = { queue_target = \"500ms\"; };"));
    cr_assert_eq(s->pools[0].decide.limiter.queue_target_ns, 500000000);
    settings_destroy(&s);
}

Test(defaults, the_last_candidate_has_four_times_the_patience)
{
    struct settings *s = must_parse_file(POOL_WITH("timeouts = { first_token = \"7s\"; };"));

    cr_assert_eq(s->pools[0].timeouts.first_token_last_ns, UINT64_C(28000000000));
    cr_assert_eq(s->pools[0].decide.first_token_ns, UINT64_C(7000000000));
    settings_destroy(&s);
    s = must_parse_file(POOL_WITH("timeouts = { first_token = \"1h\"; };"));
    cr_assert_eq(s->pools[0].timeouts.first_token_last_ns, UINT64_C(7200000000000));
    settings_destroy(&s);
}

Test(defaults, are_told_from_what_was_set)
{
    struct settings *s = must_parse_file("listeners = ( { address = \"127.0.0.1:8080\"; } );\n"
                                         "admin = { http = \"127.0.0.1:9901\"; };\n" GOOD_POOLS);

    cr_assert(!s->default_listener && !s->admin.default_http);
    cr_assert_str_eq(dumped_origin(s, "listeners[0].address"), "t.cfg:1");
    cr_assert_str_eq(dumped_origin(s, "admin.http"), "t.cfg:2");
    cr_assert_str_eq(dumped_origin(s, "admin.socket"), "default");
    settings_destroy(&s);
}
