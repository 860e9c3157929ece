/* SPDX-License-Identifier: Apache-2.0 */
/* What an event means: its dialect, content, an error, the end (docs/http.md has the table). */
#include "answer_priv.h"

/* What the kind of an event shows. */
static const uint32_t kind_bits[KIND_COUNT] = {
    [KIND_ANTHROPIC] = SEEN_ANTHROPIC,
    [KIND_ANTHROPIC_DELTA] = SEEN_ANTHROPIC | SEEN_PIECE,
    [KIND_ANTHROPIC_STOP] = SEEN_ANTHROPIC | SEEN_STOP,
    [KIND_RESPONSE] = SEEN_RESPONSES,
    [KIND_RESPONSE_DELTA] = SEEN_RESPONSES | SEEN_PIECE,
    [KIND_RESPONSE_ITEM] = SEEN_RESPONSES | SEEN_ITEM,
    [KIND_RESPONSE_END] = SEEN_RESPONSES | SEEN_STOP,
    [KIND_RESPONSE_FAILED] = SEEN_RESPONSES | SEEN_FAILED,
};

static bool is_kind(const struct answer *a, enum event_kind kind)
{
    return a->s.kind == kind || a->s.name_kind == kind;
}

/*
 * All that the event has shown.  The type in the data says what an event is; where there is none,
 * its name does.  A delta with nothing in it is no piece; Ollama's keys mean something in its form
 * only.
 */
static uint32_t shown(const struct answer *a)
{
    uint32_t bits = a->s.seen;

    bits |= kind_bits[a->s.kind != KIND_NONE ? a->s.kind : a->s.name_kind];
    if ((bits & SEEN_DELTA_KEY) != 0 && (bits & SEEN_DELTA) == 0)
        bits &= ~(uint32_t)SEEN_PIECE;
    if (a->s.form != FORM_NDJSON)
        bits &= ~(uint32_t)(SEEN_DONE_KEY | SEEN_DONE_TRUE | SEEN_OLLAMA_CONTENT);
    return bits;
}

static bool seen(const struct answer *a, uint32_t bits)
{
    return (a->s.seen & bits) != 0;
}

/* A bare {"code":503,"message":...}, without any of the forms that a good answer has. */
static bool is_bare_error(const struct answer *a)
{
    return seen(a, SEEN_ERROR_CODE) && seen(a, SEEN_MESSAGE) &&
           !seen(a, SEEN_CHOICES | SEEN_CANDIDATES | SEEN_DONE_KEY);
}

static bool event_is_error(const struct answer *a)
{
    if (seen(a, SEEN_JSONRPC))
        return false;
    return seen(a, SEEN_ERROR | SEEN_ERROR_OBJECT) || is_kind(a, KIND_ERROR) ||
           is_kind(a, KIND_RESPONSE_FAILED) || is_bare_error(a);
}

static void error_settle(struct answer *a)
{
    int status = a->s.error_code == 0 ? 502 : a->s.error_code;

    if (status == 429) {
        a->error = ERROR_RATE_LIMIT;
    } else if (status == 503 || status == 529) {
        a->error = ERROR_OVERLOADED;
        status = dialect_overload_status(a->dialect);
    } else {
        a->error = status < 500 ? ERROR_CLIENT : ERROR_SERVER;
    }
    a->error_status = status;
}

/* The end marker of its dialect, or of the one that the event tells. */
static bool event_is_end(const struct answer *a)
{
    uint32_t bits = shown(a);
    enum dialect d = a->dialect;

    if ((bits & SEEN_ENDS) == 0)
        return false;
    (void)dialect_told(bits, &d);
    return (bits & dialect_row(d)->end) != 0;
}

bool event_settle_marks(struct answer *a)
{
    if (event_is_error(a)) {
        if (a->error == ERROR_NONE)
            error_settle(a);
        return true;
    }
    if (event_is_end(a))
        a->finished = true;
    if (seen(a, SEEN_FINISH_REASON))
        a->finish_reason = true;
    return false;
}

/*
 * As long as no event has confirmed what the path promised, one that is of no known form is taken
 * for what it is: the path was wrong, and whatever comes is content.
 */
static bool event_is_content(struct answer *a)
{
    uint32_t bits = shown(a);

    if (dialect_told(bits, &a->dialect))
        a->s.sure = true;
    else if ((bits & SEEN_MARK) != 0 || is_kind(a, KIND_PING))
        return false;
    else if (!a->s.sure && (bits & SEEN_BYTES) != 0)
        a->dialect = DIALECT_UNKNOWN;
    return (bits & dialect_row(a->dialect)->content) != 0;
}

void event_settle(struct answer *a)
{
    if (!seen(a, SEEN_NAME | SEEN_DATA))
        return;
    a->events++;
    if (event_settle_marks(a) || !event_is_content(a))
        return;
    a->content = true;
    a->content_events++;
}

bool answer_is_whole(const struct answer *a, bool finish_reason_is_enough)
{
    bool enough = finish_reason_is_enough || !a->content || dialect_row(a->dialect)->finish_is_end;

    return a->finished || a->dialect == DIALECT_UNKNOWN || (a->finish_reason && enough);
}

bool answer_is_empty(const struct answer *a)
{
    return !a->content && !a->finished && !a->finish_reason && a->dialect != DIALECT_UNKNOWN;
}
