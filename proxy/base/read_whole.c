/* SPDX-License-Identifier: Apache-2.0 */
/* A file, whole: a read may be short, and a signal may come between. */
#include "weir/base/read_whole.h"

#include <errno.h>
#include <unistd.h>

bool read_whole(int fd, char *to, size_t room, size_t *len)
{
    *len = 0;
    while (*len < room) {
        ssize_t n = read(fd, to + *len, room - *len);

        if (n == 0)
            return true;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            return false;
    }
    return true;
}
