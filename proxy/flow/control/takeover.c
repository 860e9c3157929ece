/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The new process of a hot restart: gets sockets and state, and from then on hears which places at
 * the upstreams the old one needs and which it gives back.  Until its workers run it waits, with
 * deadlines, on the main thread.
 */
#include "control/takeover.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/handed_state.h"
#include "control/handover.h"
#include "weir/flow/launch.h"

enum { SOCKETS_WAIT_MS = 5000, GO_WAIT_MS = 10000 };

struct takeover {
    int fd, spool;
    struct inherited in;
    bool said; /* the old one knows how it went */
    struct control *c;
    struct event *event;
};

/* The pair was made by the launcher, whose child this is: nobody else may be the giver. */
static bool is_from_launcher(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof cred, type_len = sizeof(int);
    int type = 0;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_SEQPACKET &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == geteuid() &&
           cred.pid == getppid();
}

static int descriptor_from_environment(void)
{
    const char *text = getenv(LAUNCH_ENVIRONMENT);
    uint64_t fd;

    if (text == NULL || parse_u64(slice_str(text), INT32_MAX, &fd) != WEIR_OK ||
        !is_from_launcher((int)fd) || fcntl((int)fd, F_SETFD, FD_CLOEXEC) == -1)
        return -1;
    return (int)fd;
}

struct takeover *takeover_begin(void)
{
    int fd = descriptor_from_environment();
    struct takeover *t = NULL;

    (void)unsetenv(LAUNCH_ENVIRONMENT);
    if (fd == -1)
        return NULL;
    t = calloc(1, sizeof *t);
    if (t == NULL) {
        (void)close(fd);
        return NULL;
    }
    t->fd = fd;
    t->spool = -1;
    return t;
}

struct inherited *takeover_inherited(struct takeover *t)
{
    return t == NULL ? NULL : &t->in;
}

void takeover_fail(struct takeover *t, const char *why)
{
    struct handover_message m = handover_message(HANDOVER_FAILED);

    if (t == NULL || t->said)
        return;
    t->said = true;
    (void)snprintf(m.text, sizeof m.text, "%s", why);
    if (handover_send(t->fd, &m, NULL, 0) != WEIR_OK)
        log_warn("upgrade: the old process cannot be told why this one does not start");
}

void takeover_end(struct takeover **tp)
{
    struct takeover *t = *tp;

    *tp = NULL;
    if (t == NULL)
        return;
    if (t->event != NULL)
        event_free(t->event);
    inherited_free(&t->in);
    if (t->spool != -1)
        (void)close(t->spool);
    if (t->fd != -1)
        (void)close(t->fd);
    free(t);
}

/* --- before the workers run: waiting for the old one */

static bool receive(struct takeover *t, int wait_ms, struct handover_message *m,
                    int fds[HANDOVER_FDS_MAX], unsigned *n, char *why, size_t room)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    enum weir_status rc = WEIR_AGAIN;

    while (rc == WEIR_AGAIN) {
        int ready = poll(&p, 1, wait_ms);

        if (ready == 0 || (ready == -1 && errno != EINTR))
            break;
        rc = handover_receive(t->fd, m, fds, n);
    }
    if (rc == WEIR_OK)
        return true;
    (void)snprintf(why, room, "upgrade: the old process %s",
                   rc == WEIR_CLOSED  ? "has taken its offer back"
                   : rc == WEIR_AGAIN ? "does not answer"
                                      : "says what this version does not understand");
    return false;
}

static bool hello(struct takeover *t)
{
    struct handover_message m = handover_message(HANDOVER_HELLO);

    t->spool = memfd_create("weir-state", MFD_CLOEXEC);
    if (t->spool == -1)
        return false;
    (void)snprintf(m.text, sizeof m.text, "%s", WEIR_VERSION);
    return handover_send(t->fd, &m, &t->spool, 1) == WEIR_OK;
}

static bool take_socket(struct takeover *t, const struct handover_message *m, const int *fds,
                        unsigned n)
{
    bool ok = n > 0 && m->kind <= INHERITED_ADMIN_HTTP; /* one without sockets would have no end */

    for (unsigned i = 0; i < n; i++) {
        if (!ok)
            (void)close(fds[i]);
        else
            ok = inherited_add(&t->in, (enum inherited_kind)m->kind, m->text, m->index, fds[i]);
    }
    return ok;
}

bool takeover_sockets(struct takeover *t, char *why, size_t room)
{
    struct handover_message m;
    int fds[HANDOVER_FDS_MAX];
    unsigned n;

    if (t == NULL)
        return true;
    (void)snprintf(why, room, "upgrade: the sockets of the old process cannot be had: %s",
                   strerror(errno));
    if (!hello(t))
        return false;
    for (;;) {
        if (!receive(t, SOCKETS_WAIT_MS, &m, fds, &n, why, room))
            return false;
        if (m.what == HANDOVER_SOCKETS_END) {
            handover_close(fds, n);
            return true;
        }
        if (m.what == HANDOVER_SOCKET && take_socket(t, &m, fds, n))
            continue;
        if (m.what != HANDOVER_SOCKET)
            handover_close(fds, n);
        (void)snprintf(why, room,
                       "upgrade: the old process hands over what is no listening socket");
        return false;
    }
}

/* What nobody took is the old one's again: it accepts what waits there before it closes it. */
static bool say_ready(struct takeover *t)
{
    struct handover_message m = handover_message(HANDOVER_TAKEN);

    for (unsigned g = 0; g < UPGRADE_GROUPS; g++) {
        m.index = g;
        m.number = inherited_taken(&t->in, g);
        if (m.number > 0 && handover_send(t->fd, &m, NULL, 0) != WEIR_OK)
            return false;
    }
    m = handover_message(HANDOVER_READY);
    inherited_free(&t->in);
    return handover_send(t->fd, &m, NULL, 0) == WEIR_OK;
}

static char *read_spool(struct takeover *t, size_t n)
{
    char *mem = n > HANDED_STATE_MAX ? NULL : malloc(n + 1);
    size_t have = 0;

    while (mem != NULL && have < n) {
        ssize_t got = pread(t->spool, mem + have, n - have, (off_t)have);

        if (got <= 0)
            break;
        have += (size_t)got;
    }
    if (mem != NULL && have == n)
        return mem;
    free(mem);
    return NULL;
}

static void take_state(struct takeover *t, struct control *c, size_t n)
{
    char *mem = read_spool(t, n);
    const char *wrong = mem == NULL ? "cannot be read" : handed_state_read(c, slice_of(mem, n));

    if (wrong != NULL)
        log_warn("upgrade: what the old process knows is used in part only: it %s", wrong);
    free(mem);
    (void)close(t->spool);
    t->spool = -1;
}

bool takeover_switch(struct takeover *t, struct control *c, char *why, size_t room)
{
    struct handover_message m = {0};
    int fds[HANDOVER_FDS_MAX];
    unsigned n;

    if (t == NULL)
        return true;
    (void)snprintf(why, room, "upgrade: the old process does not listen");
    if (!say_ready(t) || !receive(t, GO_WAIT_MS, &m, fds, &n, why, room))
        return false;
    handover_close(fds, n);
    if (m.what != HANDOVER_GO) {
        (void)snprintf(why, room, "upgrade: the old process does not go on as it should");
        return false;
    }
    take_state(t, c, m.number);
    return true;
}

/* --- while the old one drains */

static void old_has_ended(struct takeover *t)
{
    handed_state_alone(t->c);
    event_free(t->event);
    t->event = NULL;
    (void)close(t->fd);
    t->fd = -1;
    log_info("upgrade: the old process has ended");
}

enum {
    LEND_AT_ONCE = 256, /* the old one asks again at its next tick */
    READ_AT_ONCE = 64,  /* messages, then other events have their turn */
};

/* Places for requests that wait over there. */
static void lend(struct takeover *t, uint32_t pool, uint32_t places)
{
    struct handover_message m = handover_message(HANDOVER_LEND);
    int upstream;

    for (uint32_t i = 0; i < places && i < LEND_AT_ONCE; i++) {
        upstream = handed_state_lend(t->c, pool);
        if (upstream < 0)
            return;
        m.index = (uint32_t)upstream;
        m.number = 1;
        if (handover_send(t->fd, &m, NULL, 0) != WEIR_OK) {
            handed_state_give(t->c, m.index, 1); /* it did not get there */
            return;
        }
    }
}

static void on_message(evutil_socket_t fd, short what, void *arg)
{
    struct takeover *t = arg;
    struct handover_message m;
    int fds[HANDOVER_FDS_MAX];
    unsigned n;
    enum weir_status rc = WEIR_OK;

    (void)what;
    (void)loop_refresh_now(t->c->loop);
    for (int i = 0; i < READ_AT_ONCE; i++) {
        rc = handover_receive(fd, &m, fds, &n);
        if (rc != WEIR_OK)
            break;
        handover_close(fds, n);
        if (m.what == HANDOVER_GIVE)
            handed_state_give(t->c, m.index, m.number);
        else if (m.what == HANDOVER_WANT)
            lend(t, m.index, m.number);
    }
    if (rc != WEIR_OK && rc != WEIR_AGAIN)
        old_has_ended(t);
}

bool takeover_started(struct takeover *t, struct control *c)
{
    struct handover_message m = handover_message(HANDOVER_STARTED);

    if (t == NULL)
        return true;
    t->c = c;
    t->event = event_new(loop_base(c->loop), t->fd, EV_READ | EV_PERSIST, on_message, t);
    if (t->event == NULL || event_add(t->event, NULL) != 0 ||
        handover_send(t->fd, &m, NULL, 0) != WEIR_OK)
        return false;
    t->said = true;
    control_say(c, "", "", "upgrade", "weir %s (pid %d) has taken over, and goes on from here",
                WEIR_VERSION, getpid());
    return true;
}
