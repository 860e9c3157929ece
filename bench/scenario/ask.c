/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to weir's admin socket and to the backend's control port; each waits for its answer. */
#include "bench/scenario/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/common/grow.h"
#include "bench/common/loop.h"
#include "bench/http/httpc.h"

enum { TIMEOUT_S = 2, ANSWER_MAX = 8 << 20 };

void admin_init(struct admin *a, const char *path)
{
    a->fd = -1;
    (void)snprintf(a->path, sizeof a->path, "%s", path);
}

void admin_close(struct admin *a)
{
    if (a->fd >= 0)
        (void)close(a->fd);
    a->fd = -1;
}

static int dial(const struct address *a)
{
    struct timeval tv = {TIMEOUT_S, 0};
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static bool write_all(int fd, struct slice s)
{
    while (s.len > 0) {
        ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        s = slice_from(s, (size_t)n);
    }
    return true;
}

static int dial_unix(const char *path)
{
    struct address address;
    char unix_path[128];

    (void)snprintf(unix_path, sizeof unix_path, "unix:%s", path);
    return address_parse(slice_str(unix_path), &address) == WEIR_OK ? dial(&address) : -1;
}

static bool admin_connect(struct admin *a)
{
    if (a->fd < 0)
        a->fd = dial_unix(a->path);
    return a->fd >= 0;
}

bool line_ask(const char *unix_path, const char *line, char *answer, size_t size)
{
    int fd = dial_unix(unix_path);
    ssize_t n = -1;

    if (fd < 0)
        return false;
    if (write_all(fd, slice_str(line)) && write_all(fd, SLICE_LIT("\r\n")))
        n = recv(fd, answer, size - 1, 0);
    answer[n < 0 ? 0 : n] = '\0';
    (void)close(fd);
    return n > 0;
}

/* An answer ends with an empty line. */
static bool is_whole(const struct grow *g)
{
    struct slice s = grow_slice(g);

    return slice_ends(s, SLICE_LIT("\n\n")) || slice_eq(s, SLICE_LIT("\n"));
}

static bool exchange(struct admin *a, const char *command, struct grow *answer)
{
    char bytes[16384];
    ssize_t n;

    if (!admin_connect(a) || !write_all(a->fd, slice_str(command)) ||
        !write_all(a->fd, SLICE_LIT("\n")))
        return false;
    while (!is_whole(answer) && answer->len < ANSWER_MAX) {
        n = recv(a->fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            return false;
        grow_put(answer, slice_of(bytes, (size_t)n));
    }
    return true;
}

/* False with a sentence in why; the answer is complete otherwise. */
static bool converse(struct admin *a, const char *command, struct grow *answer, char *why,
                     size_t why_size)
{
    if (!exchange(a, command, answer)) {
        /* weir may have been started anew since: once more on a new connection */
        admin_close(a);
        grow_clear(answer);
        if (!exchange(a, command, answer)) {
            admin_close(a);
            (void)snprintf(why, why_size, "nothing answers on %s", a->path);
            return false;
        }
    }
    if (!slice_starts(grow_slice(answer), SLICE_LIT("error: ")))
        return true;
    (void)snprintf(why, why_size, "%s: %.*s", command, (int)answer->len - 2, answer->p);
    return false;
}

json_t *admin_ask(struct admin *a, const char *command, char *why, size_t why_size)
{
    struct grow answer = {0};
    json_error_t error;
    json_t *j = NULL;

    if (converse(a, command, &answer, why, why_size)) {
        j = json_loadb(answer.p, answer.len, JSON_DISABLE_EOF_CHECK, &error);
        if (j == NULL)
            (void)snprintf(why, why_size, "%s: the answer is no JSON: %s", command, error.text);
    }
    grow_free(&answer);
    return j;
}

enum weir_status admin_read(struct admin *a, const char *command, struct grow *answer, char *why,
                            size_t why_size)
{
    return converse(a, command, answer, why, why_size) ? WEIR_OK : WEIR_REFUSED;
}

enum weir_status admin_tell(struct admin *a, const char *command, char *why, size_t why_size)
{
    struct grow answer = {0};
    enum weir_status rc = admin_read(a, command, &answer, why, why_size);

    grow_free(&answer);
    return rc;
}

/* A request of control_ask, on a loop of its own. */
struct asked {
    struct httpc_call call;
    struct event_base *loop;
    struct grow body;
    bool good;
};

static void on_head(struct httpc_call *call, const struct head *h)
{
    (void)call, (void)h;
}

static void on_body(struct httpc_call *call, struct slice piece)
{
    struct asked *a = LIST_OBJECT(call, struct asked, call);

    if (a->body.len < ANSWER_MAX)
        grow_put(&a->body, piece);
}

static void on_end(struct httpc_call *call, enum call_end how)
{
    struct asked *a = LIST_OBJECT(call, struct asked, call);

    a->good = how == CALL_DONE;
    (void)event_base_loopbreak(a->loop);
}

static const struct httpc_events control_events = {on_head, on_body, on_end};

/* Sends and waits for the answer, at most TIMEOUT_S. */
static json_t *ask_now(const struct target *t, struct slice request)
{
    struct asked a = {.loop = loop_new()};
    struct timeval most = {TIMEOUT_S, 0};
    struct httpc client;
    json_t *j = NULL;

    httpc_init(&client, a.loop, t, NULL);
    a.call.events = &control_events;
    a.call.request = request;
    (void)event_base_loopexit(a.loop, &most);
    httpc_send(&client, &a.call);
    (void)event_base_dispatch(a.loop);
    if (a.good)
        j = json_loadb(a.body.p, a.body.len, 0, NULL);
    httpc_fini(&client);
    event_base_free(a.loop);
    grow_free(&a.body);
    return j;
}

json_t *control_ask(const char *url, const char *path, const char *body)
{
    struct grow g = {0};
    struct target t;
    json_t *j;

    if (target_parse(url, &t) != WEIR_OK)
        return NULL;
    grow_printf(&g,
                "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                body == NULL ? "GET" : "POST", path, t.host, body == NULL ? 0 : strlen(body),
                body == NULL ? "" : body);
    j = ask_now(&t, grow_slice(&g));
    grow_free(&g);
    return j;
}

const json_t *json_at(const json_t *j, const char *path)
{
    struct slice rest = slice_str(path);
    char name[64];

    while (j != NULL && rest.len > 0) {
        struct slice part = next_part(&rest, '.');
        (void)snprintf(name, sizeof name, "%.*s", (int)part.len, part.p);
        j = json_is_array(j) ? json_array_get(j, (size_t)atoi(name)) : json_object_get(j, name);
    }
    return j;
}

const char *json_text_at(const json_t *j, const char *path)
{
    const char *s = json_string_value(json_at(j, path));

    return s == NULL ? "" : s;
}

double json_number_at(const json_t *j, const char *path)
{
    return json_number_value(json_at(j, path));
}
