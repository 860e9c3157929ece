/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, watching and ending programs.  Blocking: for the setting up, not for the run. */
#include "bench/scenario/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/clock.h"

enum { POLL_MS = 20, LOG_SHOWN = 2000 };

static void child(const char *log, char *const *argv)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    /* nothing of ours outlives us, however we end */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setpgid(0, 0); /* a ^C is for the harness, which then ends its programs in order */
    if (fd >= 0) {
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
    }
    (void)execvp(argv[0], argv);
    (void)fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

enum weir_status process_start(struct process *p, const char *name, const char *log,
                               char *const *argv)
{
    pid_t pid = fork();

    if (pid < 0)
        return WEIR_SYS;
    if (pid == 0)
        child(log, argv);
    *p = (struct process){.pid = pid};
    (void)snprintf(p->name, sizeof p->name, "%s", name);
    (void)snprintf(p->log, sizeof p->log, "%s", log);
    return WEIR_OK;
}

/* True while it runs; *code is its exit code (128 + signal) once it does not. */
static bool process_is_running(struct process *p, int *code)
{
    int status;

    if (p->pid == 0 || waitpid(p->pid, &status, WNOHANG) == 0)
        return p->pid != 0;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    p->pid = 0;
    return false;
}

bool process_accepts(const struct address *a)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, (const struct sockaddr *)&a->sa, a->len) == 0;

    if (fd >= 0)
        (void)close(fd);
    return good;
}

enum weir_status process_wait_for(struct process *p, const struct address *a, double seconds)
{
    uint64_t end = mono_now_ns() + (uint64_t)(seconds * 1e9);
    int code;

    while (mono_now_ns() < end) {
        if (process_accepts(a))
            return WEIR_OK;
        if (!process_is_running(p, &code))
            return WEIR_CLOSED;
        (void)usleep(POLL_MS * 1000);
    }
    return WEIR_TIMEOUT;
}

bool process_can(const char *name)
{
    const char *path = getenv("PATH");
    struct slice rest = slice_str(path == NULL ? "" : path);
    char full[512];

    while (rest.len > 0) {
        struct slice folder = next_part(&rest, ':');
        (void)snprintf(full, sizeof full, "%.*s/%s", (int)folder.len, folder.p, name);
        if (folder.len > 0 && access(full, X_OK) == 0)
            return true;
    }
    return false;
}

void process_kill(struct process *p)
{
    if (p->pid == 0)
        return;
    (void)kill(p->pid, SIGKILL);
    (void)waitpid(p->pid, NULL, 0);
    p->pid = 0;
}

void process_stop(struct process *p, double seconds)
{
    uint64_t end = mono_now_ns() + (uint64_t)(seconds * 1e9);
    int code;

    if (p->pid == 0)
        return;
    (void)kill(p->pid, SIGTERM);
    while (process_is_running(p, &code)) {
        if (mono_now_ns() > end)
            (void)kill(p->pid, SIGKILL);
        (void)usleep(POLL_MS * 1000);
    }
}

/* The first number of a file under /proc, 0 when there is none. */
static double first_number(const char *path)
{
    FILE *f = fopen(path, "re");
    double n = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%lf", &n) != 1)
        n = 0;
    (void)fclose(f);
    return n;
}

/* Calls fn for the number of each thread. */
static int each_thread(pid_t pid, void (*fn)(void *ctx, const char *thread), void *ctx)
{
    char path[64];
    struct dirent *e;
    DIR *d;
    int n = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    d = opendir(path);
    if (d == NULL)
        return 0;
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        if (fn != NULL)
            fn(ctx, e->d_name);
    }
    (void)closedir(d);
    return n;
}

struct cpu_sum {
    pid_t pid;
    double ns;
};

/* schedstat has nanoseconds; utime and stime of stat are the same in hundredths of a second */
static void add_thread_cpu(void *ctx, const char *thread)
{
    struct cpu_sum *sum = ctx;
    char path[320];

    (void)snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)sum->pid, thread);
    sum->ns += first_number(path);
}

/* utime + stime of the process, for kernels without schedstat. */
static double stat_cpu_us(pid_t pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        user = system = 0;
    (void)fclose(f);
    return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

double process_cpu_us(pid_t pid)
{
    struct cpu_sum sum = {.pid = pid};

    (void)each_thread(pid, add_thread_cpu, &sum);
    return sum.ns > 0 ? sum.ns / 1e3 : stat_cpu_us(pid);
}

double machine_cpu_us(void)
{
    unsigned long user = 0, nice = 0, system = 0, idle, wait, irq = 0, soft = 0;
    FILE *f = fopen("/proc/stat", "re");

    if (f == NULL)
        return 0;
    if (fscanf(f, "cpu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle, &wait, &irq,
               &soft) != 7)
        user = nice = system = irq = soft = 0;
    (void)fclose(f);
    return (double)(user + nice + system + irq + soft) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

double process_memory_kib(pid_t pid)
{
    char path[64], line[256];
    double kib = 0, one;
    FILE *f;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "RssAnon: %lf", &one) == 1 || sscanf(line, "RssShmem: %lf", &one) == 1)
            kib += one;
    }
    (void)fclose(f);
    return kib;
}

void process_show_log(const struct process *p)
{
    char bytes[LOG_SHOWN + 1];
    FILE *f = fopen(p->log, "re");
    size_t n;

    if (f == NULL)
        return;
    if (fseek(f, -LOG_SHOWN, SEEK_END) != 0)
        rewind(f);
    n = fread(bytes, 1, LOG_SHOWN, f);
    (void)fclose(f);
    if (n > 0)
        (void)fprintf(stderr, "--- the end of what %s said:\n%.*s---\n", p->name, (int)n, bytes);
}

int free_port(const char *host)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(host)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        port = ntohs(a.sin_port);
    if (fd >= 0)
        (void)close(fd);
    return port;
}

const char *program_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    out[n < 0 ? 0 : n] = '\0';
    slash = strrchr(out, '/');
    if (slash != NULL)
        *slash = '\0';
    return out;
}
