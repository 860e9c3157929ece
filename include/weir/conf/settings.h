/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_SETTINGS_H
#define WEIR_CONF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "weir/base/log.h"
#include "weir/base/words.h"
#include "weir/decide/settings.h"

/*
 * The settings of a run: an immutable snapshot, made by conf_load from a file or by
 * conf_from_upstream without one.  Every string is owned by the snapshot and never NULL ("" where
 * nothing was set). Meaning, ranges and defaults: docs/settings.md, generated from the table in
 * config/.
 *
 * conf does not know sockets: addresses and URLs are checked for their form by conf_load and parsed
 * again where they are used.
 */

struct sni_conf {
    char *certificate, *key;
};

/* auto: where TLS agrees on it; clear: without TLS too, by its first bytes. */
enum listener_http2 { LISTENER_HTTP2_OFF, LISTENER_HTTP2_AUTO, LISTENER_HTTP2_CLEAR };

struct listener_conf {
    char *address;
    uint32_t backlog;
    uint32_t max_connections; /* 0 = from the descriptor limit */
    uint32_t per_address;     /* 0 = off */
    bool ipv6_only;           /* of [::]: no IPv4 */
    enum listener_http2 http2;
    bool proxy_protocol; /* each connection begins with it */
    bool tls;
    char *tls_certificate, *tls_key, *tls_client_ca;
    struct sni_conf *sni;
    size_t n_sni;
};

/* What becomes of fields whose names have an underscore. */
enum underscore_names { UNDERSCORE_NAMES_REFUSE, UNDERSCORE_NAMES_DROP, UNDERSCORE_NAMES_PASS };

struct limits_conf {
    uint32_t request_line, head, fields;
    uint64_t body;
    uint64_t spool; /* of all request bodies of a worker that are kept until they are whole */
    uint32_t response_head, buffer;
    uint32_t keepalive_requests;
    uint32_t http2_streams; /* at once on one connection */
    uint64_t memory;        /* 0 = as much as the other settings come to, within the machine's */
    uint32_t connections;   /* 0 = from the descriptor limit */
    enum underscore_names underscore_names;
};

struct client_timeouts_conf {
    uint64_t head_ns, body_idle_ns, keepalive_ns, write_ns, tls_ns;
    uint64_t body_rate; /* bytes a second after 10 s; 0 = off */
};

/* auto: where TLS agrees on it; clear: without TLS, by prior knowledge. */
enum upstream_http2 { UPSTREAM_HTTP2_OFF, UPSTREAM_HTTP2_AUTO, UPSTREAM_HTTP2_CLEAR };

/* The PROXY protocol that each connection to an upstream begins with. */
enum upstream_proxy { UPSTREAM_PROXY_OFF, UPSTREAM_PROXY_V1, UPSTREAM_PROXY_V2 };

struct upstream_conf {
    char *name, *url;
    char *host; /* "client", "url" or a name; "" = the url's for https, else the client's */
    uint32_t max_streams;
    enum upstream_http2 http2;
    enum upstream_proxy proxy_protocol;
    char *ca, *server_name, *certificate, *key;
    bool verify;
    bool shared; /* all nodes of the fleet reach one and the same server there */
    uint32_t idle_connections;
    uint64_t idle_timeout_ns;
};

struct timeouts_conf {
    uint64_t connect_ns, first_token_ns, first_token_last_ns, stall_ns, total_ns, unary_ns;
    uint64_t head_hold_ns, tunnel_idle_ns;
};

struct health_conf {
    char *path; /* "" = off */
    uint64_t interval_ns, timeout_ns;
    uint32_t rise, fall;
    char **headers; /* "Name: value" */
    size_t n_headers;
    char **status; /* "204" or "200-299"; none: 200 to 299 */
    size_t n_status;
};

/* Who a limit is about, and whether each of them has it or all of them share it. */
struct limit_conf {
    char *user, *model; /* "" = any */
    uint32_t class;     /* enum request_class; CLASS_COUNT = any */
    bool shared;
    struct quota_limits limits;
};

struct pool_conf {
    char *name;
    struct decide_conf decide;
    struct upstream_conf *upstreams;
    size_t n_upstreams;
    struct timeouts_conf timeouts;
    struct health_conf health;
    struct limit_conf *limits;
    size_t n_limits;
    uint64_t heartbeat_ns; /* 0 = off */
    int overload_status;   /* 503 or 429 */
    bool restate_errors;
    bool finish_reason_ends; /* a finish reason and a clean end make a stream whole */
};

enum route_pages { ROUTE_PAGES_AUTO, ROUTE_PAGES_HTML, ROUTE_PAGES_JSON };
enum route_stream { ROUTE_STREAM_AUTO, ROUTE_STREAM_ALWAYS, ROUTE_STREAM_NEVER };

struct route_conf {
    char *path, *host, *method; /* "" = any */
    char *pool_name;
    size_t pool; /* index into settings.pools */
    enum request_class class;
    char *class_header; /* "" = none */
    enum route_pages pages;
    bool websocket, early_stream;
    enum route_stream stream;
};

struct identity_conf {
    char *header; /* "authorization" also means x-api-key */
    char *cookie;
    bool address;
};

struct cors_conf {
    char **origins;
    size_t n_origins;
};

struct pages_conf {
    char *directory, *status_path;
    char **languages; /* empty = all */
    size_t n_languages;
};

struct admin_conf {
    char *socket; /* "" = the default places in their order */
    char **uids;  /* user names or numbers, besides root and our own */
    size_t n_uids;
    char *http;   /* "" = off */
    char **hosts; /* further names it may be asked by */
    size_t n_hosts;
    bool default_http;
    uint32_t why_entries;
};

/* Where what was learnt is kept from one run to the next. */
struct state_conf {
    char *path; /* "" = off */
    uint64_t max_age_ns;
};

struct log_conf {
    char *access; /* stderr, stdout, off, syslog, or a file */
    enum log_level level;
    bool query;
    char **redact; /* names of query parameters whose values are never written down */
    size_t n_redact;
};

/* Spans of requests, sent as OTLP. */
struct tracing_conf {
    char *endpoint; /* "" = off */
    double sample;  /* 0 to 1, of requests without a parent */
};

/* The weirs in front of the same upstreams, and the Redis through which they know of each other. */
struct fleet_conf {
    char *redis; /* "" = off; never with a password */
    char *name, *node;
    char *password_file, *secret_file, *ca, *server_name, *certificate, *key;
    bool verify;
    uint64_t timeout_ns;
    uint32_t nodes; /* assumed while Redis was never reached */
};

struct settings {
    uint32_t workers; /* never 0: one per core is already filled in */
    char *user;
    bool sandbox;
    uint64_t drain_delay_ns, drain_timeout_ns;
    char **trusted; /* CIDR blocks */
    size_t n_trusted;
    bool keep_half_closed; /* client_fin = "keep" */

    struct listener_conf *listeners;
    size_t n_listeners;
    bool default_listener; /* nobody asked for it: a taken port is a warning */
    struct limits_conf limits;
    struct client_timeouts_conf client_timeouts;
    struct pool_conf *pools;
    size_t n_pools;
    struct route_conf *routes; /* empty: everything goes to the first pool */
    size_t n_routes;

    struct identity_conf identity;
    struct cors_conf cors;
    struct pages_conf pages;
    struct admin_conf admin;
    struct state_conf state;
    struct log_conf log;
    struct tracing_conf tracing;
    struct fleet_conf fleet;

    char *file;    /* where it was read from; "" = none */
    void *origins; /* conf's own: where each value came from */
};

/* One diagnostic.  `line` 0: the file as a whole. */
struct conf_diagnostic {
    const char *file; /* both are freed with the list */
    int line;
    const char
        *text; /* a whole sentence: what is wrong, the value, what was expected, the nearest key */
};
struct conf_diagnostics {
    struct conf_diagnostic *list;
    size_t n;
    /* There was no memory: the list is the one sentence that says so, and takes no other. */
    bool no_memory;
    struct conf_diagnostic alone[1];
};

/*
 * Reads and verifies a file: everything a start needs, files it names included (certificates are
 * only looked at for being readable; TLS judges them at the start).  NULL if there is any
 * diagnostic; all of them are in *m, in the order of the lines.  conf_diagnostics_free in either
 * case.
 */
struct settings *conf_load(const char *path, struct conf_diagnostics *m);
/* The same from memory; `name` stands for the file in diagnostics.  For tests and fuzzing. */
struct settings *conf_parse(const char *text, const char *name, struct conf_diagnostics *m);
/*
 * What the decisions are told where the file is silent, for a pool of this profile.  For tests, the
 * simulation and weir-micro: the defaults stand in the settings table alone.
 */
struct decide_conf conf_decide_defaults(bool api);
/* One pool "default", one upstream "default", all defaults; `listen` NULL = 127.0.0.1:8080. */
struct settings *conf_from_upstream(const char *url, const char *listen,
                                    struct conf_diagnostics *m);

/* One more; where there is no memory for it, the list becomes the sentence that says so. */
void conf_diagnostic(struct conf_diagnostics *m, const char *file, int line, const char *fmt, ...)
    WEIR_PRINTF(4, 5);
void conf_diagnostics_free(struct conf_diagnostics *m);
void settings_destroy(struct settings **s);

/*
 * Every setting in force as lines "key = value" with where it came from ("default", "file:12"), in
 * the order of the table: for `--check`, `weirctl config`.  fn is called once per line.
 */
typedef void conf_line_fn(const char *key, const char *value, const char *origin, void *arg);
void conf_dump(const struct settings *s, conf_line_fn *fn, void *arg);

/* What would run, for people: listeners, pools, routes, admin, and every value that was set. */
void conf_print_check(const struct settings *s, FILE *out);

/*
 * What of `next` can not be put in force by a reload (workers, user, sandbox): calls fn with a
 * sentence for each difference.  Returns how many.
 */
size_t conf_not_live(const struct settings *now, const struct settings *next,
                     void (*fn)(const char *sentence, void *arg), void *arg);

/* The reference page docs/settings.md, generated from the table; lines to fn. */
void conf_reference(void (*fn)(const char *line, void *arg), void *arg);

#endif
