/* SPDX-License-Identifier: Apache-2.0 */
/* `weir --version --verbose`: which libraries a report of a weakness would have to name. */
#include "linked.h"

#include <limits.h>
#include <link.h>
#include <stdlib.h>

static int print_one(struct dl_phdr_info *info, size_t size, void *arg)
{
    char whole[PATH_MAX];

    (void)size;
    if (info->dlpi_name == NULL || info->dlpi_name[0] != '/')
        return 0; /* weir itself, or the kernel's page */
    (void)fprintf(arg, "linked: %s\n",
                  realpath(info->dlpi_name, whole) == NULL ? info->dlpi_name : whole);
    return 0;
}

void linked_print(FILE *out)
{
    (void)dl_iterate_phdr(print_one, out);
}
