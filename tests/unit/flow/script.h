/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_FLOW_SCRIPT_H
#define WEIR_TESTS_FLOW_SCRIPT_H

/*
 * Plays words, in their order, on the rig.  What they mean stands in script.c; beside them:
 * "30s" lets time pass, and "?502" and the like look at what the newest client has so far.
 */
void script_play(const char *words);

#define CONTENT "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"

#endif
