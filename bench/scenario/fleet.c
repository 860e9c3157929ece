/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several weirs and the Redis they know each other by.  Blocking at the start and the end; a step
 * of a run waits for nothing but a signal's delivery.
 */
#include "bench/scenario/fleet.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/scenario/ask.h"
#include "bench/scenario/setup_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { POLL_MS = 20, PATH_SIZE = 512 };
static const double join_s = 15, end_s = 5;

static char *arg(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* Redis keeps nothing, and little: what weir writes there is some kilobytes a node. */
static enum weir_status start_redis(struct setup *s, char *why, size_t why_size)
{
    struct fleet *f = s->fleet;
    char *argv[] = {arg("redis-server"),
                    arg("--port"),
                    arg("0"),
                    arg("--unixsocket"),
                    f->redis_path,
                    arg("--save"),
                    arg(""),
                    arg("--appendonly"),
                    arg("no"),
                    arg("--maxmemory"),
                    arg("256mb"),
                    arg("--dir"),
                    s->folder,
                    NULL};

    return setup_start(s, &f->redis, "redis", argv, why, why_size);
}

static void node_settings(struct setup *s, const struct fleet_node *n,
                          const struct setup_wish *wish, struct grow *g)
{
    struct setup_wish w = *wish;
    char upstream[1100], more[300];

    (void)snprintf(upstream, sizeof upstream, "shared = true; %s",
                   w.upstream == NULL ? "" : w.upstream);
    (void)snprintf(
        more, sizeof more,
        "fleet = { redis = \"unix:%s\"; name = \"bench\"; node = \"%s\"; nodes = %d; };\n",
        s->fleet->redis_path, n->name, s->fleet->size);
    w.upstream = upstream;
    w.workers = 1;
    w.tls = false;
    weir_settings_at(
        s,
        &(struct weir_place){
            .port = n->port, .admin_path = n->admin_path, .log_path = n->log_path, .more = more},
        &w, g);
}

/* Other nodes may not listen yet: theirs are not free either. */
static int port_for_node(const struct setup *s)
{
    for (;;) {
        int port = free_port(s->host);
        size_t i = 0;
        while (i < FLEET_NODES_MAX && s->fleet->nodes[i].port != port)
            i++;
        if (i == FLEET_NODES_MAX || port == 0)
            return port;
    }
}

/* A later start is at the same place, as behind a balancer. */
static void place_node(struct setup *s, size_t i)
{
    struct fleet_node *n = &s->fleet->nodes[i];
    unsigned nth = (unsigned)i + 1;

    if (n->port != 0)
        return;
    (void)snprintf(n->name, sizeof n->name, "n%u", nth);
    (void)snprintf(n->admin_path, sizeof n->admin_path, "%s/n%u.sock", s->folder, nth);
    (void)snprintf(n->log_path, sizeof n->log_path, "%s/n%u.access", s->folder, nth);
    n->port = port_for_node(s);
    (void)snprintf(n->url, sizeof n->url, "http://%s:%d", s->host, n->port);
    WEIR_ASSERT(target_parse(n->url, &n->target) == WEIR_OK);
}

static enum weir_status start_node(struct setup *s, size_t i, const struct setup_wish *wish,
                                   char *why, size_t why_size)
{
    struct fleet_node *n = &s->fleet->nodes[i];
    char file[32], path[PATH_SIZE], program[PATH_SIZE];
    char *argv[] = {program, arg("-c"), path, NULL};
    struct grow g = {0};
    enum weir_status rc;

    process_stop(&n->process, 0); /* what is left of an earlier one */
    if (i >= s->fleet->n)
        s->fleet->n = i + 1;
    place_node(s, i);
    (void)snprintf(file, sizeof file, "%s.cfg", n->name);
    (void)snprintf(path, sizeof path, "%s/%s", s->folder, file);
    node_settings(s, n, wish, &g);
    rc = setup_write_file(s, file, &g, why, why_size);
    grow_free(&g);
    setup_weir_program(wish, program, sizeof program);
    if (rc == WEIR_OK)
        rc = setup_start(s, &n->process, n->name, argv, why, why_size);
    n->starts = rc == WEIR_OK;
    return rc;
}

/* Until the first node knows of all of them. */
static enum weir_status wait_joined(const struct fleet *f, char *why, size_t why_size)
{
    uint64_t end = mono_now_ns() + (uint64_t)(join_s * 1e9);
    struct admin a;
    double n = 0;

    admin_init(&a, f->nodes[0].admin_path);
    while (n < (double)f->n && mono_now_ns() < end) {
        json_t *status = admin_ask(&a, "status --json", why, why_size);
        n = json_number_at(status, "fleet.nodes");
        json_decref(status);
        (void)usleep(POLL_MS * 1000);
    }
    admin_close(&a);
    if (n >= (double)f->n)
        return WEIR_OK;
    for (size_t i = 0; i < f->n; i++)
        process_show_log(&f->nodes[i].process);
    (void)snprintf(why, why_size, "of %zu weirs %.0f know of each other after %.0f s", f->n, n,
                   join_s);
    return WEIR_TIMEOUT;
}

static enum weir_status start_all(struct setup *s, size_t n, const struct setup_wish *wish,
                                  char *why, size_t why_size)
{
    char url[128];
    enum weir_status rc = start_redis(s, why, why_size);

    (void)snprintf(url, sizeof url, "unix:%s", s->fleet->redis_path);
    if (rc == WEIR_OK)
        rc = setup_wait_ready(&s->fleet->redis, url, why, why_size);
    for (size_t i = 0; i < n && rc == WEIR_OK; i++)
        rc = start_node(s, i, wish, why, why_size);
    for (size_t i = 0; i < n && rc == WEIR_OK; i++)
        rc = setup_wait_ready(&s->fleet->nodes[i].process, s->fleet->nodes[i].url, why, why_size);
    if (rc != WEIR_OK)
        return rc;
    (void)fleet_await(s->fleet);
    return wait_joined(s->fleet, why, why_size);
}

enum weir_status fleet_start(struct setup *s, size_t n, const struct setup_wish *wish, char *why,
                             size_t why_size)
{
    struct fleet *f;
    enum weir_status rc;

    if (!process_can("redis-server")) {
        (void)snprintf(why, why_size,
                       "a fleet needs redis-server, which is not in PATH (Debian: package "
                       "redis-server)");
        return WEIR_SYS;
    }
    f = calloc(1, sizeof *f);
    WEIR_ASSERT(f != NULL);
    s->fleet = f;
    f->size = (int)n;
    for (size_t i = 0; i < FLEET_NODES_MAX; i++)
        f->nodes[i].weight = 1;
    (void)snprintf(f->redis_path, sizeof f->redis_path, "%s/redis.sock", s->folder);
    rc = start_all(s, n, wish, why, why_size);
    if (rc != WEIR_OK)
        return rc;
    (void)snprintf(s->target_url, sizeof s->target_url, "%s", f->nodes[0].url);
    (void)snprintf(s->admin_path, sizeof s->admin_path, "%s", f->nodes[0].admin_path);
    return WEIR_OK;
}

static void tell(const struct process *p, int signal)
{
    if (p->pid > 0)
        (void)kill(p->pid, signal);
}

void fleet_end(struct fleet **at)
{
    struct fleet *f = *at;

    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n; i++)
        tell(&f->nodes[i].process, SIGTERM); /* all at once: they end beside each other */
    for (size_t i = 0; i < f->n; i++)
        process_stop(&f->nodes[i].process, end_s);
    process_kill(&f->redis); /* also while it hangs */
    free(f);
    *at = NULL;
}

bool fleet_await(struct fleet *f)
{
    bool left = false;

    for (size_t i = 0; i < f->n; i++) {
        struct fleet_node *n = &f->nodes[i];
        if (!n->starts)
            continue;
        n->serves = process_accepts(&n->target.address);
        n->starts = !n->serves;
        left = left || n->starts;
    }
    return left;
}

static enum weir_status empty_redis(const struct fleet *f, char *why, size_t why_size)
{
    char answer[64] = "";

    if (line_ask(f->redis_path, "FLUSHALL", answer, sizeof answer) && answer[0] == '+')
        return WEIR_OK;
    (void)snprintf(why, why_size, "Redis was not emptied: %.40s", answer);
    return WEIR_SYS;
}

static enum weir_status do_with_redis(struct setup *s, enum fleet_verb verb, char *why,
                                      size_t why_size)
{
    struct fleet *f = s->fleet;

    if (verb == FLEET_REDIS_KILL)
        process_kill(&f->redis);
    else if (verb == FLEET_REDIS_HANG)
        tell(&f->redis, SIGSTOP);
    else if (verb == FLEET_REDIS_GO_ON)
        tell(&f->redis, SIGCONT);
    else if (verb == FLEET_REDIS_EMPTY)
        return empty_redis(f, why, why_size);
    else if (f->redis.pid == 0)
        return start_redis(s, why, why_size);
    return WEIR_OK;
}

/* Requests go elsewhere at once, as from a balancer that passes over whoever refuses connections.
 */
static void end_node(struct fleet_node *n, enum fleet_verb verb)
{
    n->serves = n->starts = false;
    if (verb == FLEET_NODE_KILL)
        process_kill(&n->process);
    else
        tell(&n->process, SIGTERM);
}

enum weir_status fleet_do(struct setup *s, const struct fleet_step *step,
                          const struct setup_wish *wish, char *why, size_t why_size)
{
    switch (step->verb) {
    case FLEET_NOTHING:
        return WEIR_OK;
    case FLEET_NODE_KILL:
    case FLEET_NODE_STOP:
        end_node(&s->fleet->nodes[step->node], step->verb);
        return WEIR_OK;
    case FLEET_NODE_START:
        return start_node(s, step->node, wish, why, why_size);
    case FLEET_WEIGHTS:
        for (size_t i = 0; i < FLEET_NODES_MAX; i++)
            s->fleet->nodes[i].weight = step->weights[i];
        return WEIR_OK;
    case FLEET_REDIS_KILL:
    case FLEET_REDIS_START:
    case FLEET_REDIS_HANG:
    case FLEET_REDIS_GO_ON:
    case FLEET_REDIS_EMPTY:
        return do_with_redis(s, step->verb, why, why_size);
    }
    return WEIR_BAD;
}
