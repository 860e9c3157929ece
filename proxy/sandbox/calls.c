/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls, by seccomp: a list of what is allowed, made from what the daemon and its libraries
 * were seen to use under the system tests, and the neighbours of those calls that another version
 * of the C library would use instead.
 *
 * - exec and ptrace: the process ends, for whoever calls them is no longer weir.
 * - clone3: ENOSYS, so that the C library falls back to clone, whose flags can be judged.
 * - all others: EPERM, and the control thread says which (sandbox_tell_denied).  A library that one
 *   day needs one more is found by a line in the log, and does not take the service down at night.
 *
 * A denied call raises SIGSYS on its own thread.  The handler sets the result and a bit, which is
 * all that a handler may do.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>

#include <linux/sockios.h>

#include "sandbox.h"
#include "weir/base/log.h"

#ifdef WEIR_HAVE_SECCOMP
#include <seccomp.h>

static const int deadly[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace)};

/* A number that an architecture does not have is negative, and left out. */
static const int allowed[] = {
    /* bytes */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recv),
    SCMP_SYS(send),
    /* descriptors */
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(_newselect),
    SCMP_SYS(pselect6),
    /* sockets; which families: allow_sockets */
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    /* files; which: files.c */
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(stat64),
    SCMP_SYS(fstat64),
    SCMP_SYS(lstat64),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getdents64),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(fsync),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(umask),
    SCMP_SYS(fadvise64),
    /* memory; mmap and mprotect: allow_memory */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    /* threads; clone: allow_threads */
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(getcpu),
    SCMP_SYS(membarrier),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    /* signals */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(signalfd4),
    SCMP_SYS(tgkill),
    /* time, randomness, who and where we are */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getgroups),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* --- what was denied */

enum { NUMBERS = 1024 };
static _Atomic uint32_t denied[NUMBERS / 32];

#if defined(__x86_64__)
#define RESULT(u) ((u)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT(u) ((u)->uc_mcontext.regs[0])
#endif

#ifdef RESULT
static void on_denied(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    unsigned call = (unsigned)info->si_syscall;

    (void)number;
    if (call < NUMBERS)
        atomic_fetch_or_explicit(&denied[call / 32], UINT32_C(1) << call % 32,
                                 memory_order_relaxed);
    RESULT(u) = -EPERM;
}

static uint32_t deny(void)
{
    struct sigaction a = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO | SA_NODEFER};

    return sigaction(SIGSYS, &a, NULL) == 0 ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM);
}
#else
static uint32_t deny(void)
{
    return SCMP_ACT_ERRNO(EPERM);
}
#endif

void sandbox_tell_denied(void)
{
    static uint32_t told[COUNT(denied)]; /* the control thread's */

    for (unsigned i = 0; i < COUNT(denied); i++) {
        uint32_t fresh = atomic_load_explicit(&denied[i], memory_order_relaxed) & ~told[i];

        told[i] |= fresh;
        for (unsigned bit = 0; fresh >> bit != 0; bit++) {
            char *name;

            if ((fresh >> bit & 1) == 0)
                continue;
            name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)(i * 32 + bit));
            log_warn("sandbox: the system call %s (%u) is not among those that weir uses: denied",
                     name == NULL ? "without a name" : name, i * 32 + bit);
            free(name);
        }
    }
}

/* --- calls that are allowed in some forms */

static int allow_if(scmp_filter_ctx f, int call, struct scmp_arg_cmp a)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, a);
}

/* New threads, no new processes.  The flags of clone3 are behind a pointer: the C library falls
 * back. */
static int allow_threads(scmp_filter_ctx f)
{
    uint64_t thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    return rc != 0 ? rc : allow_if(f, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
}

/* Never both written and run: a library is mapped, code is not made. */
static int allow_memory(scmp_filter_ctx f)
{
    static const uint64_t both = PROT_WRITE | PROT_EXEC, may[] = {0, PROT_WRITE, PROT_EXEC};
    int rc = allow_if(f, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    for (size_t i = 0; rc == 0 && i < COUNT(may); i++) {
        rc = allow_if(f, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, both, may[i]));
        if (rc == 0 && SCMP_SYS(mmap2) > 0)
            rc = allow_if(f, SCMP_SYS(mmap2), SCMP_A2(SCMP_CMP_MASKED_EQ, both, may[i]));
    }
    return rc;
}

/* Streams and datagrams; of netlink what the resolver asks for addresses. */
static int allow_sockets(scmp_filter_ctx f)
{
    static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6},
                          kinds[] = {SOCK_STREAM, SOCK_DGRAM};
    int rc =
        seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                         SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));

    for (size_t i = 0; rc == 0 && i < COUNT(families) * COUNT(kinds); i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                              SCMP_A0(SCMP_CMP_EQ, families[i / COUNT(kinds)]),
                              SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, kinds[i % COUNT(kinds)]));
    return rc;
}

static int allow_some(scmp_filter_ctx f)
{
    static const uint64_t ioctls[] = {FIONREAD, FIONBIO,      SIOCOUTQ,
                                      TCGETS,   SIOCGIFINDEX, SIOCGIFNAME};
    static const uint64_t prctls[] = {PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA */};
    /* asking for a limit (of oneself: 0), not setting it */
    int rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                              SCMP_A2(SCMP_CMP_EQ, 0));

    for (size_t i = 0; rc == 0 && i < COUNT(ioctls); i++)
        rc = allow_if(f, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, ioctls[i]));
    for (size_t i = 0; rc == 0 && i < COUNT(prctls); i++)
        rc = allow_if(f, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, prctls[i]));
    return rc;
}

/* --- the filter */

static int add_lists(scmp_filter_ctx f)
{
    int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

    for (size_t i = 0; rc == 0 && i < COUNT(deadly); i++)
        rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    for (size_t i = 0; rc == 0 && i < COUNT(allowed); i++) {
        if (allowed[i] >= 0)
            rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    return rc;
}

bool sandbox_filter_calls(void)
{
    static int (*const forms[])(scmp_filter_ctx) = {add_lists, allow_threads, allow_memory,
                                                    allow_sockets, allow_some};
    scmp_filter_ctx f = seccomp_init(deny());
    int rc = f == NULL ? -ENOMEM : 0;

    for (size_t i = 0; rc == 0 && i < COUNT(forms); i++)
        rc = forms[i](f);
    /* the frequent ones first: a tree instead of a row of comparisons */
    if (rc == 0)
        (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0)
        rc = seccomp_load(f);
    if (f != NULL)
        seccomp_release(f);
    if (rc != 0)
        log_warn("sandbox: the kernel takes no filter of system calls: %s", strerror(-rc));
    return rc == 0;
}
#else
void sandbox_tell_denied(void)
{
}

bool sandbox_filter_calls(void)
{
    log_warn("sandbox: built without libseccomp, every system call is allowed");
    return false;
}
#endif
