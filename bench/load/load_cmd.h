/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_LOAD_LOAD_CMD_H
#define BENCH_LOAD_LOAD_CMD_H

#include "bench/common/cli.h"
#include "bench/load/load.h"

/* The command line of `weir-bench load`, as it was given. */
struct load_options {
    const char *url, *shape, *trace, *speech, *sdk, *engine, *records, *attempts, *json, *ca,
        *model, *path;
    struct opt_list fields;
    bool insecure, even, verify, exact, no_reuse, no_identity, quiet, list_sdks;
    double rate, unary, prompt, prompt_sigma, output, output_sigma;
    int64_t users, clients, turns, retries, seed, max_open;
    double leave;
    uint64_t upload_ns, stay_ns, duration_ns, think_ns, patience_ns, silence_ns, ttft_ns, pace_ns,
        grace_ns;
};

extern const struct cli load_cli;

/*
 * What the command line means.  0, or 2 with the complaint on stderr; either way conf is filled so
 * far that its tls and trace can be given back.
 */
int load_options_apply(const struct load_options *o, struct load_conf *conf);

#endif
