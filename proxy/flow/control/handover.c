/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between two weirs, with descriptors. */
#include "control/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONTROL_BYTES = CMSG_SPACE(HANDOVER_FDS_MAX * sizeof(int)) };

enum weir_status handover_send(int fd, const struct handover_message *m, const int *fds, unsigned n)
{
    struct iovec iov = {(void *)m, sizeof *m};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    char control[CONTROL_BYTES] __attribute__((aligned(8)));

    memset(control, 0, sizeof control);
    if (n > HANDOVER_FDS_MAX)
        return WEIR_BAD;
    if (n > 0) {
        struct cmsghdr *c;

        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *m ? WEIR_OK
                                                                                : WEIR_SYS;
}

void handover_close(int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)close(fds[i]);
}

static unsigned take_descriptors(struct msghdr *msg, int fds[HANDOVER_FDS_MAX])
{
    unsigned n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && n < HANDOVER_FDS_MAX; i++)
            memcpy(&fds[n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    return n;
}

static bool is_sound(const struct handover_message *m, ssize_t bytes, int flags)
{
    return bytes == (ssize_t)sizeof *m && (flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
           m->protocol == HANDOVER_PROTOCOL && m->what >= HANDOVER_HELLO &&
           m->what <= HANDOVER_LEND && memchr(m->text, '\0', sizeof m->text) != NULL;
}

enum weir_status handover_receive(int fd, struct handover_message *m, int fds[HANDOVER_FDS_MAX],
                                  unsigned *n)
{
    char control[CONTROL_BYTES] __attribute__((aligned(8)));
    struct iovec iov = {m, sizeof *m};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (got == 0 || (got == -1 && errno == ECONNRESET))
        return WEIR_CLOSED;
    if (got == -1)
        return errno == EAGAIN || errno == EINTR ? WEIR_AGAIN : WEIR_SYS;
    *n = take_descriptors(&msg, fds);
    if (is_sound(m, got, msg.msg_flags))
        return WEIR_OK;
    handover_close(fds, *n);
    return WEIR_BAD;
}
