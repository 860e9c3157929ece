/* SPDX-License-Identifier: Apache-2.0 */
/* Each test enters the sandbox in a process of its own, which Criterion forks for it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

static void *nothing(void *arg)
{
    return arg;
}

static void *try_to_leave(void *arg)
{
    (void)arg;
    (void)execl("/bin/true", "true", (char *)NULL);
    return NULL;
}

/* How a child ends that enters the sandbox and does this. */
static int end_of(void (*fn)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (!sandbox_enter(NULL, 0))
            _exit(77);
        fn();
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static void exec_a_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
}

static void refuse_calls(void)
{
    static const int families[] = {AF_PACKET, AF_ALG, AF_VSOCK, AF_KEY, AF_BLUETOOTH};

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (socket(families[i], SOCK_RAW, 0) != -1 || errno != EPERM)
            _exit(1);
    }
    if (socket(AF_INET, SOCK_RAW, 1) != -1 || socket(AF_INET6, SOCK_RAW, 1) != -1)
        _exit(2);
    if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != EPERM)
        _exit(3);
    if (unshare(CLONE_NEWUSER) != -1 || errno != EPERM)
        _exit(4);
    if (syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) != -1 || errno != EPERM)
        _exit(5);
}

static void use_what_is_needed(void)
{
    pthread_t t;

    if (pthread_create(&t, NULL, nothing, NULL) != 0 || pthread_join(t, NULL) != 0)
        _exit(1);
    if (socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) == -1 ||
        socket(AF_INET6, SOCK_DGRAM, 0) == -1 || socket(AF_UNIX, SOCK_STREAM, 0) == -1)
        _exit(2);
}

Test(sandbox, a_program_that_is_started_ends_the_process)
{
    int status = end_of(exec_a_program);

    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%#x", status);
}

Test(sandbox, raw_sockets_namespaces_and_rings_are_refused)
{
    cr_assert_eq(end_of(refuse_calls), 0);
}

Test(sandbox, threads_and_plain_sockets_work)
{
    cr_assert_eq(end_of(use_what_is_needed), 0);
}

Test(sandbox, threads_that_were_there_before_are_in_it)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int p[2];
        pthread_t t;

        if (pipe(p) != 0 || pthread_create(&t, NULL, nothing, NULL) != 0 || !sandbox_enter(NULL, 0))
            _exit(77);
        (void)pthread_create(&t, NULL, try_to_leave, NULL);
        (void)pthread_join(t, NULL);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%#x", status);
}
