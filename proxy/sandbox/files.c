/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, by Landlock, straight from the kernel's interface (Documentation/userspace-api/landlock):
 * read in the folders that settings name and in those of the system's libraries, written where
 * logs, the state file and sockets are.  Rights that a kernel does not know yet are left out; a
 * kernel without Landlock is told of and is no failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"
#include "weir/base/log.h"

/* Numbers of the interface, which older headers lack in part. */
#define FS_RIGHT(n)   (UINT64_C(1) << (n))
#define FS_WRITE_FILE FS_RIGHT(1)
#define FS_READ_FILE  FS_RIGHT(2)
#define FS_READ_DIR   FS_RIGHT(3)
#define FS_REMOVE     FS_RIGHT(5)
#define FS_MAKE_REG   FS_RIGHT(8)
#define FS_MAKE_SOCK  FS_RIGHT(9)
#define FS_TRUNCATE   FS_RIGHT(14)
enum { SCOPE_SIGNAL = 2 };

static const uint64_t read_rights = FS_READ_FILE | FS_READ_DIR;
static const uint64_t write_rights =
    FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_REMOVE | FS_MAKE_REG | FS_MAKE_SOCK;

/* How many rights each version of the interface knows: 13, then REFER, TRUNCATE, IOCTL_DEV. */
static uint64_t rights_of(long abi)
{
    int n = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

    return FS_RIGHT(n) - 1;
}

/*
 * The kernel's struct as it is now: rights of files, of the network, scopes.  A shorter one is
 * taken as well, and is all that an older kernel knows.
 */
static int ruleset_create(long abi)
{
    const uint64_t handled[3] = {rights_of(abi), 0, SCOPE_SIGNAL};
    size_t size = abi >= 6 ? sizeof handled : sizeof handled[0];

    return (int)syscall(SYS_landlock_create_ruleset, handled, size, 0);
}

static void allow(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr a = {.allowed_access = rights};

    a.parent_fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);
    if (a.parent_fd == -1)
        return; /* not there: nothing to be read in it */
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) != 0)
        log_debug("sandbox: no rule for %s: %s", path, strerror(errno));
    (void)close(a.parent_fd);
}

/* Names, users, certificates, time zones, libraries loaded late, what the process knows of itself.
 */
static void allow_system(int ruleset)
{
    static const char *const folders[] = {
        "/etc",         "/usr", "/lib", "/lib64",
        "/proc",        "/run", "/dev", "/sys/devices/system/cpu",
        "/var/lib/sss",
    };

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        allow(ruleset, folders[i], read_rights);
}

bool sandbox_confine_files(const struct sandbox_folder *folders, size_t n)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    int ruleset;
    bool done;

    if (abi < 1) {
        log_info("sandbox: this kernel has no Landlock: files are confined by their modes only");
        return true;
    }
    ruleset = ruleset_create(abi);
    if (ruleset == -1) {
        log_warn("sandbox: files cannot be confined: %s", strerror(errno));
        return false;
    }
    allow_system(ruleset);
    for (size_t i = 0; i < n; i++)
        allow(ruleset, folders[i].path,
              folders[i].write ? write_rights | (abi >= 3 ? FS_TRUNCATE : 0) : read_rights);
    done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!done)
        log_warn("sandbox: files cannot be confined: %s", strerror(errno));
    (void)close(ruleset);
    return done;
}
