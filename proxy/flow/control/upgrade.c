/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The old process of a hot restart: has the new one started, hands over, drains.  Nothing here
 * waits; each step has a deadline, and whatever goes wrong before the new process has begun leaves
 * this one as it was.  Its states are in upgrade.h, the drain is retire.c's.
 */
#include "control/upgrade.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/control_priv.h"
#include "control/retire.h"
#include "weir/flow/launch.h"

#define START_NS  (10 * NS_PER_S) /* for keys, pages, settings: what a start takes, generously */
#define SWITCH_NS (3 * NS_PER_S)  /* nobody accepts meanwhile */
#define END_NS    (1 * NS_PER_S)  /* for one that does not start, to end by itself */

static bool order(const struct control *c, enum launch_what what)
{
    struct launch_message m = {.what = what};

    return send(c->start.launcher, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof m;
}

/* --- ends */

static void stop_talking(struct control_upgrade *u)
{
    if (u->talk != NULL)
        event_free(u->talk);
    u->talk = NULL;
    if (u->fd != -1)
        (void)close(u->fd);
    if (u->spool != -1)
        (void)close(u->spool);
    u->fd = u->spool = -1;
}

static void answer(struct control_upgrade *u, bool done, const char *sentence)
{
    control_upgraded_fn *fn = u->fn;

    u->fn = NULL;
    if (fn != NULL)
        fn(done, sentence, u->arg);
}

/* The new process is gone as well. */
static void failed(struct control *c)
{
    struct control_upgrade *u = &c->upgrade;

    loop_timer_stop(&u->deadline);
    u->state = UPGRADE_NONE;
    control_say(c, "", "", "upgrade_failed", "the new weir did not start, this one goes on");
    log_error("upgrade: %s", u->why);
    answer(u, false, u->why);
}

/* At once everything here is as it was; who asked is told when the new process has ended. */
static void WEIR_PRINTF(2, 3) fail(struct control *c, const char *fmt, ...)
{
    struct control_upgrade *u = &c->upgrade;
    bool switching = u->state == UPGRADE_SWITCHING;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(u->why, sizeof u->why, fmt, ap);
    va_end(ap);
    stop_talking(u);
    u->state = UPGRADE_FAILING;
    if (switching)
        retire_take_back(c);
    if (u->pid == 0)
        failed(c);
    else
        loop_timer_at(&u->deadline, loop_now_ns(c->loop) + END_NS);
}

static void end_process(const struct control *c)
{
    if (c->upgrade.pid != 0 && !order(c, LAUNCH_END))
        log_warn("upgrade: the new process (pid %d) cannot be ended", c->upgrade.pid);
}

static void refuse(struct control *c, const char *what)
{
    end_process(c);
    fail(c, "the new process (pid %d) %s", c->upgrade.pid, what);
}

static void on_deadline(void *arg)
{
    struct control *c = arg;

    switch (c->upgrade.state) {
    case UPGRADE_LAUNCHING:
        fail(c, "the launcher does not answer");
        return;
    case UPGRADE_STARTING:
        end_process(c);
        fail(c, "the new process (pid %d) was not ready within %.0f s, and was ended",
             c->upgrade.pid, (double)START_NS / 1e9);
        return;
    case UPGRADE_SWITCHING:
        end_process(c);
        fail(c, "the new process (pid %d) did not begin within %.0f s, and was ended",
             c->upgrade.pid, (double)SWITCH_NS / 1e9);
        return;
    case UPGRADE_FAILING: /* it has said that it does not start, and goes on being there */
        end_process(c);
        failed(c);
        return;
    case UPGRADE_NONE:
    case UPGRADE_DONE:
        return;
    }
    WEIR_UNREACHABLE("upgrade state");
}

/* --- the switch */

/* From here on the two never serve more than one of them might: accepting and admitting end here
 * first. */
static void switch_over(struct control *c)
{
    struct control_upgrade *u = &c->upgrade;
    struct handover_message go = handover_message(HANDOVER_GO);

    u->state = UPGRADE_SWITCHING;
    loop_timer_at(&u->deadline, loop_now_ns(c->loop) + SWITCH_NS);
    retire_prepare(c);
    if (!upgrade_write_state(c, &go.number))
        refuse(c, "has no room for what this one knows");
    else if (handover_send(u->fd, &go, NULL, 0) != WEIR_OK)
        refuse(c, "does not read");
}

static void done(struct control *c)
{
    struct control_upgrade *u = &c->upgrade;
    char said[300];
    int n;

    loop_timer_stop(&u->deadline);
    u->state = UPGRADE_DONE;
    n = snprintf(said, sizeof said,
                 "weir %s (pid %d) has taken over from this one (%s, pid %d) after %.0f ms; this "
                 "one ends with its last stream",
                 u->version, u->pid, WEIR_VERSION, getpid(),
                 (double)(loop_now_ns(c->loop) - u->asked_ns) / 1e6);
    WEIR_ASSERT(n > 0);
    retire(c);
    control_say(c, "", "", "upgrade", "%s", said);
    answer(u, true, said);
}

/* --- what the new process says */

static void take_hello(struct control *c, const struct handover_message *m, int *fds, unsigned n)
{
    struct control_upgrade *u = &c->upgrade;

    if (n != 1 || u->spool != -1) {
        handover_close(fds, n);
        refuse(c, "is no weir that this one knows");
        return;
    }
    u->spool = fds[0];
    (void)snprintf(u->version, sizeof u->version, "%.32s", m->text);
    if (!upgrade_send_sockets(c))
        refuse(c, "does not take the sockets");
}

static void take_message(struct control *c, const struct handover_message *m, int *fds, unsigned n)
{
    struct control_upgrade *u = &c->upgrade;
    bool starting = u->state == UPGRADE_STARTING, greeted = u->spool != -1;

    if (m->what == HANDOVER_HELLO && starting) {
        take_hello(c, m, fds, n);
        return;
    }
    handover_close(fds, n);
    if (m->what == HANDOVER_FAILED && u->state != UPGRADE_DONE)
        fail(c, "the new process did not start: %s", m->text);
    else if (m->what == HANDOVER_TAKEN && starting && m->index < UPGRADE_GROUPS)
        u->taken[m->index] = m->number;
    else if (m->what == HANDOVER_READY && starting && greeted)
        switch_over(c);
    else if (m->what == HANDOVER_STARTED && u->state == UPGRADE_SWITCHING)
        done(c);
    else if (m->what == HANDOVER_LEND && u->state == UPGRADE_DONE)
        retire_lent(c, m->index, m->number);
    else if (u->state != UPGRADE_DONE)
        refuse(c, "says what this one does not understand");
}

enum { READ_AT_ONCE = 64 }; /* messages, then other events have their turn */

/* Whether it has died, and how, is the launcher's to say. */
static void on_talk(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = arg;
    struct handover_message m;
    int fds[HANDOVER_FDS_MAX];
    unsigned n;
    enum weir_status rc = WEIR_OK;

    (void)what;
    (void)loop_refresh_now(c->loop);
    for (int i = 0; i < READ_AT_ONCE && c->upgrade.talk != NULL; i++) {
        rc = handover_receive(fd, &m, fds, &n);
        if (rc != WEIR_OK)
            break;
        take_message(c, &m, fds, n);
    }
    if (c->upgrade.talk == NULL || rc == WEIR_OK || rc == WEIR_AGAIN)
        return;
    if (rc == WEIR_BAD && c->upgrade.state != UPGRADE_DONE)
        refuse(c, "speaks another version of the handover: restart the service instead");
    else
        (void)event_del(c->upgrade.talk);
}

/* --- what the launcher says */

static int take_descriptor(struct msghdr *msg)
{
    struct cmsghdr *h = CMSG_FIRSTHDR(msg);
    int fd = -1;

    if (h != NULL && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
        h->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(h), sizeof fd);
    return fd;
}

static void started(struct control *c, int32_t pid, int fd)
{
    struct control_upgrade *u = &c->upgrade;

    u->fd = fd;
    u->pid = pid;
    u->state = UPGRADE_STARTING;
    loop_timer_at(&u->deadline, loop_now_ns(c->loop) + START_NS);
    u->talk = event_new(loop_base(c->loop), fd, EV_READ | EV_PERSIST, on_talk, c);
    if (u->talk == NULL || event_add(u->talk, NULL) != 0)
        fail(c, "out of memory");
}

static void ended(struct control *c, int status)
{
    struct control_upgrade *u = &c->upgrade;

    u->pid = 0;
    if (u->state == UPGRADE_FAILING)
        failed(c);
    else if (WIFSIGNALED(status))
        fail(c, "the new process was ended by signal %d (%s) before it had begun", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
    else
        fail(c,
             "the new process ended with status %d before it had begun; what it said is in its log",
             WEXITSTATUS(status));
}

static void take_launcher(struct control *c, const struct launch_message *m, int fd)
{
    struct control_upgrade *u = &c->upgrade;
    bool starts = u->state == UPGRADE_STARTING || u->state == UPGRADE_SWITCHING ||
                  u->state == UPGRADE_FAILING;

    if (m->what == LAUNCH_STARTED && u->state == UPGRADE_LAUNCHING && fd != -1) {
        started(c, m->pid, fd);
        return;
    }
    if (fd != -1)
        (void)close(fd);
    if (m->what == LAUNCH_FAILED && u->state == UPGRADE_LAUNCHING)
        fail(c, "the launcher cannot start a process: %s",
             m->number == EBUSY ? "the last one has not ended yet" : strerror(m->number));
    else if (m->what == LAUNCH_ENDED && starts && m->pid == u->pid)
        ended(c, m->number);
}

static void on_launcher(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = arg;
    struct launch_message m;
    char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
    struct iovec iov = {&m, sizeof m};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;

    (void)what;
    (void)loop_refresh_now(c->loop);
    n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n == (ssize_t)sizeof m) {
        on_talk(c->upgrade.fd, 0, c); /* what it said before it ended comes first */
        take_launcher(c, &m, take_descriptor(&msg));
    } else if (n == 0) {
        log_warn("upgrade: the launcher has ended: no hot restart from this process");
        (void)event_del(c->upgrade.launcher);
        c->start.launcher = -1;
    }
}

/* --- for the operator */

bool control_upgrade(struct control *c, const struct control_who *who, control_upgraded_fn *fn,
                     void *arg, const char **why)
{
    struct control_upgrade *u = &c->upgrade;

    if (c->phase.draining)
        *why = u->state == UPGRADE_DONE ? "another process has taken over already"
                                        : "this process is ending";
    else if (u->state != UPGRADE_NONE)
        *why = "another upgrade is under way";
    else if (control_has_canary(c))
        *why = "a canary runs, and the next process would not know: promote it or roll it back";
    else if (c->start.launcher == -1)
        *why = "this process has no launcher (see its log): restart it";
    else if (getpid() == 1)
        *why = "this process is number 1 here, and all others end with it: start a new container";
    else if (!order(c, LAUNCH_START))
        *why = "the launcher does not answer";
    else
        *why = NULL;
    if (*why != NULL)
        return false;
    log_info("upgrade by uid %u: starting the next weir", who->uid);
    u->state = UPGRADE_LAUNCHING;
    u->pid = 0;
    u->fn = fn;
    u->arg = arg;
    u->asked_ns = loop_now_ns(c->loop);
    memset(u->taken, 0, sizeof u->taken);
    loop_timer_at(&u->deadline, u->asked_ns + START_NS);
    return true;
}

bool upgrade_begin(struct control *c)
{
    struct control_upgrade *u = &c->upgrade;

    u->fd = u->spool = -1;
    loop_timer_init(&u->deadline, c->loop, on_deadline, c);
    if (c->start.launcher == -1)
        return true;
    u->launcher =
        event_new(loop_base(c->loop), c->start.launcher, EV_READ | EV_PERSIST, on_launcher, c);
    return u->launcher != NULL && event_add(u->launcher, NULL) == 0;
}

void upgrade_give_up(struct control *c)
{
    if (c->upgrade.state == UPGRADE_NONE || c->upgrade.state == UPGRADE_DONE)
        return;
    if (c->upgrade.state != UPGRADE_FAILING)
        fail(c, "this process is ending");
    end_process(c);
    if (c->upgrade.state == UPGRADE_FAILING)
        failed(c);
}

bool upgrade_hears_first(struct control *c)
{
    bool first = c->upgrade.state == UPGRADE_DONE && !c->upgrade.told;

    c->upgrade.told = true;
    return first;
}

void upgrade_end(struct control *c)
{
    struct control_upgrade *u = &c->upgrade;

    upgrade_give_up(c);
    loop_timer_stop(&u->deadline);
    stop_talking(u);
    if (u->launcher != NULL)
        event_free(u->launcher);
}
