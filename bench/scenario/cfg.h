/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_CFG_H
#define BENCH_SCENARIO_CFG_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Groups of a libconfig file read by tables, as command lines are: unknown keys, wrong types and
 * values out of range are complained about on stderr with file and line, all of them.
 */
enum cfg_kind {
    CFG_TEXT, /* char[size] */
    CFG_REAL, /* double */
    CFG_TIME, /* double seconds, written with its unit */
    CFG_BOOL, /* bool */
    CFG_OWN,  /* read by the caller: the key is known, nothing more */
};

struct cfg_key {
    const char *name;
    enum cfg_kind kind;
    size_t at, size;
    double min, max;
    bool needed;
};

/* Missing keys leave their place as it is.  False when there was something to complain about. */
bool cfg_read(const config_setting_t *group, const struct cfg_key *keys, size_t n, void *into);

/* A complaint about this setting; returns false. */
bool cfg_wrong(const config_setting_t *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
