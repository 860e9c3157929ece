/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings table, first part: the process, its listeners, limits, users, pages, admin and log.
 * Adding a setting is adding a row: reading, checking, `weirctl config` and docs/settings.md
 * follow.
 */
#include "rows.h"

static const struct conf_row sni_rows[] = {
    TEXT("certificate", struct sni_conf, certificate, &conf_form_file,
         "PEM file with the certificate and its chain", .required = true),
    TEXT("key", struct sni_conf, key, &conf_form_file, "PEM file with its key", .required = true),
};
static const struct conf_table sni_table = {
    .name = "listeners[].tls.sni[]",
    .about = "Further certificates, chosen by the name the client asks for.",
    .each = "a certificate",
    .size = sizeof(struct sni_conf),
    ROWS_OF(sni_rows),
};

static const struct conf_row tls_rows[] = {
    TEXT("certificate", struct listener_conf, tls_certificate, &conf_form_file,
         "PEM file with the certificate and its chain, for clients that ask for no name or an "
         "unknown one",
         .required = true),
    TEXT("key", struct listener_conf, tls_key, &conf_form_file,
         "PEM file with its key; may be the same file", .required = true),
    LIST("sni", struct listener_conf, sni, n_sni, &sni_table, "further certificates by name"),
    TEXT("client_ca", struct listener_conf, tls_client_ca, &conf_form_file,
         "PEM file of authorities; clients must show a certificate signed by one of them",
         .def_words = "clients are not asked"),
};
static const struct conf_table tls_table =
    TABLE("listeners[].tls", tls_rows, "Present: the listener speaks TLS 1.2 and 1.3.");

static const struct conf_word http2_words[] = {{"off", LISTENER_HTTP2_OFF},
                                               {"auto", LISTENER_HTTP2_AUTO},
                                               {"clear", LISTENER_HTTP2_CLEAR},
                                               {NULL, 0}};

static const struct conf_word on_off[] = {{"off", 0}, {"on", 1}, {NULL, 0}};

static const struct conf_row listener_rows[] = {
    TEXT("address", struct listener_conf, address, &conf_form_address, "where clients are accepted",
         .def = "127.0.0.1:8080"),
    COUNT("backlog", struct listener_conf, backlog, "4096", "1", "65535", "connections",
          "connections the kernel may hold before they are accepted"),
    COUNT("max_connections", struct listener_conf, max_connections, "0", "0", "10000000",
          "connections", "most connections at once", .def_words = "0 (from the descriptor limit)"),
    COUNT("per_address", struct listener_conf, per_address, "0", "0", "10000000", "connections",
          "most connections at once from one client address", .def_words = "0 (off)"),
    BOOL("ipv6_only", struct listener_conf, ipv6_only, "false",
         "[::]:PORT takes IPv6 alone; false: IPv4 too, where no other listener has that port"),
    WORD("http2", struct listener_conf, http2, "auto", http2_words,
         "HTTP/2: auto: where the client asks for it in TLS (ALPN); clear: without TLS too, by "
         "prior knowledge"),
    WORD("proxy_protocol", struct listener_conf, proxy_protocol, "off", on_off,
         "every connection begins with the PROXY protocol, version 1 or 2, from `trusted` peers "
         "only; the client it names is the client"),
    FLAT("tls", &tls_table, "TLS towards clients", .at_is = offsetof(struct listener_conf, tls),
         .has_is = true),
};
static const struct conf_table listener_table = {
    .name = "listeners[]",
    .about = "The addresses clients are accepted on. Without any, weir listens on 127.0.0.1:8080.",
    .each = "a listener",
    .size = sizeof(struct listener_conf),
    ROWS_OF(listener_rows),
};

static const struct conf_word underscores[] = {{"refuse", UNDERSCORE_NAMES_REFUSE},
                                               {"drop", UNDERSCORE_NAMES_DROP},
                                               {"pass", UNDERSCORE_NAMES_PASS},
                                               {NULL, 0}};

static const struct conf_row limits_rows[] = {
    SIZE("request_line", struct limits_conf, request_line, "8KiB", "256B", "64KiB",
         "method, target and version; above: 414"),
    SIZE("head", struct limits_conf, head, "32KiB", "1KiB", "256KiB",
         "the whole head of a request; above: 431"),
    COUNT("fields", struct limits_conf, fields, "100", "8", "1000", "fields",
          "header fields; above: 431"),
    SIZE("body", struct limits_conf, body, "32MiB", "0B", "16GiB",
         "the body of a request; above: 413"),
    SIZE("spool", struct limits_conf, spool, "64MiB", "0B", "16GiB",
         "a worker keeps request bodies until they are whole, in all so much, and one of at most a "
         "quarter; what does not fit flows through while it is sent"),
    SIZE("response_head", struct limits_conf, response_head, "64KiB", "1KiB", "1MiB",
         "the head of an upstream's answer; above: 502"),
    SIZE("buffer", struct limits_conf, buffer, "32KiB", "4KiB", "1MiB",
         "bytes held per connection and direction"),
    COUNT("keepalive_requests", struct limits_conf, keepalive_requests, "10000", "1", "1000000000",
          "requests", "requests on one connection before it is closed"),
    COUNT("http2_streams", struct limits_conf, http2_streams, "100", "1", "1000", "streams",
          "requests at once on one HTTP/2 connection"),
    SIZE("memory", struct limits_conf, memory, "0B", "0B", "1024GiB",
         "most memory of the process; near it nothing new is taken; printed at the start",
         .def_words = "what the other settings come to, at most 3/4 of the machine's",
         .not_live = true),
    COUNT("connections", struct limits_conf, connections, "0", "0", "10000000", "connections",
          "most client connections at once, of all listeners",
          .def_words = "0 (from the descriptor limit)", .not_live = true),
    WORD("underscore_names", struct limits_conf, underscore_names, "refuse", underscores,
         "header names with an underscore: refuse the request, drop the field, or pass it on (not "
         "to servers that read _ as -)"),
};
static const struct conf_table limits_table =
    TABLE("limits", limits_rows, "What a client, and an upstream, may send.");

static const struct conf_row client_timeouts_rows[] = {
    DURATION("head", struct client_timeouts_conf, head_ns, "10s", "100ms", "1h",
             "a request's head, from first byte to last"),
    DURATION("body_idle", struct client_timeouts_conf, body_idle_ns, "10s", "100ms", "1h",
             "silence inside a request's body"),
    DURATION("keepalive", struct client_timeouts_conf, keepalive_ns, "60s", "100ms", "1h",
             "an idle connection waits for a request"),
    DURATION("write", struct client_timeouts_conf, write_ns, "30s", "100ms", "1h",
             "a client does not read its answer"),
    DURATION("tls", struct client_timeouts_conf, tls_ns, "10s", "100ms", "1h", "the TLS handshake"),
    SIZE("body_rate", struct client_timeouts_conf, body_rate, "1KiB", "0B", "1GiB",
         "least rate of a request's body after its first 10 s; 0B = off", .unit = "a second"),
};
static const struct conf_table client_timeouts_table =
    TABLE("client_timeouts", client_timeouts_rows, "How long a client may take.");

static const struct conf_row identity_rows[] = {
    TEXT("header", struct settings, identity.header, &conf_form_token,
         "header that tells users apart; \"authorization\" also means x-api-key",
         .def = "authorization", .empty_too = true),
    TEXT("cookie", struct settings, identity.cookie, &conf_form_token,
         "cookie that tells users apart where the header is missing", .def_words = "none"),
    BOOL("address", struct settings, identity.address, "true",
         "the client's address as last resort"),
};
static const struct conf_table identity_table = TABLE(
    "identity", identity_rows, "Who a user is, for fairness, leases and the log (hashed there).");

static const struct conf_row cors_rows[] = {
    TEXTS("origins", struct settings, cors.origins, cors.n_origins,
          "origins whose preflights weir answers and whose refusals may be read; \"*\" = all",
          .form = &conf_form_origin, .def_words = "none"),
};
static const struct conf_table cors_table =
    TABLE("cors", cors_rows, "Cross-origin requests. Without origins they pass to the upstream.");

static const struct conf_word languages[] = {{"en", 0}, {"fr", 1}, {"de", 2}, {"es", 3}, {NULL, 0}};

static const struct conf_row pages_rows[] = {
    TEXT("directory", struct settings, pages.directory, &conf_form_directory,
         "folder with pages of your own", .def_words = "\"\" (built-in pages)"),
    TEXT("status_path", struct settings, pages.status_path, &conf_form_path,
         "path of the public status page", .def_words = "\"\" (off)"),
    TEXTS("languages", struct settings, pages.languages, pages.n_languages,
          "languages of the pages, the first for those who ask for none", .words = languages,
          .def_words = "all"),
};
static const struct conf_table pages_table =
    TABLE("pages", pages_rows, "What people see when weir answers by itself.");

static const struct conf_row admin_rows[] = {
    TEXT("socket", struct settings, admin.socket, &conf_form_socket, "the socket weirctl speaks to",
         .def_words = "$RUNTIME_DIRECTORY/admin.sock, else $XDG_RUNTIME_DIR/weir/admin.sock, else "
                      "/run/weir/admin.sock, else a folder of our own under the temporary folder"),
    TEXTS("uids", struct settings, admin.uids, admin.n_uids,
          "users, by name or number, who may use it besides; NAME:read may look only",
          .form = &conf_form_operator, .def_words = "root and weir's own"),
    TEXT("http", struct settings, admin.http, &conf_form_address,
         "metrics, health and the live page; \"\" = off", .def = "127.0.0.1:9901",
         .empty_too = true),
    TEXTS("hosts", struct settings, admin.hosts, admin.n_hosts,
          "further names the endpoint may be asked by, such as a service's; \"*.NAME\" = any below",
          .form = &conf_form_admin_host,
          .def_words = "localhost, addresses and the machine's own name, always"),
    COUNT("why_entries", struct settings, admin.why_entries, "65536", "16", "1048576", "requests",
          "how many decisions `weirctl why` reaches back"),
};
static const struct conf_table admin_table =
    TABLE("admin", admin_rows, "The operator's socket and the HTTP endpoint.");

static const struct conf_word levels[] = {{"debug", LOG_LEVEL_DEBUG},
                                          {"info", LOG_LEVEL_INFO},
                                          {"warn", LOG_LEVEL_WARN},
                                          {"error", LOG_LEVEL_ERROR},
                                          {NULL, 0}};

static const struct conf_row log_rows[] = {
    TEXT("access", struct settings, log.access, &conf_form_log,
         "one JSON object a request: stderr, stdout, off, syslog, or a file", .def = "stderr"),
    WORD("level", struct settings, log.level, "info", levels,
         "least level of the event log on stderr"),
    BOOL("query", struct settings, log.query, "true",
         "log the values of a request's query; false: the names only"),
    TEXTS("redact", struct settings, log.redact, log.n_redact,
          "query parameters whose values are never written down, in any case, also as the end of a "
          "longer name (X-Amz-Signature)",
          .form = &conf_form_token,
          .def_words = "key, api_key, token, access_token, sig, signature, password"),
};
static const struct conf_table log_table = TABLE("log", log_rows, "What is written down.");

static const struct conf_row state_rows[] = {
    TEXT("path", struct settings, state.path, &conf_form_kept,
         "file for what was learnt of the upstreams, written each 10 s and at the end, so that a "
         "restart does not begin cold",
         .def_words = "none", .not_live = true),
    DURATION("max_age", struct settings, state.max_age_ns, "24h", "1s", "720h",
             "an older file is not used", .not_live = true),
};
static const struct conf_table state_table = TABLE(
    "state", state_rows, "What outlives a restart: limits, times and loads that were learnt.");

static const struct conf_row tracing_rows[] = {
    TEXT("endpoint", struct settings, tracing.endpoint, &conf_form_url,
         "OTLP collector that spans are sent to, as JSON over HTTP (POST /v1/traces)",
         .def_words = "none: no span, and no trace field is added to a request"),
    RATIO("sample", struct settings, tracing.sample, "0.01", "0", "1", "of traces",
          "share of the requests without a traceparent that is sampled; a parent's own decision is "
          "always followed"),
};
static const struct conf_table tracing_table =
    TABLE("tracing", tracing_rows, "Spans of requests, for OpenTelemetry.");

static const struct conf_word fin_words[] = {{"abort", 0}, {"keep", 1}, {NULL, 0}};

static const struct conf_row root_rows[] = {
    COUNT("workers", struct settings, workers, NULL, "1", "256", "threads", "worker threads",
          .def_words = "one per core", .not_live = true),
    TEXT("user", struct settings, user, &conf_form_user,
         "user to become once the listeners are bound", .def_words = "none", .not_live = true),
    BOOL("sandbox", struct settings, sandbox, "true",
         "system calls, files and privileges are given up after the start", .not_live = true),
    DURATION("drain_delay", struct settings, drain_delay_ns, "0s", "0s", "1h",
             "when draining: time between not ready and the closing of the listeners"),
    DURATION("drain_timeout", struct settings, drain_timeout_ns, "10m", "0s", "24h",
             "when draining: longest time that streams may take to end"),
    TEXTS("trusted", struct settings, trusted, n_trusted,
          "peers whose X-Forwarded-For, x-request-id and class header are believed",
          .form = &conf_form_block, .def_words = "none"),
    WORD("client_fin", struct settings, keep_half_closed, "abort", fin_words,
         "a client that closed its sending side: gone, or still listening"),
    LIST("listeners", struct settings, listeners, n_listeners, &listener_table,
         "addresses clients are accepted on", .at_least_one = true, .one_if_absent = true),
    GROUP("limits", struct settings, limits, &limits_table, "bounds on what is sent"),
    GROUP("client_timeouts", struct settings, client_timeouts, &client_timeouts_table,
          "patience with clients"),
    LIST("pools", struct settings, pools, n_pools, &conf_pool_table,
         "groups of interchangeable upstreams", .required = true, .at_least_one = true, .most = 64),
    LIST("routes", struct settings, routes, n_routes, &conf_route_table,
         "which requests go to which pool"),
    FLAT("identity", &identity_table, "who a user is"),
    FLAT("cors", &cors_table, "cross-origin requests"),
    FLAT("pages", &pages_table, "answers for people"),
    FLAT("admin", &admin_table, "the operator's access"),
    FLAT("log", &log_table, "logs"),
    FLAT("state", &state_table, "what outlives a restart"),
    FLAT("tracing", &tracing_table, "spans of requests"),
    FLAT("fleet", &conf_fleet_table, "several weirs in front of the same upstreams"),
};
const struct conf_table conf_root = TABLE("", root_rows, "The process as a whole.");
