/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that ends where the input ends: a parser that reads on dies.  Never given back. */
#include "guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include "weir/base/assert.h"

struct slice guarded(struct slice s)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (s.len + page - 1) / page * page;
    char *mem = mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    WEIR_ASSERT(mem != MAP_FAILED && mprotect(mem + used, page, PROT_NONE) == 0);
    if (s.len > 0)
        memcpy(mem + used - s.len, s.p, s.len);
    return slice_of(mem + used - s.len, s.len);
}
