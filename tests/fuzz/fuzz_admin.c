/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a stranger on the admin socket: the connection, the words, the rows and every handler
 * run as they do in the daemon, control alone is a fake.  Whatever comes in, however it is cut,
 * what goes out is text with an empty line behind each answer, JSON where it looks like JSON, and
 * the connection ends when the client has ended.  The first byte chooses who asks and what control
 * says.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/admin/fake_control.h"
#include "fuzz.h"
#include "socket/socket_priv.h"
#include "weir/base/log.h"

enum { ROUNDS_MAX = 10000, HEARD_MAX = 8 * 1024 * 1024 };

static struct control control;
static struct admin *admin;
static struct buf heard;
static int peer;

/* A listening socket that nobody connects to: clients are made from socket pairs. */
static void start(void)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    struct admin_listen l = {.http_fd = -1};

    fake_control_init(&control);
    (void)snprintf(control.record.id, sizeof control.record.id, "req-1");
    (void)snprintf(control.live[0].id, sizeof control.live[0].id, "live-1");
    control.live[1].pool = control.live[1].upstream = -1;
    control.n_live = 2;
    l.socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    WEIR_ASSERT(l.socket_fd >= 0);
    WEIR_ASSERT(bind(l.socket_fd, (struct sockaddr *)&any, sizeof any.sun_family) == 0);
    WEIR_ASSERT(listen(l.socket_fd, 1) == 0);
    admin = admin_open(&control, &l);
    WEIR_ASSERT(admin != NULL);
}

static void set_up(unsigned char how)
{
    int fds[2];

    if (admin == NULL)
        start();
    control.refuse = how & 2 ? "it is not ramping" : NULL;
    control.n_diagnostics = how & 4 ? 2 : 0;
    control.diagnostics[0] = "unknown key \"x\"";
    control.diagnostics[1] = "a second one";
    control.n_events = 0;
    buf_consume(&heard, heard.len);
    WEIR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    peer = fds[0];
    client_create(admin->socket, fds[1], how & 1 ? 12345 : 0);
}

/* False: weir has closed. */
static bool hear(void)
{
    char *at;
    size_t room;
    ssize_t n;

    do {
        WEIR_ASSERT(buf_reserve(&heard, 1, HEARD_MAX, &at, &room) == WEIR_OK);
        n = recv(peer, at, room, 0);
        if (n > 0)
            buf_commit(&heard, (size_t)n);
    } while (n > 0);
    return n < 0 && errno == EAGAIN;
}

/* One turn of the control thread, and of what it waits for. */
static bool turn(void)
{
    log_set_level(LOG_LEVEL_ERROR); /* a line may have asked for more */
    loop_poll(control.loop);
    if (control.on_sessions != NULL) {
        void (*fn)(const struct live_request *, size_t, void *) = control.on_sessions;
        control.on_sessions = NULL;
        fn(control.live, control.n_live, control.on_sessions_arg);
    }
    if (control.n_events < 3 && heard.len % 7 == 3)
        fake_event(&control, "chat/a: closed -> open", BREAKER_CLOSED, BREAKER_OPEN);
    return hear();
}

static void talk(struct slice in)
{
    uint32_t seed = fuzz_seed(in);
    bool open = true;
    int rounds = 0;

    while (open && in.len > 0) {
        struct slice piece = fuzz_piece(&in, &seed);
        while (open && piece.len > 0) {
            ssize_t n = send(peer, piece.p, piece.len, MSG_NOSIGNAL);
            piece = slice_from(piece, n > 0 ? (size_t)n : 0);
            open = turn() && ++rounds < ROUNDS_MAX;
        }
    }
    (void)shutdown(peer, SHUT_WR);
    while (open) {
        open = turn();
        WEIR_ASSERT(++rounds < 2 * ROUNDS_MAX);
    }
    loop_poll(control.loop); /* frees what was deferred */
}

/* A line that begins so is a whole document. */
static void check_json(struct slice line)
{
    struct slice s = line;
    json_error_t error;
    json_t *j;

    if (slice_starts(s, SLICE_LIT("error: {")))
        s = slice_from(s, 7);
    if (!slice_starts(s, SLICE_LIT("{")) && !slice_starts(s, SLICE_LIT("[{")))
        return;
    j = json_loadb(s.p, s.len, 0, &error);
    WEIR_ASSERT(j != NULL);
    json_decref(j);
}

static void check(struct slice out, bool watched)
{
    for (size_t i = 0; i < out.len; i++)
        WEIR_ASSERT((unsigned char)out.p[i] >= 0x20 || out.p[i] == '\n' || out.p[i] == '\t');
    WEIR_ASSERT(out.len == 0 || watched || slice_ends(out, SLICE_LIT("\n\n")));
    while (out.len > 0) {
        const char *end = memchr(out.p, '\n', out.len);
        size_t n = end == NULL ? out.len : (size_t)(end - out.p);
        check_json(slice_of(out.p, n));
        out = slice_from(out, end == NULL ? n : n + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of((const char *)data, size);

    if (size == 0)
        return 0;
    set_up(data[0]);
    in = slice_from(in, 1);
    talk(in);
    check(buf_slice(&heard), memmem(in.p, in.len, "watch", 5) != NULL);
    (void)close(peer);
    return 0;
}
