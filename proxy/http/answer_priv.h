/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_ANSWER_PRIV_H
#define WEIR_HTTP_ANSWER_PRIV_H

#include "weir/http/answer.h"

/* What one event has shown so far (answer.s.seen). */
enum {
    SEEN_FIELD = 1 << 0, /* any line that is not a comment */
    SEEN_NAME = 1 << 1,  /* event: */
    SEEN_DATA = 1 << 2,  /* data:, perhaps empty */
    SEEN_BYTES = 1 << 3, /* data that is not empty */
    SEEN_MARK = 1 << 4,  /* data that begins with [DONE] */
    /* from its JSON */
    SEEN_CHOICES = 1 << 5, /* or an "object" that is of OpenAI's chunks */
    SEEN_CHAT_CONTENT = 1 << 6,
    SEEN_CANDIDATES = 1 << 7, /* or promptFeedback, usageMetadata */
    SEEN_GEMINI_CONTENT = 1 << 8,
    SEEN_FINISH_REASON = 1 << 9,
    SEEN_OLLAMA_CONTENT = 1 << 10,
    SEEN_DONE_KEY = 1 << 11,
    SEEN_DONE_TRUE = 1 << 12,
    SEEN_DELTA_KEY = 1 << 13,
    SEEN_DELTA = 1 << 14,        /* and there is something in it */
    SEEN_ERROR = 1 << 15,        /* "error" that says something */
    SEEN_ERROR_OBJECT = 1 << 16, /* "object":"error" */
    SEEN_ERROR_CODE = 1 << 17,   /* "code" of 400-599 outside of an error */
    SEEN_MESSAGE = 1 << 18,      /* "message" that is a string */
    SEEN_JSONRPC = 1 << 19,      /* its errors are the application's own */
    SEEN_BLOCK = 1 << 20,        /* "content_block" with something beside its type */
    /* from its kind */
    SEEN_RESPONSES = 1 << 21,
    SEEN_ANTHROPIC = 1 << 22,
    SEEN_PIECE = 1 << 23, /* a delta */
    SEEN_ITEM = 1 << 24,  /* a whole piece that may come without deltas */
    SEEN_STOP = 1 << 25,  /* an event that ends the answer */
    SEEN_FAILED = 1 << 26,
    SEEN_ENDS = SEEN_MARK | SEEN_STOP | SEEN_DONE_TRUE, /* the end markers of all dialects */
};

/* Where a path ends, and what that says. */
struct dialect_path {
    struct slice end;
    enum path_streams streams;
};

/* What there is to know of a dialect.  Bits are SEEN_ bits of one event; one of them is enough. */
enum { DIALECT_PATHS = 4 };
struct dialect_row {
    struct dialect_path paths[DIALECT_PATHS];
    uint32_t told;      /* the event is of this dialect */
    uint32_t content;   /* it has content */
    uint32_t end;       /* it is the end marker */
    bool finish_is_end; /* a reason for the end and a clean end of framing are the end */
    enum stream_error error;
    int overload_status;
};
const struct dialect_row *dialect_row(enum dialect d);
/* Which dialect an event with these bits is of; false: it does not tell. */
bool dialect_told(uint32_t seen, enum dialect *d);

/* What the type of an event, or its name, says.  KIND_NONE: there is none. */
enum event_kind {
    KIND_NONE,
    KIND_OTHER,
    KIND_ERROR,
    KIND_PING,
    KIND_ANTHROPIC, /* of that dialect, nothing more */
    KIND_ANTHROPIC_DELTA,
    KIND_ANTHROPIC_STOP,
    KIND_RESPONSE, /* of OpenAI responses, nothing more */
    KIND_RESPONSE_DELTA,
    KIND_RESPONSE_ITEM,
    KIND_RESPONSE_END,
    KIND_RESPONSE_FAILED,
};
enum { KIND_COUNT = KIND_RESPONSE_FAILED + 1 };
enum event_kind event_kind_of(struct slice type);

/* The JSON of all dialects as one schema; its leaves become SEEN_ bits of the answer given as arg.
 */
extern const struct json_schema event_schema;
/* The same, and what the answer took (a->usage). */
extern const struct json_schema event_schema_counted;

/* The status that an error's code, type or status means, 400-599; 0 if it means nothing to us. */
int error_code_status(struct slice code);

/* Takes what the data, as far as it has come, says for certain: an error, an end marker. */
bool event_settle_marks(struct answer *a); /* true: it is an error */
/* The event is complete: the rest, and counts. */
void event_settle(struct answer *a);

/* Forgets the event that was. */
void event_begin(struct answer *a);

/* Bytes of the data of an event, without the line ends between its lines but for the one they mean.
 */
void data_feed(struct answer *a, struct slice bytes);

/* As answer_feed_event, of bytes that are not empty. */
size_t sse_feed(struct answer *a, struct slice in, bool *ended);
/* The line that begins here means nothing. */
void sse_spoil_line(struct answer *a);

/*
 * Feeds one event and no more: returns the bytes taken; up to the end of an event (an empty line, a
 * line of NDJSON), or all.  *ended says which.
 */
size_t answer_feed_event(struct answer *a, struct slice bytes, bool *ended);

#endif
