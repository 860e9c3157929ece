/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `top`: asks for the status once a second and shows it; keys choose a line and give the three
 * commands that are wanted in a hurry, each after a question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "frame.h"
#include "terminal.h"

enum { PERIOD_MS = 1000, SCREEN_BYTES = 256 * 1024 };

static const struct key_row {
    int key;
    const char *name, *asks; /* the command is "NOUN NAME VERB" */
    const char *noun, *verb;
    bool upstreams_only;
} key_rows[] = {
    {'h', "hold", "Freeze the share of %s where it is, for 30 min?", "ramp", "hold", false},
    {'r', "resume", "Let the share of %s go on by the rules?", "ramp", "resume", false},
    {'d', "drain", "Take %s out (what runs there goes on)?", "upstream", "drain", true},
    {'u', "undrain", "Take %s in again, through the ramp?", "upstream", "undrain", true},
};

struct top {
    const struct ctl *c;
    struct link link;
    struct frame frame;
    json_t *status;
    char chosen[FRAME_NAME_MAX];
    const struct key_row *asked; /* a question is open */
    char note[256];              /* what became of the last command */
    char *screen;
};

/* Asks for the status; false when weir does not answer, with a sentence in why. */
static bool refresh(struct top *t, char *why, size_t room)
{
    struct buf answer = BUF_INIT;
    struct slice message;
    enum weir_status rc = link_answer(&t->link, SLICE_LIT("status --json\n"), &answer);
    json_t *status = NULL;

    if (answer_is_error(buf_slice(&answer), &message))
        (void)snprintf(why, room, "%.*s", (int)message.len, message.p);
    else if (rc != WEIR_OK)
        (void)snprintf(why, room, "%s: weir does not answer any more", t->link.path);
    else
        status = json_loadb(buf_slice(&answer).p, buf_slice(&answer).len, 0, NULL);
    buf_free(&answer);
    if (status == NULL)
        return false;
    json_decref(t->status);
    t->status = status;
    frame_take(&t->frame, status);
    return true;
}

/* The same over a new connection: the old one ends with its process when another takes over. */
static bool refresh_anew(struct top *t, char *why, size_t room)
{
    char unused[512];

    if (refresh(t, why, room))
        return true;
    link_close(&t->link);
    return link_open(&t->link, t->c->socket, unused, sizeof unused) && refresh(t, why, room);
}

static int chosen_row(const struct top *t)
{
    for (int i = 0; i < t->frame.n_rows; i++) {
        if (t->frame.rows[i].line >= 0 && strcmp(t->frame.rows[i].name, t->chosen) == 0)
            return i;
    }
    return -1;
}

/* The next row above or below, by the lines on the screen. */
static void choose(struct top *t, int step)
{
    int now = chosen_row(t), line = now < 0 ? -1 : t->frame.rows[now].line, best = -1;

    for (int i = 0; i < t->frame.n_rows; i++) {
        int at = t->frame.rows[i].line, old = best < 0 ? 0 : t->frame.rows[best].line;
        if (at < 0 || (step > 0 ? at <= line : at >= line))
            continue;
        if (best < 0 || (step > 0 ? at < old : at > old))
            best = i;
    }
    if (best >= 0)
        memcpy(t->chosen, t->frame.rows[best].name, sizeof t->chosen);
    t->asked = NULL;
}

static void show(struct top *t)
{
    struct text text;
    int row;

    text_init(&text, t->screen, SCREEN_BYTES);
    frame_write(&t->frame, t->status, true, &text);
    if (chosen_row(t) < 0)
        choose(t, 1);
    row = chosen_row(t);
    text_char(&text, '\n');
    if (t->asked != NULL) {
        text_printf(&text, t->asked->asks, t->chosen);
        text_str(&text, "  y: yes, any other key: no\n");
    } else {
        text_str(&text, "up/down choose   h hold   r resume   d drain   u undrain   q leave\n");
        text_str(&text, t->note);
    }
    terminal_show(text_slice(&text), row < 0 ? -1 : t->frame.rows[row].line, t->c->colour);
}

static void command(struct top *t, const struct key_row *k)
{
    char line[FRAME_NAME_MAX + 64];
    struct buf answer = BUF_INIT;
    struct slice s, message;

    (void)snprintf(line, sizeof line, "%s %s %s\n", k->noun, t->chosen, k->verb);
    if (link_answer(&t->link, slice_str(line), &answer) == WEIR_OK) {
        s = buf_slice(&answer);
        if (answer_is_error(s, &message))
            (void)snprintf(t->note, sizeof t->note, "refused: %.*s", (int)message.len, message.p);
        else
            (void)snprintf(t->note, sizeof t->note, "%.*s", (int)s.len, s.p);
    }
    buf_free(&answer);
}

static void ask(struct top *t, const struct key_row *k)
{
    int row = chosen_row(t);

    t->note[0] = '\0';
    if (row < 0)
        return;
    if (k->upstreams_only && !t->frame.rows[row].upstream)
        (void)snprintf(t->note, sizeof t->note, "%s takes an upstream: choose one first", k->name);
    else
        t->asked = k;
}

/* False: leave. */
static bool take_key(struct top *t, int key)
{
    const struct key_row *asked = t->asked;

    if (asked != NULL) {
        t->asked = NULL;
        if (key == 'y' || key == 'Y')
            command(t, asked);
        return true;
    }
    if (key == KEY_UP || key == 'k')
        choose(t, -1);
    else if (key == KEY_DOWN || key == 'j')
        choose(t, 1);
    for (size_t i = 0; i < sizeof key_rows / sizeof key_rows[0]; i++) {
        if (key == key_rows[i].key)
            ask(t, &key_rows[i]);
    }
    return key != 'q' && key != 'Q';
}

static enum ctl_exit live(struct top *t)
{
    char why[512] = "";
    bool stay = true;

    if (!terminal_open())
        return CTL_USAGE;
    while (stay && !terminal_interrupted()) {
        int key;
        show(t);
        key = terminal_key(PERIOD_MS);
        if (key != KEY_NONE)
            stay = take_key(t, key);
        else if (!refresh_anew(t, why, sizeof why))
            break;
    }
    terminal_close();
    if (stay && !terminal_interrupted()) {
        ctl_complain(t->c, "no_answer", "%s", why);
        return CTL_NO_ANSWER;
    }
    return CTL_DONE;
}

static enum ctl_exit once(struct top *t)
{
    struct text text;

    text_init(&text, t->screen, SCREEN_BYTES);
    frame_write(&t->frame, t->status, false, &text);
    paint(text_slice(&text), t->c->colour);
    return CTL_DONE;
}

static enum ctl_exit run(struct top *t)
{
    char why[1024];

    if (!link_open(&t->link, t->c->socket, why, sizeof why)) {
        ctl_complain(t->c, "no_answer", "%s", why);
        return CTL_NO_ANSWER;
    }
    if (!refresh(t, why, sizeof why)) {
        struct slice message = slice_str(why);
        return ctl_refused(t->c, message);
    }
    if (t->c->json) {
        json_dumpf(t->status, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        (void)putchar('\n');
        return CTL_DONE;
    }
    return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) ? live(t) : once(t);
}

enum ctl_exit ctl_top(const struct ctl *c)
{
    struct top *t = calloc(1, sizeof *t);
    enum ctl_exit code = CTL_REFUSED;

    if (t != NULL)
        t->screen = malloc(SCREEN_BYTES);
    if (t == NULL || t->screen == NULL) {
        ctl_complain(c, "refused", "there is no memory");
        goto out;
    }
    t->c = c;
    t->link.fd = -1;
    code = run(t);
    json_decref(t->status);
    link_close(&t->link);
out:
    if (t != NULL)
        free(t->screen);
    free(t);
    return code;
}
