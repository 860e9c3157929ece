/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out, for test_no_memory.py: loaded into the real process (LD_PRELOAD), it lets
 * allocations fail as the file SHORTAGE says, which is shared memory that the test writes while
 * weir runs.  Whose allocations: weir's own, or those of one library, told by the name of the
 * object that the call came from.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t to, size_t n);

/* The order is test_no_memory.py's. */
struct shortage {
    _Atomic uint32_t on;
    _Atomic uint32_t nth;       /* this one fails; 0 = by chance */
    _Atomic uint32_t per_mille; /* of all, by chance */
    _Atomic uint32_t made;      /* how many there were to fail, since the test wrote 0 */
    _Atomic uint32_t struck;
    char whose[44]; /* part of an object's path; "" = the program's own */
};

static struct shortage *now;

/* Where the object's code is; found once for each name that the test gives. */
static struct {
    char whose[sizeof((struct shortage *)0)->whose];
    uintptr_t from, to;
} found;

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
    bool is_program = info->dlpi_name[0] == '\0' && found.from == 0;

    (void)size, (void)arg;
    if (found.whose[0] == '\0' ? !is_program : strstr(info->dlpi_name, found.whose) == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) != 0) {
            found.from = info->dlpi_addr + p->p_vaddr;
            found.to = found.from + p->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SHORTAGE");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *p =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        (void)close(fd);
    if (p == MAP_FAILED)
        return;
    memcpy(found.whose, ((struct shortage *)p)->whose, sizeof found.whose - 1);
    (void)dl_iterate_phdr(look, NULL);
    now = p;
}

static uint32_t draw(void)
{
    static _Atomic uint32_t seeds;
    static _Thread_local uint32_t x;

    if (x == 0)
        x = 2463534242U + 7919U * atomic_fetch_add(&seeds, 1);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static bool fails(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    uint32_t made, nth;

    if (now == NULL || atomic_load(&now->on) == 0 || at < found.from || at >= found.to)
        return false;
    made = atomic_fetch_add(&now->made, 1) + 1;
    nth = atomic_load(&now->nth);
    if (nth != 0 ? made != nth : draw() % 1000 >= atomic_load(&now->per_mille))
        return false;
    atomic_fetch_add(&now->struck, 1);
    errno = ENOMEM;
    return true;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t n)
{
    return fails(CALLER) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails(CALLER) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return n > 0 && fails(CALLER) ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t to, size_t n)
{
    return fails(CALLER) ? NULL : __libc_memalign(to, n);
}

static char *copy(const char *s, size_t n)
{
    char *to = __libc_malloc(n + 1);

    if (to == NULL)
        return NULL;
    memcpy(to, s, n);
    to[n] = '\0';
    return to;
}

char *strdup(const char *s)
{
    return fails(CALLER) ? NULL : copy(s, strlen(s));
}

char *strndup(const char *s, size_t n)
{
    return fails(CALLER) ? NULL : copy(s, strnlen(s, n));
}
