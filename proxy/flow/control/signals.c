/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that control reads, on its loop. */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/control_priv.h"

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = arg;
    struct signalfd_siginfo info;

    (void)what;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        loop_refresh_now(c->loop);
        switch (info.ssi_signo) {
        case SIGHUP:
            control_reload_by_signal(c);
            break;
        case SIGUSR1:
            access_log_reopen(c);
            break;
        default:
            control_end_by_signal(c, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
        }
    }
}

sigset_t flow_block_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    WEIR_ASSERT(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    return set;
}

bool control_signals_begin(struct control *c)
{
    sigset_t set = flow_block_signals();

    c->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (c->signals.fd == -1)
        return false;
    c->signals.event =
        event_new(loop_base(c->loop), c->signals.fd, EV_READ | EV_PERSIST, on_signal, c);
    return c->signals.event != NULL && event_add(c->signals.event, NULL) == 0;
}

void control_signals_end(struct control *c)
{
    if (c->signals.event != NULL)
        event_free(c->signals.event);
    if (c->signals.fd != -1)
        (void)close(c->signals.fd);
}
