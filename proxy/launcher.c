/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the next weir for one that cannot: inside the sandbox no program can be started.  It reads
 * nothing but fixed messages of the one process that made it, and starts nothing but the program
 * that process was started from.  It allocates nothing.
 */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/flow/launch.h"

enum { SOCKET_FD = 3, CHILD_FD = 3 };

struct launcher {
    char **argv;
    sigset_t mask;
    char program[PATH_MAX];
    int signals;
    pid_t child; /* 0 = none */
};

/* --- what is started */

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * The path as it was given, if it leads to this very program: where it is a link that an update
 * turns, the new one is meant.  Otherwise (found by PATH, or a name that lies) the file itself.
 */
static bool find_program(struct launcher *l)
{
    ssize_t n;

    if (strchr(l->argv[0], '/') != NULL && strlen(l->argv[0]) < sizeof l->program &&
        is_same_file(l->argv[0], "/proc/self/exe")) {
        (void)snprintf(l->program, sizeof l->program, "%s", l->argv[0]);
        return true;
    }
    n = readlink("/proc/self/exe", l->program, sizeof l->program - 1);
    if (n <= 0)
        return false;
    l->program[n] = '\0';
    return true;
}

static void __attribute__((noreturn)) become(const struct launcher *l, int fd)
{
    char number[16];

    (void)prctl(PR_SET_NAME, "weir");
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &l->mask, NULL);
    if (fd == CHILD_FD)
        (void)fcntl(fd, F_SETFD, 0);
    else if (dup2(fd, CHILD_FD) == -1)
        _exit(126);
    (void)syscall(SYS_close_range, CHILD_FD + 1, ~0U, 0);
    (void)snprintf(number, sizeof number, "%d", CHILD_FD);
    if (setenv(LAUNCH_ENVIRONMENT, number, 1) == 0)
        (void)execv(l->program, l->argv);
    (void)fprintf(stderr, "weir: %s cannot be started: %s\n", l->program, strerror(errno));
    _exit(127);
}

/* --- what is said */

/* With a descriptor, or -1. */
static void say(const struct launch_message *m, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
    struct iovec iov = {(void *)m, sizeof *m};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;

    if (fd != -1) {
        msg.msg_control = control;
        msg.msg_controllen = sizeof control;
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    (void)sendmsg(SOCKET_FD, &msg, MSG_NOSIGNAL); /* who is gone needs no answer */
}

static void start(struct launcher *l)
{
    struct launch_message m = {.what = LAUNCH_FAILED};
    int pair[2];

    if (l->child != 0)
        m.number = EBUSY;
    else if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        m.number = errno;
    if (m.number != 0)
        return say(&m, -1);
    l->child = fork();
    if (l->child == 0)
        become(l, pair[1]);
    if (l->child == -1) {
        m.number = errno;
        l->child = 0;
    } else {
        m = (struct launch_message){.what = LAUNCH_STARTED, .pid = l->child};
    }
    (void)close(pair[1]);
    say(&m, m.what == LAUNCH_STARTED ? pair[0] : -1);
    (void)close(pair[0]);
}

/* False: weir is gone. */
static bool take_message(struct launcher *l)
{
    struct launch_message m;
    ssize_t n = recv(SOCKET_FD, &m, sizeof m, 0);

    if (n == -1 && errno == EINTR)
        return true;
    if (n != (ssize_t)sizeof m)
        return false;
    if (m.what == LAUNCH_START)
        start(l);
    else if (m.what == LAUNCH_END && l->child != 0)
        (void)kill(l->child, SIGKILL);
    return true;
}

static void take_signals(struct launcher *l)
{
    struct signalfd_siginfo info;
    struct launch_message m = {.what = LAUNCH_ENDED};
    int status;
    pid_t pid;

    while (read(l->signals, &info, sizeof info) == (ssize_t)sizeof info)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != l->child)
            continue;
        l->child = 0;
        m.pid = pid;
        m.number = status;
        say(&m, -1);
    }
}

static void __attribute__((noreturn)) serve(struct launcher *l)
{
    struct pollfd p[2] = {{.fd = SOCKET_FD, .events = POLLIN},
                          {.fd = l->signals, .events = POLLIN}};

    for (;;) {
        if (poll(p, 2, -1) == -1 && errno != EINTR)
            _exit(1);
        if (p[1].revents != 0)
            take_signals(l);
        if (p[0].revents != 0 && !take_message(l))
            _exit(0);
    }
}

/* All signals wait: a Ctrl-C for the whole group, or systemd's SIGTERM, is for weir to answer. */
static void __attribute__((noreturn)) live(struct launcher *l, int fd)
{
    sigset_t all, child;

    (void)prctl(PR_SET_NAME, "weir-launcher");
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    if (dup2(fd, SOCKET_FD) == -1)
        _exit(1);
    (void)syscall(SYS_close_range, SOCKET_FD + 1, ~0U, 0);
    l->signals = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
    if (l->signals == -1 || fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC) == -1)
        _exit(1);
    serve(l);
}

int launcher_begin(char **argv, const sigset_t *mask)
{
    static struct launcher l;
    int pair[2];
    pid_t pid;

    l = (struct launcher){.argv = argv, .mask = *mask};
    if (!find_program(&l) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        (void)fcntl(pair[1], F_SETFL, 0); /* its own side waits */
        live(&l, pair[1]);
    }
    (void)close(pair[1]);
    if (pid != -1)
        return pair[0];
    (void)close(pair[0]);
    return -1;
}
