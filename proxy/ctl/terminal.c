/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal of `top`. */
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"
#include "weir/base/text.h"

/* A signal handler has no other way to reach these; one terminal, one thread. */
static struct {
    volatile sig_atomic_t interrupted;
    struct termios before;
} own;

static void on_signal(int number)
{
    if (number != SIGWINCH) /* that one only ends the waiting, so that the screen is drawn anew */
        own.interrupted = 1;
}

bool terminal_open(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: poll has to return */
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &own.before) != 0)
        return false;
    raw = own.before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return false;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        (void)sigaction(signals[i], &act, NULL);
    (void)fputs("\033[?1049h\033[?25l\033[?7l", stdout);
    return true;
}

void terminal_close(void)
{
    (void)fputs("\033[?7h\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &own.before);
}

bool terminal_interrupted(void)
{
    return own.interrupted != 0;
}

static void terminal_size(int *columns, int *lines)
{
    struct winsize w;

    *columns = 80;
    *lines = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0) {
        *columns = w.ws_col;
        *lines = w.ws_row;
    }
}

/* The first `columns` columns of a line: sequences of UTF-8 stay whole. */
static struct slice cut(struct slice line, int columns)
{
    size_t n = 0;

    for (int used = 0; n < line.len; used++) {
        size_t len = utf8_len(slice_from(line, n));
        if (used == columns)
            break;
        n += len == 0 ? 1 : len;
    }
    return slice_of(line.p, n);
}

static struct slice next_line(struct slice *text)
{
    const char *end = memchr(text->p, '\n', text->len);
    size_t n = end == NULL ? text->len : (size_t)(end - text->p);
    struct slice line = slice_of(text->p, n);

    *text = slice_from(*text, end == NULL ? n : n + 1);
    return line;
}

void terminal_show(struct slice text, int marked, bool colour)
{
    int columns, lines;

    terminal_size(&columns, &lines);
    (void)fputs("\033[H", stdout);
    for (int i = 0; i < lines && text.len > 0; i++) {
        struct slice line = cut(next_line(&text), columns);
        (void)fputs(i > 0 ? "\n" : "", stdout);
        if (i == marked)
            (void)printf("\033[7m%.*s\033[0m", (int)line.len, line.p);
        else
            paint(line, colour);
        (void)fputs("\033[K", stdout);
    }
    (void)fputs("\033[J", stdout);
    (void)fflush(stdout);
}

/* The rest of an escape sequence, which comes at once after its first byte. */
static int arrow(void)
{
    char seq[2]; /* no more: the next key may have come as well */
    ssize_t n = read(STDIN_FILENO, seq, sizeof seq);

    if (n == 2 && (seq[0] == '[' || seq[0] == 'O'))
        return seq[1] == 'A' ? KEY_UP : seq[1] == 'B' ? KEY_DOWN : KEY_NONE;
    return KEY_NONE;
}

int terminal_key(int wait_ms)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;

    if (poll(&p, 1, wait_ms) <= 0)
        return KEY_NONE;
    if (read(STDIN_FILENO, &c, 1) != 1) {
        own.interrupted = 1; /* the terminal has gone */
        return KEY_NONE;
    }
    if (c == '\033')
        return arrow();
    return (unsigned char)c;
}
