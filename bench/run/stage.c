/* SPDX-License-Identifier: Apache-2.0 */
/* Programs under test: their settings files, their start and their end. */
#include "bench/run/stage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/common/httpc.h"
#include "bench/run/certificate.h"
#include "weir/base/text.h"

enum { ARGS_MAX = 48, PATH_SIZE = 512 };
static const double start_s = 10, stop_s = 5;

/* Connections come from 127.0.0.1 and another harness has another address: no port is met twice. */
static void own_host(char *out, size_t size)
{
    unsigned pid = (unsigned)getpid();

    (void)snprintf(out, size, "127.%u.%u.%u", 2 + pid % 60, pid / 60 % 256, 1 + pid / 15360 % 250);
}

enum weir_status stage_init(struct stage *s, char *why, size_t why_size)
{
    *s = (struct stage){.folder = "/tmp/weir-bench-XXXXXX"};
    own_host(s->host, sizeof s->host);
    if (mkdtemp(s->folder) != NULL)
        return WEIR_OK;
    (void)snprintf(why, why_size, "no temporary folder: %s", strerror(errno));
    s->folder[0] = '\0';
    return WEIR_SYS;
}

static void remove_folder(const char *folder)
{
    char path[PATH_SIZE];
    DIR *d = opendir(folder);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path) != 0)
            remove_folder(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(folder);
}

void stage_drop_target(struct stage *s)
{
    process_stop(&s->target, stop_s);
    s->target_url[0] = s->admin_path[0] = '\0';
}

void stage_fini(struct stage *s)
{
    stage_drop_target(s);
    process_stop(&s->backend, stop_s);
    if (s->folder[0] != '\0')
        remove_folder(s->folder);
    s->folder[0] = '\0';
}

static enum weir_status write_file(const struct stage *s, const char *name, const struct grow *g,
                                   char *why, size_t why_size)
{
    char path[PATH_SIZE];
    FILE *f;
    bool good;

    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    f = fopen(path, "we");
    good = f != NULL && fwrite(g->p, 1, g->len, f) == g->len;
    if (f != NULL)
        good = fclose(f) == 0 && good;
    if (good)
        return WEIR_OK;
    (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
    return WEIR_SYS;
}

static enum weir_status wait_ready(struct process *p, const char *url, char *why, size_t why_size)
{
    struct target t;
    enum weir_status rc = target_parse(url, &t);

    if (rc == WEIR_OK)
        rc = process_wait_for(p, &t.address, start_s);
    if (rc == WEIR_OK)
        return WEIR_OK;
    process_show_log(p);
    (void)snprintf(why, why_size, "%s %s", p->name,
                   rc == WEIR_CLOSED ? "ended at its start" : "does not accept connections");
    return rc;
}

static enum weir_status start(struct stage *s, struct process *p, const char *name,
                              char *const *argv, char *why, size_t why_size)
{
    char log[PATH_SIZE];

    (void)snprintf(log, sizeof log, "%s/%s.log", s->folder, name);
    if (process_start(p, name, log, argv) == WEIR_OK)
        return WEIR_OK;
    (void)snprintf(why, why_size, "%s cannot be started: %s", name, strerror(errno));
    return WEIR_SYS;
}

static char *arg(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum weir_status stage_backend(struct stage *s, const char *const *args, char *why, size_t why_size)
{
    char listen[40], control[40];
    char *argv[ARGS_MAX] = {
        arg("/proc/self/exe"), arg("backend"), arg("--quiet"), arg("--listen"), listen,
        arg("--control"),      control};
    size_t n = 7;

    while (*args != NULL && n < ARGS_MAX - 1)
        argv[n++] = arg(*args++);
    (void)snprintf(listen, sizeof listen, "%s:%d", s->host, free_port(s->host));
    (void)snprintf(control, sizeof control, "%s:%d", s->host, free_port(s->host));
    (void)snprintf(s->backend_url, sizeof s->backend_url, "http://%s", listen);
    (void)snprintf(s->control_url, sizeof s->control_url, "http://%s", control);
    if (start(s, &s->backend, "backend", argv, why, why_size) != WEIR_OK)
        return WEIR_SYS;
    return wait_ready(&s->backend, s->backend_url, why, why_size);
}

/* The settings of each target.  docs/benchmarks.md gives the reasons. */

static const char *backend_address(const struct stage *s)
{
    return s->backend_url + strlen("http://");
}

static void weir_settings(struct stage *s, const struct stage_wish *w, struct grow *g)
{
    (void)snprintf(s->admin_path, sizeof s->admin_path, "%s/admin.sock", s->folder);
    if (w->log)
        (void)snprintf(s->log_path, sizeof s->log_path, "%s/access.log", s->folder);
    if (w->workers > 0)
        grow_printf(g, "workers = %d;\n", w->workers);
    grow_printf(g, "listeners = ( { address = \"%s:%d\";", s->host, s->target_port);
    if (w->tls)
        grow_printf(g, " tls = { certificate = \"%s/tls.pem\"; key = \"%s/tls.pem\"; };", s->folder,
                    s->folder);
    grow_printf(g,
                " } );\n"
                "pools = ( { name = \"bench\";\n"
                "  upstreams = ( { name = \"backend\"; url = \"%s\"; %s } );\n%s\n} );\n"
                "admin = { socket = \"%s\"; http = \"\"; };\n"
                "log = { access = \"%s\"; };\n",
                s->backend_url, w->upstream == NULL ? "" : w->upstream,
                w->settings == NULL ? "" : w->settings, s->admin_path,
                w->log ? s->log_path : "off");
}

/* Connections a target may be told to accept: a proxy needs two descriptors for each. */
static int most_connections(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_max > 65536)
        return 30000;
    return (int)(r.rlim_max - 200) / 2;
}

static void nginx_settings(struct stage *s, const struct stage_wish *w, struct grow *g)
{
    grow_printf(g,
                "worker_processes 1;\ndaemon off;\nmaster_process off;\npid %s/nginx.pid;\n"
                "error_log %s/nginx.err error;\n"
                "events { worker_connections %d; multi_accept on; }\n"
                "http {\n  access_log off;\n  client_max_body_size 32m;\n"
                "  client_body_temp_path %s/body;\n  proxy_temp_path %s/proxy;\n"
                "  fastcgi_temp_path %s/f;\n  uwsgi_temp_path %s/u;\n  scgi_temp_path %s/s;\n"
                "  keepalive_requests 1000000;\n"
                "  limit_conn_zone $server_name zone=all:1m;\n"
                "  upstream backend { server %s max_fails=0; keepalive 512; "
                "keepalive_requests 1000000; }\n"
                "  server {\n    listen %s:%d%s backlog=4096;\n    server_name bench;\n",
                s->folder, s->folder, 2 * most_connections(), s->folder, s->folder, s->folder,
                s->folder, s->folder, backend_address(s), s->host, s->target_port,
                w->tls ? " ssl" : "");
    if (w->tls)
        grow_printf(g, "    ssl_certificate %s/tls.pem;\n    ssl_certificate_key %s/tls.pem;\n",
                    s->folder, s->folder);
    if (w->limit > 0)
        grow_printf(g, "    limit_conn all %d;\n    limit_conn_status 503;\n", w->limit);
    grow_str(g, "    location / {\n      proxy_pass http://backend;\n"
                "      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n"
                "      proxy_buffering off;\n      proxy_connect_timeout 2s;\n"
                "      proxy_read_timeout 1h;\n      proxy_send_timeout 1h;\n    }\n  }\n}\n");
}

static void haproxy_settings(struct stage *s, const struct stage_wish *w, struct grow *g)
{
    char limit[64] = "", deny[96] = "";

    if (w->limit > 0 && !w->no_queue)
        (void)snprintf(limit, sizeof limit, " maxconn %d", w->limit);
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
                "backend out\n  server a %s pool-max-conn -1%s\n",
                most_connections(), s->host, s->target_port, w->tls ? " ssl crt " : "",
                w->tls ? s->folder : "", w->tls ? "/tls.pem" : "", deny, backend_address(s), limit);
}

static void relay_settings(struct stage *s, const struct stage_wish *w, struct grow *g)
{
    (void)s, (void)w, (void)g;
}

struct target_kind {
    const char *name, *file;
    void (*settings)(struct stage *s, const struct stage_wish *w, struct grow *g);
    const char *argv[8]; /* "%f" the settings file, "%d" the folder, "%h" and "%p" where, "%b" the
                            backend */
};

static const struct target_kind kinds[] = {
    {"weir", "weir.cfg", weir_settings, {"%w", "-c", "%f"}},
    {"nginx",
     "nginx.conf",
     nginx_settings,
     {"nginx", "-p", "%d", "-e", "%d/nginx.err", "-c", "%f"}},
    {"haproxy", "haproxy.cfg", haproxy_settings, {"haproxy", "-db", "-f", "%f"}},
    {"relay",
     "relay.none",
     relay_settings,
     {"/proc/self/exe", "relay", "--listen", "%h:%p", "--to", "%b"}},
    /* for the harness to judge itself: a relay that does one thing wrong */
    {"wrong",
     "wrong.none",
     relay_settings,
     {"/proc/self/exe", "relay", "--listen", "%h:%p", "--to", "%b", "--wrong", "%x"}},
};

static const struct target_kind *find_kind(struct slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_eq(name, slice_str(kinds[i].name)))
            return &kinds[i];
    }
    return NULL;
}

static void weir_program(const struct stage_wish *w, char *out, size_t size)
{
    char folder[PATH_SIZE];

    if (w->weir != NULL) {
        (void)snprintf(out, size, "%s", w->weir);
        return;
    }
    (void)snprintf(out, size, "%s/weir", program_folder(folder, sizeof folder));
    if (access(out, X_OK) != 0)
        (void)snprintf(out, size, "weir");
}

/* One argument of a row with its %-words replaced. */
static void fill_arg(const struct stage *s, const struct target_kind *k, const struct stage_wish *w,
                     const char *pattern, char out[PATH_SIZE])
{
    char program[PATH_SIZE];
    struct text t;

    text_init(&t, out, PATH_SIZE);
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p != '%') {
            text_char(&t, *p);
            continue;
        }
        switch (*++p) {
        case 'f':
            text_printf(&t, "%s/%s", s->folder, k->file);
            break;
        case 'd':
            text_str(&t, s->folder);
            break;
        case 'h':
            text_str(&t, s->host);
            break;
        case 'p':
            text_printf(&t, "%d", s->target_port);
            break;
        case 'b':
            text_str(&t, backend_address(s));
            break;
        case 'x':
            text_str(&t, w->wrong == NULL ? "" : w->wrong);
            break;
        default:
            weir_program(w, program, sizeof program);
            text_str(&t, program);
        }
    }
}

static enum weir_status start_kind(struct stage *s, const struct target_kind *k,
                                   const struct stage_wish *w, char *why, size_t why_size)
{
    char words[8][PATH_SIZE];
    char *argv[9] = {NULL};
    struct grow g = {0};
    enum weir_status rc;

    s->target_port = free_port(s->host);
    (void)snprintf(s->target_url, sizeof s->target_url, "%s://%s:%d", w->tls ? "https" : "http",
                   s->host, s->target_port);
    if (w->tls && certificate_write(s->folder, "tls.pem") != WEIR_OK) {
        (void)snprintf(why, why_size, "no certificate could be made");
        return WEIR_TLS;
    }
    grow_str(&g, "");
    k->settings(s, w, &g);
    rc = write_file(s, k->file, &g, why, why_size);
    grow_free(&g);
    for (size_t i = 0; i < 8 && k->argv[i] != NULL; i++) {
        fill_arg(s, k, w, k->argv[i], words[i]);
        argv[i] = words[i];
    }
    if (rc == WEIR_OK)
        rc = start(s, &s->target, k->name, argv, why, why_size);
    return rc == WEIR_OK ? wait_ready(&s->target, s->target_url, why, why_size) : rc;
}

enum weir_status stage_target(struct stage *s, const char *target, const struct stage_wish *wish,
                              char *why, size_t why_size)
{
    struct slice rest = slice_str(target), name = next_part(&rest, ':');
    const struct target_kind *k = find_kind(name);
    struct stage_wish w = *wish;
    struct target t;
    uint64_t limit;

    if (strcmp(target, "direct") == 0) {
        (void)snprintf(s->target_url, sizeof s->target_url, "%s", s->backend_url);
        return WEIR_OK;
    }
    if (k == NULL) {
        if (target_parse(target, &t) == WEIR_OK) {
            (void)snprintf(s->target_url, sizeof s->target_url, "%s", target);
            return WEIR_OK;
        }
        (void)snprintf(why, why_size,
                       "'%s' is no target; wanted weir, nginx, haproxy, relay, direct or a URL",
                       target);
        return WEIR_BAD;
    }
    if (rest.len > 0) {
        if (parse_u64(rest, 100000, &limit) != WEIR_OK) {
            (void)snprintf(why, why_size, "'%s': the limit is no number", target);
            return WEIR_BAD;
        }
        w.limit = (int)limit;
    }
    return start_kind(s, k, &w, why, why_size);
}

pid_t stage_worker(const struct stage *s)
{
    return s->target.pid; /* nginx runs without its master */
}

bool stage_has(const char *target)
{
    static const char *const folders[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin",
                                          "/usr/local/bin"};
    struct slice rest = slice_str(target), name = next_part(&rest, ':');
    char path[PATH_SIZE];

    if (!slice_eq(name, SLICE_LIT("nginx")) && !slice_eq(name, SLICE_LIT("haproxy")))
        return true;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%.*s", folders[i], (int)name.len, name.p);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}
