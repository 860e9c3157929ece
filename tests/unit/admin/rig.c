/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/net/addr.h"

struct control control;
struct admin *admin;
char socket_path[100];

static char folder[64];
static char *answer;
static size_t answer_len;
static struct net_addr web_address;

/* A port nobody has: taken from the kernel and given back. */
static int free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&in, len), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    (void)close(fd);
    return ntohs(in.sin_port);
}

void rig_open(void)
{
    static char http[32];
    struct admin_listen l;
    char why[256];

    fake_control_init(&control);
    (void)snprintf(folder, sizeof folder, "/tmp/weir-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(socket_path, sizeof socket_path, "%s/admin.sock", folder);
    (void)snprintf(http, sizeof http, "127.0.0.1:%d", free_port());
    control.settings.admin.socket = socket_path;
    control.settings.admin.http = http;
    cr_assert_eq(net_addr_parse(slice_str(http), &web_address), WEIR_OK);
    cr_assert_eq(admin_bind(&control.settings, NULL, &l, why, sizeof why), WEIR_OK, "%s", why);
    log_set_level(LOG_LEVEL_ERROR);
    admin = admin_open(&control, &l);
    cr_assert_not_null(admin);
}

void rig_close(void)
{
    admin_close(&admin);
    loop_poll(control.loop);
    fake_control_fini(&control);
    free(answer);
    (void)rmdir(folder);
}

int dial(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)snprintf(sun.sun_path, sizeof sun.sun_path, "%s", socket_path);
    cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    return fd;
}

int dial_web(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, &web_address.u.sa, web_address.len), 0);
    return fd;
}

void say(int fd, const char *bytes)
{
    cr_assert_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

const char *hear(int fd, const char *end)
{
    enum { ROOM = 1 << 20 };

    free(answer);
    answer = calloc(1, ROOM);
    answer_len = 0;
    for (int i = 0; i < 2000; i++) {
        ssize_t n;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        loop_poll(control.loop);
        if (poll(&p, 1, 1) == 0)
            continue;
        n = recv(fd, answer + answer_len, ROOM - 1 - answer_len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno == ECONNRESET)) {
            cr_assert_null(end, "closed after: %s", answer);
            return answer;
        }
        answer_len += n > 0 ? (size_t)n : 0;
        answer[answer_len] = '\0';
        if (end != NULL && slice_ends(slice_of(answer, answer_len), slice_str(end)))
            return answer;
    }
    cr_assert_fail("no end of the answer: %s", answer);
    return NULL;
}
