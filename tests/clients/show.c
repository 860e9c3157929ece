/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one of weir's own answers to stdout, byte for byte as it would be sent, so that a browser
 * can be shown every page without bringing a service into every kind of trouble:
 *
 *     pages-show CAUSE LANGUAGE [MILLISECONDS [SHARE [INCIDENT]]]
 *     pages-show status:STATE LANGUAGE [MILLISECONDS [SHARE [INCIDENT]]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "weir/base/clock.h"
#include "weir/pages/refusal.h"

struct wanted {
    const char *what, *incident;
    uint8_t language;
    uint32_t retry_after_ms;
    double share;
};

static bool parse(struct wanted *w, int argc, char **argv)
{
    if (argc < 3 || argc > 6)
        return false;
    *w = (struct wanted){.what = argv[1],
                         .language = language_choose(slice_str(argv[2]), LANGUAGES_ALL),
                         .retry_after_ms = argc > 3 ? (uint32_t)atoi(argv[3]) : 7000,
                         .share = argc > 4 ? atof(argv[4]) : 0.4,
                         .incident = argc > 5 ? argv[5] : NULL};
    return true;
}

static void put_field(struct slice name, struct slice value, void *arg)
{
    struct text *t = arg;

    text_printf(t, "%.*s: %.*s\r\n", (int)name.len, name.p, (int)value.len, value.p);
}

/* Ends the head, for one answer on a connection, and writes it with the body. */
static enum weir_status put_answer(struct text *head, struct slice body, struct buf *out)
{
    text_printf(head, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.len);
    if (head->full || buf_append(out, text_slice(head), 1 << 16) != WEIR_OK)
        return WEIR_LIMIT;
    return buf_append(out, body, 1 << 16);
}

static enum weir_status show_status(const struct wanted *w, const char *state,
                                    const struct answer_wish *wish, struct buf *out)
{
    static const char *const past[] = {"recovering", "down", "shedding", "serving"};
    uint64_t now = wall_now_ns();
    struct status_facts f = {.state = state,
                             .since_wall_ns = now - 70 * NS_PER_S,
                             .share = w->share,
                             .expected_full_s = 40,
                             .incident = w->incident,
                             .updated_wall_ns = now,
                             .n_history = 4};
    struct buf body = BUF_INIT;
    enum weir_status rc;
    struct text head;
    char mem[4096];

    for (int i = 0; i < f.n_history; i++) {
        f.history[i].state = past[i];
        f.history[i].at_wall_ns = now - (uint64_t)(i * i * 300 + 70) * NS_PER_S;
    }
    rc = status_page_body(&f, w->language, &body, 1 << 16);
    text_init(&head, mem, sizeof mem);
    text_str(&head, "HTTP/1.1 200 OK\r\n");
    status_fields(wish, NULL, "shown", now, put_field, &head);
    if (rc == WEIR_OK)
        rc = put_answer(&head, buf_slice(&body), out);
    buf_free(&body);
    return rc;
}

static enum weir_status show_refusal(const struct wanted *w, const struct answer_wish *wish,
                                     struct buf *out)
{
    struct refusal r = {.retry_after_ms = w->retry_after_ms,
                        .close = true,
                        .share = w->share,
                        .incident = w->incident,
                        .request_id = "0b0f5c2e9d1a4c7e",
                        .wall_ns = wall_now_ns(),
                        .status_path = "/weir/status"};
    struct buf body = BUF_INIT;
    int c = CAUSE_NONE + 1;
    enum weir_status rc;
    struct text head;
    char mem[4096];

    while (c < CAUSE_COUNT && strcmp(cause_name((enum cause)c), w->what) != 0)
        c++;
    if (c == CAUSE_COUNT)
        return WEIR_NOT_FOUND;
    r.cause = (enum cause)c;
    text_init(&head, mem, sizeof mem);
    text_printf(&head, "HTTP/1.1 %d Refused\r\n", refusal_status(&r, wish));
    refusal_fields(&r, wish, put_field, &head);
    rc = refusal_body(&r, wish, &body, 1 << 16);
    if (rc == WEIR_OK)
        rc = put_answer(&head, buf_slice(&body), out);
    buf_free(&body);
    return rc;
}

int main(int argc, char **argv)
{
    static const char prefix[] = "status:";
    struct answer_wish wish = {.format = FORMAT_HTML};
    struct buf out = BUF_INIT;
    enum weir_status rc;
    struct wanted w;

    if (!parse(&w, argc, argv)) {
        fputs("usage: pages-show CAUSE|status:STATE LANGUAGE [MS [SHARE [INCIDENT]]]\n", stderr);
        return 2;
    }
    wish.language = w.language;
    rc = slice_starts(slice_str(w.what), slice_str(prefix))
             ? show_status(&w, w.what + strlen(prefix), &wish, &out)
             : show_refusal(&w, &wish, &out);
    if (rc != WEIR_OK) {
        fprintf(stderr, "pages-show: %s: %s\n", w.what, weir_status_text(rc));
        return 1;
    }
    fwrite(buf_slice(&out).p, 1, buf_slice(&out).len, stdout);
    buf_free(&out);
    return 0;
}
