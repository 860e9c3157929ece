/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_STAGE_PRIV_H
#define BENCH_SCENARIO_STAGE_PRIV_H

/* What the files of the stage share. */
#include "bench/scenario/stage.h"

/* Without "http://". */
const char *stage_backend_address(const struct stage *s);

/* peers.c: the settings file of a target, appended. */
void weir_settings(struct stage *s, const struct stage_wish *w, struct grow *g);
void nginx_settings(struct stage *s, const struct stage_wish *w, struct grow *g);
void haproxy_settings(struct stage *s, const struct stage_wish *w, struct grow *g);

#endif
