/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings files of weir and its peers.  docs/benchmarks.md gives the reasons; peers have the
 * best that their own documentation says for the purpose.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/scenario/setup_priv.h"

/* weir */

static bool is_first_of_pool(const struct setup *s, size_t i)
{
    return i == 0 || strcmp(s->servers[i - 1].pool, s->servers[i].pool) != 0;
}

static bool is_last_of_pool(const struct setup *s, size_t i)
{
    return i + 1 == s->n_servers || strcmp(s->servers[i + 1].pool, s->servers[i].pool) != 0;
}

/* Servers of a pool stand together.  Each reload changes something that changes nothing. */
static void weir_pools(const struct setup *s, struct grow *g)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        const struct setup_server *v = &s->servers[i];
        if (is_first_of_pool(s, i))
            grow_printf(g, "%s{ name = \"%s\"; lease = \"%dm\";\n%s\n  upstreams = (",
                        i > 0 ? ", " : "", v->pool, 10 - s->n_reloads % 5,
                        v->weir == NULL ? "" : v->weir);
        else
            grow_str(g, ",");
        grow_printf(g, " { name = \"%s\"; url = \"%s\"; }", v->name, v->url);
        if (is_last_of_pool(s, i))
            grow_str(g, " ); }\n");
    }
    grow_str(g, " );\nroutes = ( ");
    for (size_t i = 0; i < s->n_servers; i++) {
        if (is_first_of_pool(s, i))
            grow_printf(g, "%s{ host = \"%s.test\"; pool = \"%s\"; websocket = true; }",
                        i > 0 ? ",\n  " : "", s->servers[i].pool, s->servers[i].pool);
    }
}

static void weir_pool(const struct setup *s, const struct setup_wish *w, struct grow *g)
{
    grow_printf(g,
                "{ name = \"bench\";\n"
                "  upstreams = ( { name = \"backend\"; url = \"%s\"; %s } );\n%s\n}",
                s->backend_url, w->upstream == NULL ? "" : w->upstream,
                w->settings == NULL ? "" : w->settings);
}

void weir_settings_at(const struct setup *s, const struct weir_place *at,
                      const struct setup_wish *w, struct grow *g)
{
    if (w->workers > 0)
        grow_printf(g, "workers = %d;\n", w->workers);
    grow_printf(g, "listeners = ( { address = \"%s:%d\";", s->host, at->port);
    if (w->tls)
        grow_printf(g, " tls = { certificate = \"%s/tls.pem\"; key = \"%s/tls.pem\"; };", s->folder,
                    s->folder);
    grow_str(g, " } );\npools = ( ");
    if (s->n_servers > 0)
        weir_pools(s, g);
    else
        weir_pool(s, w, g);
    grow_printf(g,
                " );\n"
                "admin = { socket = \"%s\"; http = \"\"; };\n"
                "log = { access = \"%s\"; };\n%s",
                at->admin_path, at->log_path[0] == '\0' ? "off" : at->log_path,
                at->more == NULL ? "" : at->more);
}

void weir_settings(struct setup *s, const struct setup_wish *w, struct grow *g)
{
    (void)snprintf(s->admin_path, sizeof s->admin_path, "%s/admin.sock", s->folder);
    if (w->log)
        (void)snprintf(s->log_path, sizeof s->log_path, "%s/access.log", s->folder);
    weir_settings_at(s,
                     &(struct weir_place){.port = s->target_port,
                                          .admin_path = s->admin_path,
                                          .log_path = s->log_path},
                     w, g);
}

/* Connections a target may be told to accept: a proxy needs two descriptors for each. */
static int most_connections(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_max > 65536)
        return 30000;
    return (int)(r.rlim_max - 200) / 2;
}

/* nginx */

/*
 * A limit set by hand is max_conns; what is beyond it, and what comes while the backend is taken
 * for dead (max_fails, which binds only where there is another server), goes to a backup server: a
 * page of nginx's own, which says when to come back.
 */
static void nginx_upstream(const struct setup *s, const struct setup_wish *w, struct grow *g)
{
    grow_str(g, "  upstream backend {\n    zone backend 256k;\n");
    if (w->limit > 0 && !w->no_queue)
        grow_printf(g,
                    "    server %s max_conns=%d max_fails=3 fail_timeout=2s;\n"
                    "    server unix:%s/busy.sock backup;\n",
                    setup_backend_address(s), w->limit, s->folder);
    else
        grow_printf(g, "    server %s max_fails=0;\n", setup_backend_address(s));
    grow_str(g, "    keepalive 512; keepalive_requests 1000000;\n  }\n");
}

/* One for each pool; several servers have nginx's own idea of a dead one. */
static void nginx_upstreams(const struct setup *s, struct grow *g)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        if (is_first_of_pool(s, i))
            grow_printf(g, "  upstream %s {\n", s->servers[i].pool);
        grow_printf(g, "    server %s max_fails=%d fail_timeout=2s;\n",
                    s->servers[i].url + strlen("http://"),
                    is_first_of_pool(s, i) && is_last_of_pool(s, i) ? 0 : 1);
        if (is_last_of_pool(s, i))
            grow_str(g, "    keepalive 512; keepalive_requests 1000000;\n  }\n");
    }
}

static void nginx_location(const char *upstream, const char *more, struct grow *g)
{
    grow_printf(g,
                "    location / {\n      proxy_pass http://%s;\n"
                "      proxy_http_version 1.1;\n      proxy_set_header Connection $connection_of;\n"
                "      proxy_set_header Upgrade $http_upgrade;\n"
                "      proxy_buffering off;\n      proxy_connect_timeout 2s;\n"
                "      proxy_read_timeout 1h;\n      proxy_send_timeout 1h;\n%s    }\n  }\n",
                upstream, more);
}

static void nginx_server(const struct setup *s, const struct setup_wish *w, const char *name,
                         struct grow *g)
{
    grow_printf(g, "  server {\n    listen %s:%d%s backlog=4096;\n    server_name %s;\n", s->host,
                s->target_port, w->tls ? " ssl" : "", name);
    if (w->tls)
        grow_printf(g, "    ssl_certificate %s/tls.pem;\n    ssl_certificate_key %s/tls.pem;\n",
                    s->folder, s->folder);
}

static void nginx_servers(const struct setup *s, const struct setup_wish *w, struct grow *g)
{
    char name[64];

    for (size_t i = 0; i < s->n_servers; i++) {
        if (!is_first_of_pool(s, i))
            continue;
        grow_printf(g, "  server {\n    listen %s:%d%s;\n", s->host, s->target_port,
                    i == 0 ? " backlog=4096" : "");
        (void)snprintf(name, sizeof name, "%s.test", s->servers[i].pool);
        grow_printf(g, "    server_name %s;\n", name);
        nginx_location(s->servers[i].pool, "", g);
    }
    (void)w;
}

void nginx_settings(struct setup *s, const struct setup_wish *w, struct grow *g)
{
    grow_printf(g,
                "worker_processes 1;\ndaemon off;\nmaster_process off;\npid %s/nginx.pid;\n"
                "error_log %s/nginx.err error;\n"
                "events { worker_connections %d; multi_accept on; }\n"
                "http {\n  access_log off;\n  client_max_body_size 32m;\n"
                "  client_body_temp_path %s/body;\n  proxy_temp_path %s/proxy;\n"
                "  fastcgi_temp_path %s/f;\n  uwsgi_temp_path %s/u;\n  scgi_temp_path %s/s;\n"
                "  keepalive_requests 1000000;\n"
                "  map $http_upgrade $connection_of { default upgrade; '' ''; }\n"
                "  limit_conn_zone $server_name zone=all:1m;\n",
                s->folder, s->folder, 2 * most_connections(), s->folder, s->folder, s->folder,
                s->folder, s->folder);
    if (s->n_servers > 0) {
        nginx_upstreams(s, g);
        nginx_servers(s, w, g);
        grow_str(g, "}\n");
        return;
    }
    nginx_upstream(s, w, g);
    if (w->limit > 0 && !w->no_queue)
        grow_printf(g,
                    "  server {\n    listen unix:%s/busy.sock;\n    location / {\n"
                    "      add_header Retry-After 2 always;\n      return 503 \"busy\\n\";\n"
                    "    }\n  }\n",
                    s->folder);
    nginx_server(s, w, "bench", g);
    if (w->limit > 0 && w->no_queue)
        grow_printf(g, "    limit_conn all %d;\n    limit_conn_status 503;\n", w->limit);
    /* the next one is the page alone: nothing is asked twice */
    nginx_location("backend",
                   w->limit > 0 && !w->no_queue
                       ? "      proxy_next_upstream error timeout non_idempotent;\n"
                       : "",
                   g);
    grow_str(g, "}\n");
}

/* haproxy */

/*
 * Refuses beyond the limit; or queues for a second, looks after the backend (checks, and what
 * requests came to), takes one that fails for dead, and tells virtual users when to come back.
 */
void haproxy_settings(struct setup *s, const struct setup_wish *w, struct grow *g)
{
    char limit[160] = "", deny[96] = "";
    const char *care = "";

    if (w->limit > 0 && !w->no_queue) {
        (void)snprintf(limit, sizeof limit,
                       " maxconn %d check inter 1s fall 2 rise 2 observe layer7 error-limit 5 "
                       "on-error mark-down",
                       w->limit);
        care =
            "  option httpchk GET /health\n"
            "  http-error status 503 content-type text/plain string \"busy\" hdr Retry-After 2\n";
    }
    if (w->limit > 0 && w->no_queue)
        (void)snprintf(deny, sizeof deny,
                       "  http-request deny deny_status 503 if { be_conn(out) ge %d }\n", w->limit);
    grow_printf(g,
                "global\n  nbthread 1\n  maxconn %d\n"
                "defaults\n  mode http\n  timeout connect 2s\n  timeout client 1h\n"
                "  timeout server 1h\n  timeout queue 1s\n  timeout http-request 10s\n"
                "  timeout http-keep-alive 60s\n  option http-no-delay\n  http-reuse always\n"
                "  retries 0\n"
                "frontend in\n  bind %s:%d backlog 4096%s%s%s\n%s  default_backend out\n"
                "backend out\n%s  server a %s pool-max-conn -1%s\n",
                most_connections(), s->host, s->target_port, w->tls ? " ssl crt " : "",
                w->tls ? s->folder : "", w->tls ? "/tls.pem" : "", deny, care,
                setup_backend_address(s), limit);
}
