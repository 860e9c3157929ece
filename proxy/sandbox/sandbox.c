/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges, and the order in which they and the rest are given up. */
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weir/base/log.h"

/*
 * With `user` they went with the uid; this is for who was given some and no uid of root.  A root
 * that was not asked to be another user keeps its own: it is warned of.
 */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    if (getuid() == 0 || syscall(SYS_capset, &header, none) == 0)
        return true;
    log_warn("sandbox: capabilities cannot be given up: %s", strerror(errno));
    return false;
}

bool sandbox_enter(const struct sandbox_folder *folders, size_t n)
{
    bool whole = drop_capabilities();

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        log_warn("sandbox: new privileges cannot be given up: %s", strerror(errno));
        return false;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        log_warn("sandbox: memory may still be dumped: %s", strerror(errno));
        whole = false;
    }
    whole = sandbox_confine_files(folders, n) && whole;
    return sandbox_filter_calls() && whole;
}
