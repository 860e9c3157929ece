/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_SETUP_PRIV_H
#define BENCH_SCENARIO_SETUP_PRIV_H

/* What the files of the setup share. */
#include "bench/scenario/setup.h"

/* Without "http://". */
const char *setup_backend_address(const struct setup *s);

/* A file of the setup's folder. */
enum weir_status setup_write_file(const struct setup *s, const char *name, const struct grow *g,
                                  char *why, size_t why_size) WEIR_MUST_CHECK;
/* Starts a program that logs to NAME.log there; waits until it accepts at a URL. */
enum weir_status setup_start(const struct setup *s, struct process *p, const char *name,
                             char *const *argv, char *why, size_t why_size) WEIR_MUST_CHECK;
enum weir_status setup_wait_ready(struct process *p, const char *url, char *why,
                                  size_t why_size) WEIR_MUST_CHECK;
/* The weir that is asked for. */
void setup_weir_program(const struct setup_wish *w, char *out, size_t size);

/* One weir of several before the backend. */
struct weir_place {
    int port;
    const char *admin_path, *log_path; /* log_path "": no access log */
    const char *more;                  /* further settings; NULL: none */
};
void weir_settings_at(const struct setup *s, const struct weir_place *at,
                      const struct setup_wish *w, struct grow *g);

/* peers.c: the settings file of a target, appended. */
void weir_settings(struct setup *s, const struct setup_wish *w, struct grow *g);
void nginx_settings(struct setup *s, const struct setup_wish *w, struct grow *g);
void haproxy_settings(struct setup *s, const struct setup_wish *w, struct grow *g);

#endif
