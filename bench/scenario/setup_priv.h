/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_SETUP_PRIV_H
#define BENCH_SCENARIO_SETUP_PRIV_H

/* What the files of the setup share. */
#include "bench/scenario/setup.h"

/* Without "http://". */
const char *setup_backend_address(const struct setup *s);

/* peers.c: the settings file of a target, appended. */
void weir_settings(struct setup *s, const struct setup_wish *w, struct grow *g);
void nginx_settings(struct setup *s, const struct setup_wish *w, struct grow *g);
void haproxy_settings(struct setup *s, const struct setup_wish *w, struct grow *g);

#endif
