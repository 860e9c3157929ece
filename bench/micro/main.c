/* SPDX-License-Identifier: Apache-2.0 */
/* weir-micro: runs the cases, prints a table or JSON.  The least of several rounds. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/micro/micro.h"
#include "weir/base/clock.h"

enum { ROUNDS = 7 };
static const uint64_t round_ns = 30 * NS_PER_MS;

struct figure {
    double ns, instructions; /* instructions < 0: the kernel does not count them here */
};

/* A counter of this process's own instructions, or -1. */
static int open_counter(void)
{
    struct perf_event_attr a = {.type = PERF_TYPE_HARDWARE,
                                .size = sizeof a,
                                .config = PERF_COUNT_HW_INSTRUCTIONS,
                                .exclude_kernel = 1,
                                .exclude_hv = 1};

    return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static uint64_t read_counter(int fd)
{
    uint64_t n = 0;

    return fd >= 0 && read(fd, &n, sizeof n) == sizeof n ? n : 0;
}

/* What disturbs a round only ever makes it longer: the least is the nearest to the truth. */
static double least(const double *v)
{
    double min = v[0];

    for (int i = 1; i < ROUNDS; i++)
        min = v[i] < min ? v[i] : min;
    return min;
}

/* How often it has to be done to fill a round. */
static uint64_t calibrate(const struct micro_case *c, void *state)
{
    uint64_t n = 64, spent = 0;

    while (spent < round_ns / 4) {
        uint64_t began = mono_now_ns();
        n *= 2;
        c->run(state, n);
        spent = mono_now_ns() - began;
    }
    return n * round_ns / (spent + 1) + 1;
}

static struct figure measure(const struct micro_case *c, int counter)
{
    void *state = c->begin(c->size);
    uint64_t n = calibrate(c, state);
    double ns[ROUNDS], instructions[ROUNDS];
    struct figure f;

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t counted = read_counter(counter), began = mono_now_ns();
        c->run(state, n);
        ns[i] = (double)(mono_now_ns() - began) / (double)n;
        instructions[i] = (double)(read_counter(counter) - counted) / (double)n;
    }
    c->end(state);
    f = (struct figure){.ns = least(ns), .instructions = least(instructions)};
    if (f.instructions < 1)
        f.instructions = -1;
    return f;
}

static void print_row(const struct micro_case *c, struct figure f)
{
    char size[24] = "", count[24] = "-";

    if (c->size >= 0)
        (void)snprintf(size, sizeof size, "%lld", (long long)c->size);
    if (f.instructions >= 0)
        (void)snprintf(count, sizeof count, "%.0f", f.instructions);
    (void)printf("%-62s %6s %10.1f %12s\n", c->title, size, f.ns, count);
    (void)fflush(stdout);
}

static void json_row(const struct micro_case *c, struct figure f, bool first)
{
    (void)printf("%s{\"name\":\"%s\",\"title\":\"%s\",\"size\":\"", first ? "" : ",", c->name,
                 c->title);
    if (c->size >= 0)
        (void)printf("%lld", (long long)c->size);
    (void)printf("\",\"ns\":%.2f,\"instructions\":", f.ns);
    if (f.instructions >= 0)
        (void)printf("%.1f}", f.instructions);
    else
        (void)printf("null}");
}

static void run_cases(const struct micro_case *cases, int n, int counter, bool json, bool *first)
{
    for (int i = 0; i < n; i++) {
        struct figure f = measure(&cases[i], counter);
        if (json)
            json_row(&cases[i], f, *first);
        else
            print_row(&cases[i], f);
        *first = false;
    }
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0, first = true;
    int counter;

    if (argc > 1 && !json) {
        (void)fprintf(stderr,
                      "weir-micro [--json]: nanoseconds and instructions of weir's decisions "
                      "and parsers\n");
        return strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    counter = open_counter();
    if (json)
        (void)printf("{\"kind\":\"micro\",\"rows\":[");
    else
        (void)printf("%-62s %6s %10s %12s\n", "", "size", "ns", "instructions");
    run_cases(micro_decide, n_micro_decide, counter, json, &first);
    run_cases(micro_http, n_micro_http, counter, json, &first);
    if (json)
        (void)printf("]}\n");
    if (counter >= 0)
        (void)close(counter);
    return 0;
}
