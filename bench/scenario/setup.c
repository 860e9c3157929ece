/* SPDX-License-Identifier: Apache-2.0 */
/* Programs under test: their settings files, their start and their end. */
#include "bench/scenario/setup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/http/httpc.h"
#include "bench/scenario/certificate.h"
#include "bench/scenario/setup_priv.h"
#include "weir/base/text.h"

enum { ARGS_MAX = 48, PATH_SIZE = 512 };
static const double start_s = 10, stop_s = 5;

/* Connections come from 127.0.0.1 and another harness has another address: no port is met twice. */
static void own_host(char *out, size_t size)
{
    unsigned pid = (unsigned)getpid();

    (void)snprintf(out, size, "127.%u.%u.%u", 2 + pid % 60, pid / 60 % 256, 1 + pid / 15360 % 250);
}

enum weir_status setup_init(struct setup *s, char *why, size_t why_size)
{
    *s = (struct setup){.folder = "/tmp/weir-bench-XXXXXX"};
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

static void setup_drop_target(struct setup *s)
{
    process_stop(&s->target, stop_s);
    fleet_end(&s->fleet);
    s->target_url[0] = s->admin_path[0] = '\0';
}

void setup_fini(struct setup *s)
{
    setup_drop_target(s);
    process_stop(&s->backend, stop_s);
    for (size_t i = 0; i < s->n_servers; i++)
        process_stop(&s->servers[i].process, stop_s);
    if (s->folder[0] != '\0')
        remove_folder(s->folder);
    s->folder[0] = '\0';
}

enum weir_status setup_write_file(const struct setup *s, const char *name, const struct grow *g,
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

enum weir_status setup_wait_ready(struct process *p, const char *url, char *why, size_t why_size)
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

enum weir_status setup_start(const struct setup *s, struct process *p, const char *name,
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

const char *setup_backend_address(const struct setup *s)
{
    return s->backend_url + strlen("http://");
}

/* A backend of this name, with its own free ports; the URLs are the caller's to keep. */
static enum weir_status start_backend(struct setup *s, struct process *p, const char *name,
                                      const char *const *args, char url[64], char control_url[64],
                                      char *why, size_t why_size)
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
    (void)snprintf(url, 64, "http://%s", listen);
    (void)snprintf(control_url, 64, "http://%s", control);
    if (setup_start(s, p, name, argv, why, why_size) != WEIR_OK)
        return WEIR_SYS;
    return setup_wait_ready(p, url, why, why_size);
}

enum weir_status setup_backend(struct setup *s, const char *const *args, char *why, size_t why_size)
{
    return start_backend(s, &s->backend, "backend", args, s->backend_url, s->control_url, why,
                         why_size);
}

enum weir_status setup_server(struct setup *s, const char *pool, const char *weir,
                              const char *const *args, char *why, size_t why_size)
{
    struct setup_server *v = &s->servers[s->n_servers];
    int nth = 1;

    if (s->n_servers == STAGE_SERVERS_MAX) {
        (void)snprintf(why, why_size, "more than %d servers", STAGE_SERVERS_MAX);
        return WEIR_LIMIT;
    }
    for (size_t i = 0; i < s->n_servers; i++)
        nth += strcmp(s->servers[i].pool, pool) == 0;
    (void)snprintf(v->pool, sizeof v->pool, "%s", pool);
    (void)snprintf(v->name, sizeof v->name, "%s%d", pool, nth);
    v->weir = weir;
    s->n_servers++;
    return start_backend(s, &v->process, v->name, args, v->url, v->control_url, why, why_size);
}

const struct setup_server *setup_server_of(const struct setup *s, const char *name)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        if (strcmp(s->servers[i].name, name) == 0 || strcmp(s->servers[i].pool, name) == 0)
            return &s->servers[i];
    }
    return NULL;
}

enum weir_status setup_reload(struct setup *s, const struct setup_wish *wish, char *why,
                              size_t why_size)
{
    struct grow g = {0};
    enum weir_status rc;

    if (s->admin_path[0] == '\0')
        return WEIR_OK;
    s->n_reloads++;
    weir_settings(s, wish, &g);
    rc = setup_write_file(s, "weir.cfg", &g, why, why_size);
    grow_free(&g);
    return rc;
}

static void relay_settings(struct setup *s, const struct setup_wish *w, struct grow *g)
{
    (void)s, (void)w, (void)g;
}

struct target_kind {
    const char *name, *file;
    void (*settings)(struct setup *s, const struct setup_wish *w, struct grow *g);
    bool has_pools;      /* can stand in front of several */
    const char *argv[8]; /* "%f" the settings file, "%d" the folder, "%h" and "%p" where, "%b" the
                            backend */
};

static const struct target_kind kinds[] = {
    {"weir", "weir.cfg", weir_settings, true, {"%w", "-c", "%f"}},
    {"nginx",
     "nginx.conf",
     nginx_settings,
     true,
     {"nginx", "-p", "%d", "-e", "%d/nginx.err", "-c", "%f"}},
    {"haproxy", "haproxy.cfg", haproxy_settings, false, {"haproxy", "-db", "-f", "%f"}},
    {"relay",
     "relay.none",
     relay_settings,
     false,
     {"/proc/self/exe", "relay", "--listen", "%h:%p", "--to", "%b"}},
    /* for the harness to judge itself: a relay that does one thing wrong */
    {"wrong",
     "wrong.none",
     relay_settings,
     false,
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

void setup_weir_program(const struct setup_wish *w, char *out, size_t size)
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
static void fill_arg(const struct setup *s, const struct target_kind *k, const struct setup_wish *w,
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
            text_str(&t, setup_backend_address(s));
            break;
        case 'x':
            text_str(&t, w->wrong == NULL ? "" : w->wrong);
            break;
        default:
            setup_weir_program(w, program, sizeof program);
            text_str(&t, program);
        }
    }
}

static enum weir_status start_kind(struct setup *s, const struct target_kind *k,
                                   const struct setup_wish *w, char *why, size_t why_size)
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
    rc = setup_write_file(s, k->file, &g, why, why_size);
    grow_free(&g);
    for (size_t i = 0; i < 8 && k->argv[i] != NULL; i++) {
        fill_arg(s, k, w, k->argv[i], words[i]);
        argv[i] = words[i];
    }
    if (rc == WEIR_OK)
        rc = setup_start(s, &s->target, k->name, argv, why, why_size);
    return rc == WEIR_OK ? setup_wait_ready(&s->target, s->target_url, why, why_size) : rc;
}

enum weir_status setup_target(struct setup *s, const char *target, const struct setup_wish *wish,
                              char *why, size_t why_size)
{
    struct slice rest = slice_str(target), name = next_part(&rest, ':');
    const struct target_kind *k = find_kind(name);
    struct setup_wish w = *wish;
    struct target t;
    uint64_t limit;

    if (strcmp(target, "direct") == 0) {
        (void)snprintf(s->target_url, sizeof s->target_url, "%s", s->backend_url);
        return WEIR_OK;
    }
    if (slice_eq(name, SLICE_LIT("fleet")) && s->n_servers == 0) {
        if (parse_u64(rest, FLEET_NODES_MAX, &limit) == WEIR_OK && limit > 0)
            return fleet_start(s, (size_t)limit, wish, why, why_size);
        (void)snprintf(why, why_size, "'%s': wanted fleet:1 to fleet:%d", target, FLEET_NODES_MAX);
        return WEIR_BAD;
    }
    if (s->n_servers > 0 && (k == NULL || !k->has_pools)) {
        (void)snprintf(why, why_size, "'%s' cannot have several pools; weir, nginx and direct can",
                       target);
        return WEIR_BAD;
    }
    if (k == NULL) {
        if (target_parse(target, &t) == WEIR_OK) {
            (void)snprintf(s->target_url, sizeof s->target_url, "%s", target);
            return WEIR_OK;
        }
        (void)snprintf(why, why_size,
                       "'%s' is no target; wanted weir, fleet:N, nginx, haproxy, relay, direct or "
                       "a URL",
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

pid_t setup_worker(const struct setup *s)
{
    return s->target.pid; /* nginx runs without its master */
}

bool setup_has(const char *target)
{
    struct slice rest = slice_str(target), name = next_part(&rest, ':');

    if (slice_eq(name, SLICE_LIT("nginx")))
        return process_can("nginx");
    return !slice_eq(name, SLICE_LIT("haproxy")) || process_can("haproxy");
}
