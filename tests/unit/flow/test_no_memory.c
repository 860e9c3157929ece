/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation on the way of a request fails in turn: the first, the second, and so on until a
 * run needs no more of them.  Each time nothing breaks, nothing leaks, what the client gets is the
 * whole answer, an honest refusal or a visible cut, and the next request is served.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../failing_memory.h"
#include "whole.h"

FAILING(char *, strndup, (const char *s, size_t n), (s, n))
FAILING(void *, aligned_alloc, (size_t to, size_t n), (to, n))

static const char settings[] =
    "workers = 1; limits = { connections = 8; spool = \"0B\"; };\n"
    "listeners = ( { address = \"127.0.0.1:1\"; http2 = \"clear\"; } );\n"
    "pools = ( { name = \"p\"; retry = { budget = 1.0; };\n"
    "  upstreams = ( { name = \"a\"; url = \"http://127.0.0.1:1\"; },\n"
    "                { name = \"b\"; url = \"http://127.0.0.1:2\"; } ); } );\n";

#define CONTENT "39\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\r\n"
#define STREAM                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define ASK_STREAM                                                                                 \
    "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n"                  \
    "{\"model\":\"m\",\"stream\":true}"

/* A preface, SETTINGS, and a HEADERS frame that ends its stream: GET http://a/ */
static const char http2_ask[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0\0"
                                "\0\0\6\1\5\0\0\0\1"
                                "\x82\x84\x86\x41\1a";

/* What each side says, in turns: a request in two pieces, then answers, each in two pieces. */
struct scenario {
    const char *asked[2];
    const char *said[4];
    const char *whole; /* how the client's bytes end when all of it came */
    size_t asked_len;  /* of a request that is no text; 0 = up to its NUL */
};

static const struct scenario scenarios[] = {
    {{ASK_STREAM, ""},
     {STREAM, CONTENT CONTENT, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"},
     "0\r\n\r\n"},
    {{"GET /a HT", "TP/1.1\r\nHost: a\r\n\r\n"},
     {"HTTP/1.1 200 OK\r\nContent-Le", "ngth: 6\r\n\r\nhel", "lo~"},
     "hello~"},
    {{"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "lo\r\n0\r\n\r\n"},
     {"HTTP/1.1 204 No\r\n", "\r\n"},
     "\r\n\r\n"},
    {{"POST /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", "abcd"},
     {"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"},
     "{}"},
    {{"GET /d HTTP/1.1\r\nHost: a\r\nX-A: b\x01\r\n\r\n", ""}, {NULL}, "}"},
    {{http2_ask, ""},
     {"HTTP/1.1 200 OK\r\nContent-Le", "ngth: 6\r\n\r\nhel", "lo~"},
     "lo~",
     sizeof http2_ask - 1},
};

struct play {
    struct whole k;
    int client, peers[8];
    char got[65536];
    size_t n;
};

static void run(struct play *p)
{
    armed = true;
    whole_run(&p->k);
    armed = false;
}

static void say_bytes(int fd, const char *bytes, size_t n)
{
    if (fd >= 0 && n > 0)
        (void)!send(fd, bytes, n, MSG_NOSIGNAL);
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, text == NULL ? 0 : strlen(text));
}

static void hear(struct play *p)
{
    ssize_t n;

    while ((n = recv(p->client, p->got + p->n, sizeof p->got - 1 - p->n, 0)) > 0)
        p->n += (size_t)n;
    p->got[p->n] = '\0';
}

/* Whoever has been connected to answers; a second attempt finds its answer, too. */
static void accept_all(struct play *p)
{
    for (int i = 0; i < WHOLE_UPSTREAMS; i++) {
        for (int j = 0; j < 8; j++) {
            if (p->peers[j] < 0)
                p->peers[j] = accept4(p->k.listening[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        }
    }
}

static void answer(struct play *p, const struct scenario *s)
{
    for (int i = 0; i < 4 && s->said[i] != NULL; i++) {
        accept_all(p);
        for (int j = 0; j < 8; j++)
            say(p->peers[j], s->said[i]);
        run(p);
    }
}

static void part(struct play *p)
{
    (void)close(p->client);
    for (int j = 0; j < 8; j++) {
        if (p->peers[j] >= 0)
            (void)close(p->peers[j]);
        p->peers[j] = -1;
    }
    run(p);
}

static void play_once(struct play *p, const struct scenario *s)
{
    p->n = 0;
    p->client = whole_connect(&p->k.listener);
    cr_assert_geq(p->client, 0);
    for (int i = 0; i < 2; i++) {
        run(p);
        if (i == 0 && s->asked_len > 0)
            say_bytes(p->client, s->asked[i], s->asked_len);
        else
            say(p->client, s->asked[i]);
    }
    run(p);
    answer(p, s);
    run(p);
    hear(p);
    part(p);
}

static bool ends_with(const struct play *p, const char *end)
{
    size_t n = strlen(end);

    return p->n >= n && memcmp(p->got + p->n - n, end, n) == 0;
}

/* Nothing; a refusal of weir's own; or what was said, whole or with an end that can be seen. */
static void judge(const struct play *p, const struct scenario *s)
{
    bool own = strstr(p->got, "Proxy-Status: weir") != NULL;

    if (p->n == 0 || own || ends_with(p, s->whole))
        return;
    cr_assert(strstr(p->got, "0\r\n\r\n") == NULL && strstr(p->got, "hello~") == NULL,
              "allocation %zu: %s", fail_at, p->got);
}

/* Returns whether an allocation was there to fail. */
static bool play_failing(const struct scenario *s, size_t nth)
{
    static struct play p;
    bool failed;

    p = (struct play){.client = -1};
    for (int j = 0; j < 8; j++)
        p.peers[j] = -1;
    whole_make(&p.k, settings);
    made = 0;
    fail_at = nth;
    play_once(&p, s);
    judge(&p, s);
    failed = made >= nth;
    fail_at = SIZE_MAX;
    play_once(&p, &scenarios[1]);
    cr_assert(ends_with(&p, "hello~"), "after allocation %zu: %s", nth, p.got);
    whole_end(&p.k);
    return failed;
}

static void each_fails(const struct scenario *s)
{
    size_t n = 1;

    log_set_level(LOG_LEVEL_ERROR);
    while (play_failing(s, n)) {
        n++;
        cr_assert_lt(n, 2000);
    }
    cr_assert_gt(n, 3, "nothing has failed: the test proves nothing");
}

Test(no_memory, a_stream)
{
    each_fails(&scenarios[0]);
}

Test(no_memory, a_counted_answer)
{
    each_fails(&scenarios[1]);
}

Test(no_memory, a_chunked_body)
{
    each_fails(&scenarios[2]);
}

Test(no_memory, a_refusal_that_is_tried_elsewhere)
{
    each_fails(&scenarios[3]);
}

Test(no_memory, a_bad_request)
{
    each_fails(&scenarios[4]);
}

Test(no_memory, a_request_of_http_2)
{
    each_fails(&scenarios[5]);
}
