/* SPDX-License-Identifier: Apache-2.0 */
/* weir-bench: the table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "bench/commands.h"
#include "bench/common/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"backend", cmd_backend, "a simulated inference server with faults on demand"},
    {"load", cmd_load, "loads a server, open loop, and judges its answers"},
    {"story", cmd_story, "plays an outage in a minute and tells it"},
    {"run", cmd_run, "plays a scenario with each target and judges what must hold"},
    {"report", cmd_report, "makes one page from a folder of results"},
    {"compare", cmd_compare, "what weir, nginx, haproxy and a plain relay cost, side by side"},
    {"check", cmd_check, "the harness judges itself"},
    {"micro", cmd_micro, "nanoseconds and instructions of weir's decisions and parsers"},
    {"relay", cmd_relay, "relays bytes and does nothing else"},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    (void)fprintf(to, "weir-bench: measures a backend, and what stands in front of it\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        (void)fprintf(to, "  weir-bench %-10s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(to, "\nweir-bench COMMAND --help tells more; --version the version.\n");
}

static int unknown(const char *name)
{
    const char *nearest = NULL;
    int best = 4;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        int d = edit_distance(name, commands[i].name);
        if (d < best) {
            best = d;
            nearest = commands[i].name;
        }
    }
    (void)fprintf(stderr, "weir-bench: no command '%s'%s%s%s\n", name,
                  nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                  nearest == NULL ? "" : "'?");
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("weir-bench %s\n", WEIR_VERSION);
        return 0;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
