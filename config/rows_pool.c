/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings table, second part: pools with their upstreams and rules, and routes.  What the
 * rules do with these numbers is written in docs/decisions.md.
 */
#include "rows.h"

static const struct conf_word modes[] = {{"observe", 0}, {"enforce", 1}, {NULL, 0}};
#define MODE(s)                                                                                    \
    WORD("mode", s, enforce, "enforce", modes,                                                     \
         "observe: decide, count and report, but never delay or refuse")

static const struct conf_word http2_words[] = {{"off", UPSTREAM_HTTP2_OFF},
                                               {"auto", UPSTREAM_HTTP2_AUTO},
                                               {"clear", UPSTREAM_HTTP2_CLEAR},
                                               {NULL, 0}};

static const struct conf_word proxy_words[] = {
    {"off", UPSTREAM_PROXY_OFF}, {"v1", UPSTREAM_PROXY_V1}, {"v2", UPSTREAM_PROXY_V2}, {NULL, 0}};

static const struct conf_row upstream_rows[] = {
    TEXT("name", struct upstream_conf, name, &conf_form_name,
         "what it is called; reloads recognise it by this and its url", .required = true),
    TEXT("url", struct upstream_conf, url, &conf_form_url, "where it is", .required = true),
    TEXT("host", struct upstream_conf, host, &conf_form_upstream_host,
         "the Host it is sent: \"client\" (as asked), \"url\" (its own, with the port), or a name",
         .def_words = "client; url for https"),
    COUNT("max_streams", struct upstream_conf, max_streams, "4096", "1", "65535", "requests",
          "most requests in flight; set it if the backend's slots are known"),
    WORD("http2", struct upstream_conf, http2, "auto", http2_words,
         "HTTP/2: auto: where an https upstream agrees (ALPN); clear: to an http one by prior "
         "knowledge"),
    WORD("proxy_protocol", struct upstream_conf, proxy_protocol, "off", proxy_words,
         "each connection begins with the PROXY protocol, which names the client; only requests of "
         "that client then share it"),
    TEXT("ca", struct upstream_conf, ca, &conf_form_anchor,
         "PEM file or folder of authorities that sign it", .def_words = "the system's"),
    TEXT("server_name", struct upstream_conf, server_name, &conf_form_host,
         "name asked for and verified in TLS", .def_words = "the url's host"),
    BOOL("verify", struct upstream_conf, verify, "true", "verify its certificate and name"),
    BOOL("shared", struct upstream_conf, shared, "true",
         "all nodes of the fleet reach one and the same server there",
         .def_words = "true; false for a loopback address and unix:"),
    TEXT("certificate", struct upstream_conf, certificate, &conf_form_file, "PEM file shown to it",
         .def_words = "none"),
    TEXT("key", struct upstream_conf, key, &conf_form_file,
         "PEM file with the key of that certificate", .def_words = "none"),
    COUNT("idle_connections", struct upstream_conf, idle_connections, "32", "0", "10000",
          "connections",
          "kept open per worker while there is nothing to do; after a burst, more for a second"),
    DURATION("idle_timeout", struct upstream_conf, idle_timeout_ns, "4s", "0s", "1h",
             "how long; shorter where the upstream's Keep-Alive says so"),
};
static const struct conf_table upstream_table = {
    .name = "pools[].upstreams[]",
    .about = "The servers of a pool. Each has its own windows, limits and breaker.",
    .each = "an upstream",
    .size = sizeof(struct upstream_conf),
    ROWS_OF(upstream_rows),
};

static const struct conf_word auto_pace[] = {{"auto", 0}, {NULL, 0}};

static const struct conf_row limiter_rows[] = {
    MODE(struct limiter_conf),
    DURATION("queue_target", struct limiter_conf, queue_target_ns, "500ms", "50ms", "5s",
             "wait inside the backend that still counts as on time; at most a quarter of the time "
             "to the first token that users are promised",
             .def_words = "500ms; 125ms with profile api"),
    DURATION("pace_target", struct limiter_conf, pace_target_ns, "auto", "5ms", "5s",
             "time per event that users are promised; auto follows the calm backend",
             .words = auto_pace),
};
static const struct conf_table limiter_table =
    TABLE("pools[].limiter", limiter_rows, "Finds the load each upstream carries.");

static const struct conf_row breaker_rows[] = {
    MODE(struct breaker_conf),
    DURATION("window", struct breaker_conf, window_ns, "10s", "1s", "10m",
             "time over which failures are counted"),
    COUNT("min_requests", struct breaker_conf, min_requests, "20", "1", "1000000", "requests",
          "fewer in the window are no evidence"),
    RATIO("error_rate", struct breaker_conf, error_rate, "0.5", "0.01", "1", "of the requests",
          "share of failures in the window that trips"),
    COUNT("consecutive", struct breaker_conf, consecutive, "5", "1", "1000", "failures",
          "failures in a row that trip"),
    DURATION("open_min", struct breaker_conf, open_min_ns, "1s", "100ms", "60s",
             "wait before probing, at first"),
    DURATION("open_max", struct breaker_conf, open_max_ns, "4s", "100ms", "10m",
             "wait before probing, at most; it doubles with each failure"),
    COUNT("probes", struct breaker_conf, probes, "3", "1", "100", "requests",
          "let through while half open"),
    DURATION("silence", struct breaker_conf, silence_ns, "5s", "1s", "10m",
             "all streams silent for so long trips"),
    COUNT("silence_streams", struct breaker_conf, silence_streams, "3", "1", "1000", "streams",
          "fewer open streams are no evidence of silence"),
};
static const struct conf_table breaker_table =
    TABLE("pools[].breaker", breaker_rows, "Cuts an upstream off when it really fails.");

static const struct conf_row ramp_rows[] = {
    MODE(struct ramp_conf),
    RATIO("start", struct ramp_conf, start, "0.1", "0.01", "1", "of the known-good load",
          "first share"),
    RATIO("factor", struct ramp_conf, factor, "2.0", "1.1", "10", "times",
          "growth of the share per good step"),
    DURATION("dwell", struct ramp_conf, dwell_ns, "1s", "100ms", "10m",
             "least time between two steps"),
    DURATION("rest", struct ramp_conf, rest_ns, "20s", "0s", "10m",
             "rest at half of the share at which it last died"),
};
static const struct conf_table ramp_table =
    TABLE("pools[].ramp", ramp_rows, "How the load returns after the breaker was open.");

static const struct conf_row queue_rows[] = {
    MODE(struct queue_conf),
    DURATION("max_wait", struct queue_conf, max_wait_ns, "1s", "0s", "10s",
             "longest wait for a place"),
    DURATION("batch_wait", struct queue_conf, batch_wait_ns, "0s", "0s", "10s",
             "the same for class batch"),
    COUNT("max_length", struct queue_conf, max_length, "16384", "0", "65535", "requests",
          "most that wait at once, a bound on memory; what cannot be served in max_wait is "
          "refused at once"),
    DURATION("cold_wait", struct queue_conf, cold_wait_ns, "5s", "0s", "60s",
             "longest wait while nothing is known of the upstreams yet"),
};
static const struct conf_table queue_table = TABLE(
    "pools[].queue", queue_rows, "Where requests wait for a moment when all places are taken.");

static const struct conf_word replays[] = {{"never", 0}, {"generation", 1}, {NULL, 0}};

static const struct conf_row retry_rows[] = {
    RATIO("budget", struct retry_conf, budget, "0.1", "0", "1", "of first attempts",
          "second attempts of weir's own, before the first byte; 0 = never"),
    RATIO("burst", struct retry_conf, burst, "10", "0", "1000", "attempts",
          "most that may be saved up"),
    WORD("replay", struct retry_conf, replay_generation, "never", replays,
         "generation: a chat request whose upstream broke off before its answer's head is sent to "
         "another one, once; the first may have begun it"),
};
static const struct conf_table retry_table =
    TABLE("pools[].retry", retry_rows, "Attempts at another upstream.");

static const struct conf_row timeouts_rows[] = {
    DURATION("connect", struct timeouts_conf, connect_ns, "2s", "50ms", "1m",
             "a connection, TLS included"),
    DURATION("first_token", struct timeouts_conf, first_token_ns, "30s", "100ms", "1h",
             "the first content of a stream"),
    DURATION("first_token_last", struct timeouts_conf, first_token_last_ns, NULL, "100ms", "2h",
             "the same where no other upstream could be tried",
             .def_words = "4 × first_token, at most 2h"),
    DURATION("stall", struct timeouts_conf, stall_ns, "45s", "1s", "1h", "silence inside a stream"),
    DURATION("total", struct timeouts_conf, total_ns, "1h", "1s", "24h", "a whole stream"),
    DURATION("unary", struct timeouts_conf, unary_ns, "10m", "1s", "1h",
             "the whole answer of a request that is no stream"),
    DURATION("head_hold", struct timeouts_conf, head_hold_ns, "10s", "100ms", "5m",
             "the head of a stream waits for its first event; what fails later fails inside it"),
    DURATION("tunnel_idle", struct timeouts_conf, tunnel_idle_ns, "1h", "1s", "24h",
             "silence of both sides of an upgraded connection (WebSocket), or of a call (gRPC)"),
};
static const struct conf_table timeouts_table =
    TABLE("pools[].timeouts", timeouts_rows, "How long an upstream may take.");

static const struct conf_row health_rows[] = {
    TEXT("path", struct health_conf, path, &conf_form_path,
         "path asked for, with the Host of requests", .def_words = "\"\" (off)"),
    DURATION("interval", struct health_conf, interval_ns, "2s", "100ms", "1h",
             "time between two checks"),
    DURATION("timeout", struct health_conf, timeout_ns, "1s", "100ms", "1h",
             "patience with an answer"),
    COUNT("rise", struct health_conf, rise, "2", "1", "1000", "checks",
          "successes in a row that make it healthy"),
    COUNT("fall", struct health_conf, fall, "3", "1", "1000", "checks",
          "failures in a row that take it out; one without an answer does not count while tokens "
          "flow"),
    TEXTS("headers", struct health_conf, headers, n_headers,
          "fields sent with each check, such as \"Authorization: Bearer KEY\"",
          .form = &conf_form_field, .def_words = "none"),
    TEXTS("status", struct health_conf, status, n_status, "statuses that are healthy",
          .form = &conf_form_statuses, .def_words = "200-299"),
};
static const struct conf_table health_table = TABLE(
    "pools[].health", health_rows, "Active checks. They take out, but never close a breaker.");

/* One row for each limit (WEIR_QUOTA_LIMITS). */
#define LIMIT(k, s, f, hi, u, h) COUNT(k, s, f, "0", "0", hi, u, h, .def_words = "0 (off)")
#define LIMIT_ROWS(s, f)                                                                           \
    LIMIT("max_streams", s, f[QUOTA_MAX_STREAMS], "65535", "requests", "most in flight, always"),  \
        LIMIT("requests_per_minute", s, f[QUOTA_REQUESTS_MINUTE], "1000000", "requests",           \
              "most let in, in any 60 s"),                                                         \
        LIMIT("tokens_per_minute", s, f[QUOTA_TOKENS_MINUTE], "1000000000", "tokens",              \
              "most of prompts and outputs together"),                                             \
        LIMIT("prompt_tokens_per_minute", s, f[QUOTA_PROMPT_MINUTE], "1000000000", "tokens",       \
              "most of prompts"),                                                                  \
        LIMIT("output_tokens_per_minute", s, f[QUOTA_OUTPUT_MINUTE], "1000000000", "tokens",       \
              "most of outputs"),                                                                  \
        LIMIT("requests_per_day", s, f[QUOTA_REQUESTS_DAY], "1000000000", "requests",              \
              "most let in, in any 24 h"),                                                         \
        LIMIT("tokens_per_day", s, f[QUOTA_TOKENS_DAY], "1000000000000", "tokens",                 \
              "most of prompts and outputs together"),                                             \
        LIMIT("prompt_tokens_per_day", s, f[QUOTA_PROMPT_DAY], "1000000000000", "tokens",          \
              "most of prompts"),                                                                  \
        LIMIT("output_tokens_per_day", s, f[QUOTA_OUTPUT_DAY], "1000000000000", "tokens",          \
              "most of outputs")

static const struct conf_row users_rows[] = {
    RATIO("fair_share", struct users_conf, fair_share, "0.1", "0.01", "1", "of the places",
          "most one user may hold while the pool sheds"),
    LIMIT_ROWS(struct users_conf, limits.most),
};
static const struct conf_table users_table =
    TABLE("pools[].users", users_rows,
          "What one user may take. Minute and day slide; tokens are those that answers name in "
          "their `usage`, else guessed.");

static const struct conf_word limit_classes[] = {{"any", CLASS_COUNT},
                                                 {"paid", CLASS_PAID},
                                                 {"interactive", CLASS_INTERACTIVE},
                                                 {"batch", CLASS_BATCH},
                                                 {NULL, 0}};
static const struct conf_word limit_pers[] = {{"user", 0}, {"all", 1}, {NULL, 0}};

static const struct conf_row limit_rows[] = {
    WORD("class", struct limit_conf, class, "any", limit_classes, "requests of this class only"),
    TEXT("model", struct limit_conf, model, &conf_form_model,
         "requests for this model only; with * at its end, for all whose name begins so",
         .def_words = "any"),
    TEXT("user", struct limit_conf, user, &conf_form_identity,
         "requests of this user only, as the identity is sent (\"Bearer KEY\"); without model and "
         "class its numbers take the place of those of users",
         .def_words = "any", .secret = true),
    WORD("per", struct limit_conf, shared, "user", limit_pers,
         "user: each user has this much; all: they share it"),
    LIMIT_ROWS(struct limit_conf, limits.most),
};
static const struct conf_table limit_table = {
    .name = "pools[].limits[]",
    .about = "Limits beside `users`, for models, classes, single users. Every one that a request "
             "matches holds for it.",
    .each = "a limit",
    .size = sizeof(struct limit_conf),
    ROWS_OF(limit_rows),
};

static const struct conf_word profiles[] = {{"chat", 0}, {"api", 1}, {NULL, 0}};
static const struct conf_word overload_statuses[] = {{"503", 503}, {"429", 429}, {NULL, 0}};

static const struct conf_word end_markers[] = {{"required", 0}, {"finish_reason", 1}, {NULL, 0}};

static const struct conf_row pool_rows[] = {
    TEXT("name", struct pool_conf, name, &conf_form_name,
         "what it is called in routes, commands and metrics", .required = true),
    WORD("profile", struct pool_conf, decide.api, "chat", profiles,
         "chat: answers are streams; api: ordinary requests and responses"),
    LIST("upstreams", struct pool_conf, upstreams, n_upstreams, &upstream_table, "its servers",
         .required = true, .at_least_one = true, .most = 64),
    GROUP("limiter", struct pool_conf, decide.limiter, &limiter_table,
          "the load each upstream carries"),
    GROUP("breaker", struct pool_conf, decide.breaker, &breaker_table,
          "when an upstream is cut off"),
    GROUP("ramp", struct pool_conf, decide.ramp, &ramp_table, "how it comes back"),
    GROUP("queue", struct pool_conf, decide.queue, &queue_table, "waiting for a place"),
    GROUP("retry", struct pool_conf, decide.retry, &retry_table, "second attempts"),
    GROUP("timeouts", struct pool_conf, timeouts, &timeouts_table, "patience with upstreams"),
    GROUP("health", struct pool_conf, health, &health_table, "active checks"),
    GROUP("users", struct pool_conf, decide.users, &users_table, "what one user may take"),
    LIST("limits", struct pool_conf, limits, n_limits, &limit_table,
         "what models, classes and single users may take", .most = LIMITS_MAX),
    DURATION("lease", struct pool_conf, decide.lease_ns, "10m", "0s", "1h",
             "precedence of a user whose last turn was completed within this time"),
    DURATION("heartbeat", struct pool_conf, heartbeat_ns, "15s", "0s", "5m",
             "comment lines in silent streams, once they have begun; 0s = off"),
    WORD("overload_status", struct pool_conf, overload_status, "503", overload_statuses,
         "status of refusals for load; 529 on Anthropic paths in either case"),
    BOOL("restate_errors", struct pool_conf, restate_errors, "true",
         "a stream that begins with an error gets the error's status"),
    WORD("end_marker", struct pool_conf, finish_reason_ends, "required", end_markers,
         "what makes a stream whole: its dialect's end marker ([DONE] and the like), or a finish "
         "reason and a clean end, for backends that never write one"),
};
const struct conf_table conf_pool_table = {
    .name = "pools[]",
    .about = "Groups of interchangeable upstreams, each with one admission gate and one queue.",
    .each = "a pool",
    .size = sizeof(struct pool_conf),
    ROWS_OF(pool_rows),
};

static const struct conf_word classes[] = {
    {"paid", CLASS_PAID}, {"interactive", CLASS_INTERACTIVE}, {"batch", CLASS_BATCH}, {NULL, 0}};
static const struct conf_word page_words[] = {
    {"auto", ROUTE_PAGES_AUTO}, {"html", ROUTE_PAGES_HTML}, {"json", ROUTE_PAGES_JSON}, {NULL, 0}};
static const struct conf_word stream_words[] = {{"auto", ROUTE_STREAM_AUTO},
                                                {"always", ROUTE_STREAM_ALWAYS},
                                                {"never", ROUTE_STREAM_NEVER},
                                                {NULL, 0}};

static const struct conf_row route_rows[] = {
    TEXT("path", struct route_conf, path, &conf_form_path,
         "\"/v1\" or \"/v1/\": that and below, never \"/v1x\"; runs of slashes count as one",
         .def = "/"),
    TEXT("host", struct route_conf, host, &conf_form_host, "host asked for", .def_words = "any"),
    TEXT("method", struct route_conf, method, &conf_form_method, "method of the request",
         .def_words = "any"),
    TEXT("pool", struct route_conf, pool_name, &conf_form_name, "where these requests go",
         .required = true),
    WORD("class", struct route_conf, class, "interactive", classes,
         "who is refused first: batch, then interactive, then paid"),
    TEXT("class_header", struct route_conf, class_header, &conf_form_token,
         "header that names the class; believed from trusted peers only", .def_words = "none"),
    WORD("pages", struct route_conf, pages, "auto", page_words,
         "refusals as pages or JSON; auto goes by path and Accept"),
    BOOL("websocket", struct route_conf, websocket, "false", "upgrades to WebSocket are allowed"),
    BOOL("early_stream", struct route_conf, early_stream, "false",
         "a waiting stream is begun with comments before it is admitted"),
    WORD("stream", struct route_conf, stream, "auto", stream_words,
         "whether requests are streams; auto reads it from the body"),
};
const struct conf_table conf_route_table = {
    .name = "routes[]",
    .about =
        "Which requests go to which pool, with which class; the first match wins. Without "
        "routes everything goes to the first pool; with them, no match is a 404 of weir's own.",
    .each = "a route",
    .size = sizeof(struct route_conf),
    ROWS_OF(route_rows),
};
