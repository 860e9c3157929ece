/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_PAGES_REFUSAL_H
#define WEIR_PAGES_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buf.h"
#include "weir/base/slice.h"
#include "weir/base/status.h"
#include "weir/base/words.h"
#include "weir/http/answer.h"
#include "weir/http/head.h"

/*
 * Answers of weir's own: refusals, errors of the request, gateway errors, errors inside streams;
 * for people (HTML) and programs (JSON).  Everything comes from one table of causes
 * (docs/answers.md). No clock, no allocation beyond the caller's buf, no threads: immutable tables.
 */

enum answer_format {
    FORMAT_JSON,    /* the one body that serves every SDK */
    FORMAT_PROBLEM, /* the same with title, status, detail (RFC 9457) */
    FORMAT_HTML,
    FORMAT_GRPC, /* no body: grpc-status and its like in the head of a 200 */
};

/* What a request wants to read; made once when it arrives (answer_wish) and kept: small. */
struct answer_wish {
    enum answer_format format;
    bool anthropic; /* …/v1/messages or anthropic-version: 529 for overload */
    bool responses; /* …/v1/responses: in-stream errors carry a sequence_number */
    bool is_head;   /* HEAD: headers only */
    bool http10;
    bool retried;     /* X-Stainless-Retry-Count > 0 */
    uint8_t language; /* index into the table of languages */
    char origin[128]; /* Origin when CORS is configured and allows it, "" otherwise */
};

/*
 * force: ROUTE_PAGES_* as 0 auto, 1 html, 2 json.  path: target_path.  languages: those that are
 * offered (language_set).
 */
void answer_wish_init(struct answer_wish *w, const struct request_head *h, struct slice path,
                      int force, uint32_t languages);
/* Fills w->origin if the request has an Origin that the operator's list allows; "" otherwise. */
void answer_wish_origin(struct answer_wish *w, const struct request_head *h,
                        const char *const *origins, size_t n_origins);

/* A date as HTTP writes it: "Tue, 24 Nov 2026 07:50:04 GMT" (RFC 9110, 5.6.7). */
void http_date_put(struct text *t, uint64_t wall_ns);

struct refusal {
    enum cause cause;
    int status;                   /* 0: by the cause (and overload_status, dialect) */
    int overload_status;          /* 503 or 429, the pool's setting */
    const char *proxy_error;      /* RFC 9209 error type if more exact than the cause's, or NULL */
    const char *what;             /* further words for the message of a bad request, or NULL */
    uint32_t retry_after_ms;      /* 0 = no appointment, no header */
    bool no_retry;                /* x-should-retry: false */
    bool close;                   /* Connection: close */
    double share;                 /* 0..1 when recovering, <0 unknown */
    const char *incident;         /* the operator's text, or NULL */
    const char *request_id;       /* never NULL */
    const char *pool;             /* for templates, or NULL */
    uint64_t wall_ns;             /* for Date */
    const struct page_set *pages; /* the operator's own, or NULL; borrowed */
    const char *allow;            /* the methods for Allow on 405, or NULL for the usual ones */
    const char *status_path;      /* a link on pages, or NULL */
};

/* The status that it means; it is sent, but to gRPC, where every answer is a 200. */
int refusal_status(const struct refusal *r, const struct answer_wish *w);

/*
 * The same in two parts, for codecs that frame differently: header fields one by one (never
 * Connection, Content-Length; names in the usual letters, HTTP/2 wants them lower), then the body.
 */
typedef void refusal_field_fn(struct slice name, struct slice value, void *arg);
void refusal_fields(const struct refusal *r, const struct answer_wish *w, refusal_field_fn *fn,
                    void *arg);
enum weir_status refusal_body(const struct refusal *r, const struct answer_wish *w, struct buf *out,
                              size_t max) WEIR_MUST_CHECK;

/* The trailers that end an answer of gRPC which had begun, behind a whole message. */
void refusal_trailers(const struct refusal *r, refusal_field_fn *fn, void *arg);

/*
 * An error event inside a stream (docs/answers.md), without the framing.  `sequence` is the last
 * sequence_number that was seen (struct answer); the event carries the next one where the dialect
 * has them.  WEIR_BAD for FORM_BYTES, which has no events: break the framing instead.
 */
enum weir_status refusal_event(const struct refusal *r, const struct answer_wish *w,
                               enum answer_form form, uint64_t sequence, struct buf *out,
                               size_t max) WEIR_MUST_CHECK;

/*
 * A preflight's answer (204), whole.  origins as configured; the request must carry Origin.
 */
enum weir_status preflight_write(const struct request_head *h, const char *const *origins,
                                 size_t n_origins, const char *request_id, uint64_t wall_ns,
                                 struct buf *out, size_t max) WEIR_MUST_CHECK;
bool request_is_preflight(const struct request_head *h);
bool cors_allows(const char *const *origins, size_t n_origins, struct slice origin);

/*
 * Operators' own pages: *.html in a directory, per cause and pool and language (docs/answers.md),
 * read and checked at the start.  NULL and *why on diagnostics: the first of each file, with its
 * line.
 */
struct page_set;
struct page_set *page_set_load(const char *directory, const char *const *languages,
                               size_t n_languages, char *why, size_t why_room);
/* The name of a pool that a page is for and that is none of these; NULL: there is no such page. */
const char *page_set_strange_pool(const struct page_set *set, const char *const *pools, size_t n);
void page_set_destroy(struct page_set **p);

/* Public status page. */
struct status_facts {
    const char *state; /* "serving" | "shedding" | "recovering" | "down" | "draining" */
    uint64_t since_wall_ns;
    double share;           /* 0..1 */
    double expected_full_s; /* <0 = not known */
    const char *incident;   /* or NULL */
    uint64_t updated_wall_ns;
    struct {
        uint64_t at_wall_ns;
        const char *state; /* the public state it changed to */
    } history[8];          /* newest first */
    int n_history;
    const struct page_set *pages; /* the operator's own, or NULL; borrowed */
};
/* Bodies, ready to be sent to anybody (cached by the caller, made once a second at most). */
enum weir_status status_page_body(const struct status_facts *f, uint8_t language, struct buf *out,
                                  size_t max) WEIR_MUST_CHECK;
enum weir_status status_json_body(const struct status_facts *f, struct buf *out,
                                  size_t max) WEIR_MUST_CHECK;
/* The header fields that go with such a body, as refusal_fields. */
void status_fields(const struct answer_wish *w, const struct page_set *pages,
                   const char *request_id, uint64_t wall_ns, refusal_field_fn *fn, void *arg);
enum { LANGUAGES_MAX = 16 };
#define LANGUAGES_ALL UINT32_MAX
uint8_t language_count(void);
const char *language_tag(uint8_t language); /* "en" */
/*
 * Accept-Language with weights (RFC 9110, 12.5.4), among some languages (bits by index); the first
 * of them when nothing fits.
 */
uint8_t language_choose(struct slice accept_language, uint32_t among);
/* Tags as such a set; LANGUAGES_ALL for an empty list.  *unknown, if not NULL, is set to a tag that
 * is none of ours. */
uint32_t language_set(const char *const *names, size_t n, const char **unknown);

/* What happened, in a sentence without its full stop, as it is said where an answer had begun. */
const char *refusal_sentence(enum cause c);

#endif
