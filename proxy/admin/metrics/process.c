/* SPDX-License-Identifier: Apache-2.0 */
/* What every process exports about itself; a value the kernel will not tell is left out. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "weir/base/clock.h"

struct statm {
    unsigned long size, resident;
};

static bool read_statm(struct statm *m)
{
    FILE *f = fopen("/proc/self/statm", "re");
    bool ok;

    if (f == NULL)
        return false;
    ok = fscanf(f, "%lu %lu", &m->size, &m->resident) == 2;
    (void)fclose(f);
    return ok;
}

/* Entries of a folder of /proc without "." and ".."; 0 when it cannot be read. */
static unsigned entries(const char *path)
{
    DIR *d = opendir(path);
    unsigned n = 0;

    if (d == NULL)
        return 0;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static bool read_cpu(double *v, struct admin *a)
{
    struct rusage u;

    (void)a;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return false;
    *v = seconds(u.ru_utime) + seconds(u.ru_stime);
    return true;
}

static bool read_resident(double *v, struct admin *a)
{
    struct statm m;

    (void)a;
    if (!read_statm(&m))
        return false;
    *v = (double)m.resident * (double)sysconf(_SC_PAGESIZE);
    return true;
}

static bool read_virtual(double *v, struct admin *a)
{
    struct statm m;

    (void)a;
    if (!read_statm(&m))
        return false;
    *v = (double)m.size * (double)sysconf(_SC_PAGESIZE);
    return true;
}

static bool read_open_fds(double *v, struct admin *a)
{
    unsigned n = entries("/proc/self/fd");

    (void)a;
    *v = (double)n - 1; /* the folder itself was open while it was read */
    return n > 0;
}

static bool read_max_fds(double *v, struct admin *a)
{
    struct rlimit r;

    (void)a;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return false;
    *v = (double)r.rlim_cur;
    return true;
}

static bool read_start(double *v, struct admin *a)
{
    *v = (double)a->status->started_wall_ns / (double)NS_PER_S;
    return true;
}

static bool read_threads(double *v, struct admin *a)
{
    unsigned n = entries("/proc/self/task");

    (void)a;
    *v = (double)n;
    return n > 0;
}

static const struct {
    const char *name, *type, *help;
    bool (*read)(double *v, struct admin *a);
} rows[] = {
#define ROW(reader, name, type, labels, help) {name, type, help, read_##reader},
    WEIR_PROCESS_METRICS(ROW)
#undef ROW
};

bool process_number(const char *name, double *v, struct admin *a)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].read(v, a);
    }
    return false;
}

void process_metrics(struct metric_out *o, struct admin *a)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double v;
        if (!rows[i].read(&v, a))
            continue;
        metric_family(o, rows[i].name, rows[i].type, rows[i].help);
        metric_num(o, NULL, 0, v);
    }
}
