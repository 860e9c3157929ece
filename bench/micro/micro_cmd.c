/* SPDX-License-Identifier: Apache-2.0 */
/* `weir-bench micro`: hands over to weir-micro, which lies beside this program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/commands.h"
#include "bench/scenario/process.h"

int cmd_micro(int argc, char **argv)
{
    char folder[400], path[450];

    (void)argc;
    (void)snprintf(path, sizeof path, "%s/weir-micro", program_folder(folder, sizeof folder));
    (void)execv(path, argv);
    (void)fprintf(stderr, "weir-bench micro: %s: %s\n", path, strerror(errno));
    return 1;
}
