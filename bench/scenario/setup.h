/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_SETUP_H
#define BENCH_SCENARIO_SETUP_H

#include "bench/common/grow.h"
#include "bench/scenario/fleet.h"
#include "bench/scenario/process.h"

/*
 * What a run is played on: a simulated backend and, in front of it, the target under test, started
 * from one row of a table each (program, settings file, arguments).  Every program listens on free
 * ports of a loopback address of the harness's own and keeps its files in one temporary folder,
 * which goes with the setup.
 */
enum { STAGE_SERVERS_MAX = 16 };

/* One server of a pool; the hosts of pools are POOL.test. */
struct setup_server {
    char pool[24], name[32];
    char url[64], control_url[64];
    const char *weir; /* members of weir's pool, the caller's */
    struct process process;
};

struct setup {
    char folder[64], host[20];
    struct process backend, target;
    struct fleet *fleet;                            /* instead of one target; NULL: none */
    struct setup_server servers[STAGE_SERVERS_MAX]; /* instead of the backend: several pools */
    size_t n_servers;
    int n_reloads;
    char backend_url[64], control_url[64]; /* empty: a backend of somebody else's */
    char target_url[300];
    char admin_path[108]; /* empty: the target has no admin socket */
    char log_path[108];   /* weir's access log; empty: none is kept */
    int target_port;
};

/* What is asked of a target beside its kind. */
struct setup_wish {
    const char *weir;     /* the program; NULL is beside this one, or in PATH */
    const char *settings; /* weir: members of the pool, libconfig; NULL is none */
    const char *upstream; /* weir: further members of the upstream; NULL is none */
    int limit;            /* nginx, haproxy: most requests at the backend; 0 is none */
    bool no_queue;        /* haproxy: refuse beyond the limit instead of waiting for a place */
    bool tls;             /* listen with TLS, certificate of the setup's own */
    int workers;          /* of weir; 0 is its default */
    const char *wrong;    /* relay: what it does wrong; NULL is nothing */
    bool log;             /* weir keeps its access log in a file */
};

enum weir_status setup_init(struct setup *s, char *why, size_t why_size) WEIR_MUST_CHECK;
/* Ends the programs and removes the folder. */
void setup_fini(struct setup *s);

/* `weir-bench backend` with these arguments (NULL ends them) and free ports. */
enum weir_status setup_backend(struct setup *s, const char *const *args, char *why,
                               size_t why_size) WEIR_MUST_CHECK;

/* One more server of this pool (those of a pool one after the other), named POOL1, POOL2 ... */
enum weir_status setup_server(struct setup *s, const char *pool, const char *weir,
                              const char *const *args, char *why, size_t why_size) WEIR_MUST_CHECK;
/* By its own name, or the first of a pool; NULL: none. */
const struct setup_server *setup_server_of(const struct setup *s, const char *name);
/* Writes weir's settings file anew, with a change in it.  Nothing for other targets. */
enum weir_status setup_reload(struct setup *s, const struct setup_wish *wish, char *why,
                              size_t why_size) WEIR_MUST_CHECK;

/*
 * "weir", "fleet:N", "nginx", "haproxy", "relay", "direct", or a URL.  "nginx:54" and "haproxy:54"
 * are those with a limit set by hand.  Waits until it accepts.
 */
enum weir_status setup_target(struct setup *s, const char *target, const struct setup_wish *wish,
                              char *why, size_t why_size) WEIR_MUST_CHECK;

/* The pid that does the work (nginx has a master), for CPU and memory. */
pid_t setup_worker(const struct setup *s);

/* True when stage_target would find the program for this target. */
bool setup_has(const char *target);

#endif
