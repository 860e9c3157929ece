/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_PAGES_PRIV_H
#define WEIR_PAGES_PRIV_H

#include "weir/base/text.h"
#include "weir/base/words.h"
#include "weir/pages/refusal.h"

/*
 * What the files of this layer share: the table of causes, cleaned strings, weighted lists.
 * Everything here is immutable or belongs to the caller; any thread.
 */

/* What a person is told: several causes are one page (texts.c). */
enum page_kind {
    PAGE_BUSY,
    PAGE_BROKEN,
    PAGE_RECOVERING,
    PAGE_LIMITED,
    PAGE_CLOSING,
    PAGE_FAILED,
    PAGE_SLOW,
    PAGE_UNREADABLE,
    PAGE_TOO_LARGE,
    PAGE_INCOMPLETE,
    PAGE_NOT_FOUND,
    PAGE_NOT_ALLOWED,
    PAGE_KIND_COUNT,
};

struct cause_row {
    int status;
    int anthropic;    /* status for Anthropic's dialect */
    int grpc;         /* grpc-status */
    bool load;        /* refused for load: the pool's overload_status stands for `status` */
    bool retry_helps; /* the same request may succeed later: an appointment is worth giving */
    const char *type; /* error.type */
    const char *proxy_error; /* RFC 9209, 2.3; NULL = none fits */
    enum page_kind page;
    const char *message;   /* a whole sentence without its full stop, for programs */
    const char *in_stream; /* the same when the answer had begun; NULL = message */
};

/* Never NULL: CAUSE_NONE has a row too. */
const struct cause_row *cause_row(enum cause c);

/* The appointment as it is sent: seconds 1..59 (0 = none), milliseconds consistent with them. */
struct appointment {
    unsigned seconds, ms;
};
struct appointment refusal_appointment(const struct refusal *r);

enum { CLEAN_ID_MAX = 129, CLEAN_TEXT_MAX = 1024, MESSAGE_MAX = 640 };

/* A request id as it may stand in a head: visible ASCII, at most 128; anything else becomes '_'. */
struct slice clean_id(const char *id, char out[CLEAN_ID_MAX]);
/* An operator's text on one line, cut between characters; SLICE_NONE for NULL and "". */
struct slice clean_text(const char *text, char out[CLEAN_TEXT_MAX]);

/* A range of Accept or Accept-Language with its weight (RFC 9110, 12.4.2); parameters dropped. */
struct weighted {
    struct slice item;
    int permille; /* 0..1000 */
};
/* Takes the next one from the front of *list; false at the end.  Malformed members are skipped. */
bool weighted_next(struct slice *list, struct weighted *out);

/* The sentence, the detail of a bad request, and the appointment in words. */
void refusal_message_put(const struct refusal *r, const char *sentence, struct text *t);

/* Where fields go; what writes them hands over one subject. */
struct field_sink {
    refusal_field_fn *fn;
    void *arg;
};
static inline void sink_put(const struct field_sink *to, struct slice name, struct slice value)
{
    to->fn(name, value, to->arg);
}
void put_proxy_status(const struct field_sink *to, const struct refusal *r);
/* grpc-status and what goes with it, of an answer that began or did not. */
void put_grpc(const struct field_sink *to, const struct refusal *r, bool began);

/* The universal error body (docs/answers.md), in the JSON format of the wish. */
enum weir_status error_json_append(const struct refusal *r, const struct answer_wish *w,
                                   struct buf *out, size_t max) WEIR_MUST_CHECK;

/*
 * The page for people: the operator's own where there is one and it fits, else the built-in one.
 */
enum weir_status page_append(const struct refusal *r, const struct answer_wish *w, struct buf *out,
                             size_t max) WEIR_MUST_CHECK;
/* Would this template of an operator's fit, with the longest values, in every language? */
bool page_fits(struct slice tpl, enum cause c);
bool status_page_fits(struct slice tpl);

/* The operator's template for a refusal, SLICE_NONE if none fits; for the status page. */
struct slice page_set_find(const struct page_set *set, enum cause cause, const char *pool,
                           uint8_t language);
struct slice page_set_status(const struct page_set *set, uint8_t language);

/* Content-Security-Policy of our own pages, or of the operators' (whose style we do not know). */
void page_policy_put(struct text *t, bool own);

enum {
    PAGE_MAX = 8191,      /* bytes of a built-in page at most, whatever it is filled with */
    OWN_PAGE_MAX = 32768, /* of an operator's */
    OWN_FILE_MAX = 16384, /* of its template */
    INCIDENT_HTML_MAX = 2400,
};

/* "2026-11-24 07:50 UTC" */
void minute_put(struct text *t, uint64_t wall_ns);
/* Access-Control-Allow-Origin and what goes with it, for an answer to a request with Origin. */
void cors_fields(const char *origin, refusal_field_fn *fn, void *arg);

#endif
