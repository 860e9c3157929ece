/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "rig.h"
#include "virtual_time.h"
#include "weir/base/clock.h"

#define POST(fields) "POST /v1/chat/completions HTTP/1.1\r\nHost: chat.test\r\n" fields "\r\n"
#define STREAM_HEAD                                                                                \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define ERROR(code) "data: {\"error\":{\"message\":\"no\",\"code\":" code "}}\n\n"

struct word {
    const char *word;
    void (*plays)(const struct word *w);
    const char *text, *body;
    int number;
};

/* --- the client */

static void ask(const struct word *w)
{
    rig_ask(w->text, w->body, strlen(w->body));
}

static void ask_partly(const struct word *w)
{
    rig_ask(w->text, w->body, (size_t)w->number);
}

static void body(const struct word *w)
{
    rig_body(w->body);
}

static void body_end(const struct word *w)
{
    body(w);
    rig_body_end();
}

static void body_bad(const struct word *w)
{
    exchange_body_bad(rig_client()->x, w->number, CAUSE_BAD_REQUEST, "test");
}

static void leave(struct fake_client *c)
{
    struct exchange *x = c->x;

    c->x = NULL;
    exchange_client_gone(x);
}

static void gone(const struct word *w)
{
    (void)w;
    leave(rig_client());
}

static void first_gone(const struct word *w)
{
    (void)w;
    leave(&rig.clients[0]);
}

/* The place that the first gives back goes to one that leaves before it hears of it. */
static void all_gone(const struct word *w)
{
    first_gone(w);
    gone(w);
}

static void reads_on(const struct word *w)
{
    rig_client()->backlog = (size_t)w->number;
    if (w->number == 0)
        exchange_resume(rig_client()->x);
}

/* --- the upstream */

static void answer(const struct word *w)
{
    rig_answer(w->text, w->number != 0);
}

static void data(const struct word *w)
{
    rig_data(w->text);
}

static void end(const struct word *w)
{
    rig_end((enum upstream_end)w->number);
}

static void connected(const struct word *w)
{
    struct uplink *u = &rig_upstream()->uplink;

    u->open = true;
    u->events->connected(u->owner, (uint64_t)w->number * NS_PER_MS);
}

/* As upstream/h1: a connection that could not be made is not given back. */
static void connect_failed(const struct word *w)
{
    struct uplink *u = &rig_upstream()->uplink;
    void *owner = u->owner;

    u->owner = NULL;
    u->events->connect_failed(owner, (enum weir_status)w->number, w->text);
}

static void room(const struct word *w)
{
    struct uplink *u = &rig_upstream()->uplink;

    (void)w;
    rig.takes = SIZE_MAX;
    u->events->room(u->owner);
}

/* --- how upstreams are */

static void reused(const struct word *w)
{
    rig.reused = w->number != 0;
}
static void taken_up(const struct word *w)
{
    rig.taken_up = w->number != 0;
}
static void slow(const struct word *w)
{
    rig.slow = w->number != 0;
}
static void status(const struct word *w)
{
    rig.is = (enum weir_status)w->number;
}
static void takes(const struct word *w)
{
    rig.takes = (size_t)w->number;
}

/* --- weir itself */

static void quits(const struct word *w)
{
    (void)w;
    rig.w->quitting = true;
    exchanges_blame_the_end(rig.w);
}

static void abandons(const struct word *w)
{
    (void)w;
    exchanges_abandon(rig.w);
}

static void addresses(const struct word *w)
{
    (void)w;
    rig.is = WEIR_OK;
    exchange_addresses_known(rig.w, rig_upstream()->slot);
}

/* What has waited too long is refused, as by control's tick. */
static void expires(const struct word *w)
{
    (void)w;
    gate_expire(rig_gate(), loop_now_ns(rig.w->loop));
}

#define BODY "{\"stream\":true}"

static const struct word words[] = {
    {"ask", ask, POST("Content-Length: 15\r\n"), BODY, 0},
    {"ask-unary", ask, POST("Content-Length: 2\r\n"), "{}", 0},
    {"ask-half", ask_partly, POST("Content-Length: 15\r\n"), BODY, 7},
    {"ask-chunked", ask_partly, POST("Transfer-Encoding: chunked\r\n"), BODY, 7},
    {"ask-continue", ask_partly, POST("Content-Length: 15\r\nExpect: 100-continue\r\n"), BODY, 0},
    {"get", ask, "GET /v1/models HTTP/1.1\r\nHost: chat.test\r\n\r\n", "", 0},
    {"head", ask, "HEAD /v1/models HTTP/1.1\r\nHost: chat.test\r\n\r\n", "", 0},
    {"upgrade", ask,
     "GET /ws HTTP/1.1\r\nHost: chat.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
     "", 0},
    {"rest", body_end, NULL, "m\":true}", 0},
    {"whole", body_end, NULL, BODY, 0},
    {"more", body, NULL, "abc", 0},
    {"says-hello", body, NULL, "\x81\x85maskHello", 0},
    {"says-half", body, NULL, "\x81\x85ma", 0},
    {"says-bye", body, NULL, "\x88\x80mask", 0},
    {"bad-body", body_bad, NULL, NULL, 400},
    {"late-body", body_bad, NULL, NULL, 408},
    {"gone", gone, NULL, NULL, 0},
    {"first-gone", first_gone, NULL, NULL, 0},
    {"all-gone", all_gone, NULL, NULL, 0},
    {"reads-nothing", reads_on, NULL, NULL, 1 << 20},
    {"reads", reads_on, NULL, NULL, 0},

    {"stream", answer, STREAM_HEAD, NULL, 0},
    {"gzip-stream", answer,
     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     NULL, 0},
    {"binary-stream", answer,
     "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     NULL, 0},
    {"stream-to-close", answer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", NULL,
     0},
    {"200", answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", NULL, 0},
    {"200-of-head", answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", NULL, 1},
    {"101", answer,
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", NULL,
     0},
    {"204", answer, "HTTP/1.1 204 No Content\r\n\r\n", NULL, 0},
    {"404", answer, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n", NULL, 0},
    {"429", answer,
     "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nx-request-id: theirs\r\n"
     "Content-Length: 2\r\n\r\n",
     NULL, 0},
    {"500", answer, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n", NULL, 0},
    {"501", answer, "HTTP/1.1 501 Not Implemented\r\nContent-Length: 2\r\n\r\n", NULL, 0},
    {"503", answer, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n", NULL, 0},
    {"{}", data, "{}", NULL, 0},
    {"content", data, CONTENT, NULL, 0},
    {"role", data, "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n",
     NULL, 0},
    {"comment", data, ": alive\n\n", NULL, 0},
    {"half-event", data, "data: {\"cho", NULL, 0},
    {"finish", data,
     "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", NULL, 0},
    {"done", data, "data: [DONE]\n\n", NULL, 0},
    {"error-500", data, ERROR("500"), NULL, 0},
    {"error-503", data, ERROR("503"), NULL, 0},
    {"error-429", data, ERROR("429"), NULL, 0},
    {"error-400", data, ERROR("400"), NULL, 0},
    {"bytes", data, "\x1f\x8b\x08", NULL, 0},
    {"hello", data, "\x81\x05Hello", NULL, 0},
    {"half-frame", data, "\x81\x05Hel", NULL, 0},
    {"bye", data, "\x88\x02\x03\xe8", NULL, 0},
    {"clean", end, NULL, NULL, END_CLEAN},
    {"reset", end, NULL, NULL, END_RESET},
    {"short", end, NULL, NULL, END_SHORT},
    {"malformed", end, NULL, NULL, END_BAD},
    {"lacking", end, NULL, NULL, END_LACKING},
    {"connected", connected, NULL, NULL, 7},
    {"refused", connect_failed, "refused", NULL, WEIR_REFUSED},
    {"tls-failed", connect_failed, "certificate has expired", NULL, WEIR_TLS},
    {"timed-out", connect_failed, "no connection in time", NULL, WEIR_TIMEOUT},
    {"no-descriptor", connect_failed, "too many open files", NULL, WEIR_LIMIT},
    {"room", room, NULL, NULL, 0},

    {"reused:", reused, NULL, NULL, 1},
    {"new:", reused, NULL, NULL, 0},
    {"untouched:", taken_up, NULL, NULL, 0},
    {"slow:", slow, NULL, NULL, 1},
    {"quick:", slow, NULL, NULL, 0},
    {"nameless:", status, NULL, NULL, WEIR_DNS},
    {"unresolved:", status, NULL, NULL, WEIR_AGAIN},
    {"takes-nothing:", takes, NULL, NULL, 0},

    {"addresses", addresses, NULL, NULL, 0},
    {"expires", expires, NULL, NULL, 0},
    {"quits", quits, NULL, NULL, 0},
    {"abandons", abandons, NULL, NULL, 0},
};

static void play_word(const char *word)
{
    char *unit;
    unsigned long n = strtoul(word[0] == '?' ? word + 1 : word, &unit, 10);

    if (word[0] == '?') {
        cr_assert_eq(rig_client()->status, (int)n, "%s: it is %d", word, rig_client()->status);
        return;
    }
    if (unit != word && strcmp(unit, "s") == 0) {
        virtual_time_pass(rig.w->loop, n * NS_PER_S);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, word) == 0) {
            words[i].plays(&words[i]);
            loop_poll(rig.w->loop);
            return;
        }
    }
    cr_assert_fail("no such word: %s", word);
}

void script_play(const char *text)
{
    char copy[512], *rest = copy, *word;

    cr_assert_lt(strlen(text), sizeof copy);
    strcpy(copy, text);
    while ((word = strsep(&rest, " ")) != NULL) {
        if (word[0] != '\0')
            play_word(word);
    }
}
