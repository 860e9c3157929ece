/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets of another process: looked at before they are believed. */
#include "weir/net/inherited.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool option_is(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

static bool make_room(struct inherited *in)
{
    struct inherited_socket *more;

    if ((in->n & (in->n - 1)) != 0)
        return true; /* the list doubles at each power of two */
    if (in->n >= INHERITED_SOCKETS_MAX)
        return false;
    more = realloc(in->list, (in->n == 0 ? 1 : 2 * in->n) * sizeof *more);
    if (more == NULL)
        return false;
    in->list = more;
    return true;
}

bool inherited_add(struct inherited *in, enum inherited_kind kind, const char *name, unsigned group,
                   int fd)
{
    struct inherited_socket *s;

    if (!option_is(fd, SO_ACCEPTCONN, 1) || !option_is(fd, SO_TYPE, SOCK_STREAM) ||
        strlen(name) >= INHERITED_NAME_MAX || !make_room(in)) {
        (void)close(fd);
        return false;
    }
    s = &in->list[in->n++];
    *s = (struct inherited_socket){.kind = kind, .group = group, .fd = fd};
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    return true;
}

int inherited_take(struct inherited *in, enum inherited_kind kind, const char *name)
{
    for (size_t i = 0; in != NULL && i < in->n; i++) {
        struct inherited_socket *s = &in->list[i];
        int fd = s->fd;

        if (fd == -1 || s->kind != kind || strcmp(s->name, name) != 0)
            continue;
        s->fd = -1;
        return fd;
    }
    return -1;
}

unsigned inherited_taken(const struct inherited *in, unsigned group)
{
    unsigned n = 0;

    for (size_t i = 0; i < in->n; i++)
        n += in->list[i].group == group && in->list[i].fd == -1;
    return n;
}

void inherited_free(struct inherited *in)
{
    for (size_t i = 0; i < in->n; i++) {
        if (in->list[i].fd != -1)
            (void)close(in->list[i].fd);
    }
    free(in->list);
    *in = (struct inherited){0};
}
