/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of what is denied rather than of what is allowed: a library that one day uses another
 * harmless call must not take the service down at night, while what an intruder would want first is
 * gone either way: a shell, other processes, namespaces, raw sockets, modules.  Denied calls fail
 * with EPERM; exec and ptrace end the process.  All threads are under it.
 */
#include "sandbox.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "weir/base/log.h"

#ifdef WEIR_HAVE_SECCOMP
#include <seccomp.h>

/* Whoever calls these is no longer weir: the process ends. */
static const int deadly[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace)};

static const int denied[] = {
    /* other processes */
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    /* file systems and namespaces */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    /* large and young parts of the kernel that weir has no use for */
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(personality),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(vmsplice),
    SCMP_SYS(remap_file_pages),
    /* the kernel itself */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(syslog),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
};

/* A thread is a clone without any of these. */
static const uint64_t namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                      CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

static int deny_clones(scmp_filter_ctx f)
{
    /* its flags are behind a pointer; the C library falls back to clone */
    int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; rc == 0 && i < sizeof namespaces / sizeof namespaces[0]; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    return rc;
}

/* Left are AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, which the resolver asks for addresses. */
static int deny_sockets(scmp_filter_ctx f)
{
    int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_GT, AF_NETLINK));

    for (uint64_t family = AF_INET + 1; rc == 0 && family < AF_NETLINK; family++) {
        if (family != AF_INET6)
            rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_EQ, family));
    }
    for (uint64_t family = AF_INET; rc == 0 && family <= AF_INET6; family += AF_INET6 - AF_INET)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2,
                              SCMP_A0(SCMP_CMP_EQ, family),
                              SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW));
    return rc;
}

static bool filter_calls(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    int rc = f == NULL ? -ENOMEM : seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

    for (size_t i = 0; rc == 0 && i < sizeof deadly / sizeof deadly[0]; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    for (size_t i = 0; rc == 0 && i < sizeof denied / sizeof denied[0]; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
    if (rc == 0)
        rc = deny_clones(f);
    if (rc == 0)
        rc = deny_sockets(f);
    if (rc == 0)
        rc = seccomp_load(f);
    if (f != NULL)
        seccomp_release(f);
    if (rc != 0)
        log_warn("sandbox: the kernel takes no filter of system calls: %s", strerror(-rc));
    return rc == 0;
}
#else
static bool filter_calls(void)
{
    log_warn("sandbox: built without libseccomp, no system call is denied");
    return false;
}
#endif

bool sandbox_enter(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        log_warn("sandbox: new privileges cannot be given up: %s", strerror(errno));
        return false;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log_warn("sandbox: memory may still be dumped: %s", strerror(errno));
    return filter_calls();
}
