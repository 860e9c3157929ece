/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_ANSWER_H
#define WEIR_HTTP_ANSWER_H

#include "weir/base/buf.h"
#include "weir/http/dialect.h"
#include "weir/http/head.h"
#include "weir/http/json_scan.h"
#include "weir/http/usage.h"

/*
 * What a backend's streamed answer means: events, content, errors, the end marker, in the dialects
 * of docs/answers.md.  Incremental and without memory of its own: body bytes (after chunked) go in
 * in any split, facts come out; the bytes themselves are passed on untouched by the caller.
 */
enum answer_form {
    FORM_SSE,    /* text/event-stream (WHATWG HTML, 9.2) */
    FORM_NDJSON, /* a line is an event */
    FORM_BYTES,  /* binary event streams, encoded streams: any byte is content */
};

/* What an in-band error says, as its code or type would mean as a status (docs/answers.md). */
enum error_meaning {
    ERROR_NONE,
    ERROR_OVERLOADED, /* 503 529 overloaded_error ... : a refusal */
    ERROR_RATE_LIMIT, /* 429 rate_limit_error ...    : a refusal */
    ERROR_CLIENT,     /* its own other 4xx: neutral */
    ERROR_SERVER,     /* 5xx or unknown: a failure */
};

enum { ANSWER_VALUE_MAX = 48 };

struct answer {
    /* facts so far */
    enum dialect dialect;     /* as recognised */
    uint32_t events;          /* complete events that are not comments */
    uint32_t content_events;  /* of these, with content */
    bool content;             /* a content event was seen (known inside it, before its end) */
    bool finished;            /* the end marker of the dialect was seen */
    bool finish_reason;       /* the dialect's reason why it ended was seen */
    enum error_meaning error; /* the first in-band error */
    int error_status;         /* its status: 429 500 502 503 529 or its own 4xx/5xx */
    bool at_boundary;         /* nothing of an unfinished event was fed; true at the start */
    uint64_t sequence;        /* OpenAI responses: the last sequence_number, for our error frame */
    struct usage *usage;      /* the caller's; NULL: nobody wants to know what it took */

    /* the scanner's own; hands off */
    struct {
        enum answer_form form;
        uint32_t seen;       /* what this event has shown so far */
        uint16_t error_code; /* the status that its error's code or type means, 0 if none */
        uint8_t error_rank;  /* how much the source of error_code is to be believed */
        uint8_t line;        /* where in a line */
        uint8_t kind;        /* what the data's "type" says */
        uint8_t name_kind;   /* what the line `event:` says */
        uint8_t bom;         /* bytes of a byte order mark seen at the start of the stream */
        uint8_t mark;        /* bytes of "[DONE]" seen at the start of the data */
        uint8_t name_len;    /* of name */
        bool cr;             /* the byte before was a CR and ended a line */
        bool crlf;           /* lines of this stream end with CR LF */
        bool sure;           /* an event has told the dialect */
        char name[ANSWER_VALUE_MAX]; /* of a field, then of the event, while it comes in pieces */
        struct json_scan json;
    } s;
};

/*
 * Starts a scan.  `hint` is what the request's path says (…/chat/completions, …/responses,
 * …/v1/messages, …:streamGenerateContent, /api/chat); the events overrule it.
 */
void answer_init(struct answer *a, enum answer_form form, enum dialect hint);

/* Before the first byte: what the answer says that it took is wanted as well; it goes to *into. */
void answer_count_usage(struct answer *a, struct usage *into);

/* Feeds body bytes; updates the facts. */
void answer_feed(struct answer *a, struct slice bytes);

/*
 * The answer has ended as its framing wants: has it said so itself, in the words of its dialect?
 * Yes with the end marker.  Yes with a reason for the end, where the dialect has no marker
 * (Gemini), where `finish_reason_is_enough` (the backend never writes one), or where nothing was
 * said beside it (a filter, a limit).  An unknown dialect has no words for it: yes.
 */
bool answer_is_whole(const struct answer *a, bool finish_reason_is_enough);

/* Neither content nor a word about its end, in a known dialect: no answer at all. */
bool answer_is_empty(const struct answer *a);

/*
 * The JSON of the error that `events` (whole held bytes of a stream) holds, for a restated answer:
 * the data lines of the first event with an error, joined (bounded by max).  An error that lies
 * deeper, as in response.failed, is brought to the top: {"error":...}.  WEIR_NOT_FOUND if there is
 * none, or none in JSON.
 */
enum weir_status answer_error_json(enum answer_form form, struct slice events, struct buf *out,
                                   size_t max) WEIR_MUST_CHECK;

#endif
