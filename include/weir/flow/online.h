/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_ONLINE_H
#define WEIR_FLOW_ONLINE_H

#include <stdio.h>

#include "weir/conf/settings.h"

/*
 * `weir --check --online`: each upstream is tried as weir would use it, step by step: its name,
 * each of its addresses, TLS, an answer (health.path, else "/"), and where a model is named one
 * token of a generation.  Nothing is listened on and no client is served.  Main thread, a loop of
 * its own.
 */
struct online_ask {
    const char *generate;      /* the model of a generation; NULL: none is asked for */
    const char *authorization; /* the value of that field in the generation; NULL: none */
};

/*
 * Prints a row for each step of each upstream.  *s is taken over.  Returns how many upstreams
 * failed; -1 with a sentence in why: it could not be tried.
 */
int flow_check_online(struct settings **s, const struct online_ask *ask, FILE *out, char *why,
                      size_t room);

#endif
