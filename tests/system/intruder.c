/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever has taken over weir, for test_privileges.py: loaded into the real process (LD_PRELOAD),
 * it does what INTRUDE says where weir asks for the folder of its descriptors, on the control
 * thread, inside the sandbox, and says on stderr what came of it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *try_memory(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static int attempt(const char *what, const char *path)
{
    static char *const args[] = {"true", NULL};

    if (strcmp(what, "exec") == 0)
        return execve("/bin/true", args, NULL);
    if (strcmp(what, "ptrace") == 0)
        return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    if (strcmp(what, "fork") == 0)
        return (int)fork();
    if (strcmp(what, "kill") == 0)
        return kill(getppid(), 0);
    if (strcmp(what, "packet") == 0)
        return socket(AF_PACKET, SOCK_RAW, 0);
    if (strcmp(what, "memory") == 0)
        return try_memory() == NULL ? -1 : 0;
    if (strcmp(what, "read") == 0)
        return open(path, O_RDONLY | O_CLOEXEC);
    if (strcmp(what, "write") == 0)
        return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (strcmp(what, "user") == 0)
        return setuid(0);
    return -2;
}

DIR *opendir(const char *name);
DIR *opendir(const char *name)
{
    DIR *(*real)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    const char *what = getenv("INTRUDE"), *path = getenv("INTRUDE_PATH");

    if (what != NULL && strstr(name, "/fd") != NULL) {
        int rc = attempt(what, path);

        (void)fprintf(stderr, "intruder: %s: %s\n", what, rc < 0 ? strerror(errno) : "done");
        (void)fflush(stderr);
    }
    return real(name);
}
