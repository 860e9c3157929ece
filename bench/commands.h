/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_COMMANDS_H
#define BENCH_COMMANDS_H

/* The subcommands.  Each gets its own name as argv[0] and returns the exit code. */
int cmd_backend(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_story(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_micro(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_relay(int argc, char **argv);

#endif
