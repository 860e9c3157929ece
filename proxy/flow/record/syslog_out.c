/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's log, a datagram a line, and never a wait.  Control thread. */
#include "record/syslog_out.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h> /* names of facility and level */
#include <time.h>
#include <unistd.h>

#include "weir/base/clock.h"

static void dial(struct syslog_out *s)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd != -1 && connect(s->fd, (struct sockaddr *)&a, sizeof a) != 0)
        syslog_out_close(s);
}

void syslog_out_open(struct syslog_out *s)
{
    *s = (struct syslog_out){.fd = -1};
    tzset(); /* reads its file while files can be read */
    dial(s);
}

void syslog_out_close(struct syslog_out *s)
{
    if (s->fd != -1)
        (void)close(s->fd);
    s->fd = -1;
}

/* As RFC 3164 has it, in local time: what /dev/log is read as. */
static size_t put_head(char head[64])
{
    char when[32];
    struct tm tm;
    time_t now = time(NULL);

    if (localtime_r(&now, &tm) == NULL || strftime(when, sizeof when, "%b %e %T", &tm) == 0)
        when[0] = '\0';
    return (size_t)snprintf(head, 64, "<%d>%s weir[%d]: ", LOG_DAEMON | LOG_INFO, when,
                            (int)getpid());
}

bool syslog_out_send(struct syslog_out *s, struct slice line, uint64_t now_ns)
{
    char head[64];
    struct iovec iov[2] = {{head, put_head(head)}, {(void *)(uintptr_t)line.p, line.len}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

    if (s->fd == -1 && now_ns >= s->retry_ns) {
        s->retry_ns = now_ns + NS_PER_S;
        dial(s);
    }
    if (s->fd == -1)
        return false;
    if (sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return true;
    if (errno != EAGAIN && errno != EMSGSIZE && errno != ENOBUFS)
        syslog_out_close(s); /* the daemon has gone; its successor is another socket */
    return false;
}
