/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_PROCESS_H
#define BENCH_SCENARIO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/common/units.h"

/* A program the harness started, and what the kernel says about it.  It ends with the harness. */
struct process {
    pid_t pid; /* 0: not running */
    char name[32];
    char log[256]; /* what it writes to stdout and stderr */
};

/* argv[0] is looked for in PATH unless it has a '/'.  WEIR_SYS when it cannot be started. */
enum weir_status process_start(struct process *p, const char *name, const char *log,
                               char *const *argv) WEIR_MUST_CHECK;

/* Until something accepts there.  WEIR_CLOSED: the program ended first; WEIR_TIMEOUT. */
enum weir_status process_wait_for(struct process *p, const struct address *a,
                                  double seconds) WEIR_MUST_CHECK;

/* Whether something accepts there now. */
bool process_accepts(const struct address *a);

/* Whether a program of this name is in PATH. */
bool process_can(const char *name);

/* SIGKILL, and waits for the end. */
void process_kill(struct process *p);

/* SIGTERM, and SIGKILL when that does not help within the time. */
void process_stop(struct process *p, double seconds);

/* CPU time of all its threads, microseconds; 0 when it is gone. */
double process_cpu_us(pid_t pid);

/* CPU time of everything on the machine, microseconds (in hundredths of a second). */
double machine_cpu_us(void);

/* Resident memory that is its own (not shared with files), KiB. */
double process_memory_kib(pid_t pid);

/* The last lines of its log on stderr, for when something went wrong. */
void process_show_log(const struct process *p);

/* A TCP port of this IPv4 address that was free a moment ago; 0 when there is none. */
int free_port(const char *host);

/* The folder this program is in, without the last '/'. */
const char *program_folder(char *out, size_t size);

#endif
