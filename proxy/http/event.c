/* SPDX-License-Identifier: Apache-2.0 */
/* What an event means: its dialect, content, an error, the end (docs/http.md has the table). */
#include "answer_priv.h"
#include "weir/base/assert.h"

static bool seen(const struct answer *a, uint32_t bits)
{
    return (a->s.seen & bits) != 0;
}

static bool is_kind(const struct answer *a, enum event_kind kind)
{
    return a->s.kind == kind || a->s.name_kind == kind;
}

/* The type in the data says what an event is; where there is none, its name does. */
static enum event_kind kind_of(const struct answer *a)
{
    return a->s.kind != KIND_NONE ? a->s.kind : a->s.name_kind;
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
        status = a->dialect == DIALECT_ANTHROPIC ? 529 : 503;
    } else {
        a->error = status < 500 ? ERROR_CLIENT : ERROR_SERVER;
    }
    a->error_status = status;
}

static bool event_is_end(const struct answer *a)
{
    return seen(a, SEEN_MARK) || is_kind(a, KIND_ANTHROPIC_STOP) || is_kind(a, KIND_RESPONSE_END) ||
           (a->s.form == FORM_NDJSON && seen(a, SEEN_DONE_TRUE));
}

void event_settle_marks(struct answer *a)
{
    if (event_is_error(a)) {
        if (a->error == ERROR_NONE)
            error_settle(a);
        return;
    }
    if (event_is_end(a))
        a->finished = true;
    if (seen(a, SEEN_FINISH_REASON))
        a->finish_reason = true;
}

/* Does this event tell its dialect? */
static bool dialect_told(const struct answer *a, enum dialect *d)
{
    switch (kind_of(a)) {
    case KIND_ANTHROPIC:
    case KIND_ANTHROPIC_DELTA:
    case KIND_ANTHROPIC_STOP:
        *d = DIALECT_ANTHROPIC;
        return true;
    case KIND_RESPONSE:
    case KIND_RESPONSE_DELTA:
    case KIND_RESPONSE_END:
    case KIND_RESPONSE_FAILED:
        *d = DIALECT_OPENAI_RESPONSES;
        return true;
    case KIND_NONE:
    case KIND_OTHER:
    case KIND_ERROR:
    case KIND_PING:
        break;
    }
    if (seen(a, SEEN_CHOICES))
        *d = DIALECT_OPENAI_CHAT;
    else if (seen(a, SEEN_CANDIDATES))
        *d = DIALECT_GEMINI;
    else if (a->s.form == FORM_NDJSON && seen(a, SEEN_DONE_KEY))
        *d = DIALECT_OLLAMA;
    else
        return false;
    return true;
}

static bool has_content(const struct answer *a)
{
    bool delta = seen(a, SEEN_DELTA) || !seen(a, SEEN_DELTA_KEY);

    switch (a->dialect) {
    case DIALECT_OPENAI_CHAT:
        return seen(a, SEEN_CHAT_CONTENT);
    case DIALECT_OPENAI_RESPONSES:
        return delta && kind_of(a) == KIND_RESPONSE_DELTA;
    case DIALECT_ANTHROPIC:
        return delta && kind_of(a) == KIND_ANTHROPIC_DELTA;
    case DIALECT_GEMINI:
        return seen(a, SEEN_GEMINI_CONTENT);
    case DIALECT_OLLAMA:
        return seen(a, SEEN_OLLAMA_CONTENT);
    case DIALECT_UNKNOWN:
        return seen(a, SEEN_BYTES);
    }
    WEIR_UNREACHABLE("dialect");
}

/*
 * As long as no event has confirmed what the path promised, one that is of no known form is taken
 * for what it is: the path was wrong, and whatever comes is content.
 */
static bool event_is_content(struct answer *a)
{
    enum dialect told;

    if (dialect_told(a, &told)) {
        a->dialect = told;
        a->s.sure = true;
    } else if (seen(a, SEEN_MARK) || is_kind(a, KIND_PING)) {
        return false;
    } else if (!a->s.sure && seen(a, SEEN_BYTES)) {
        a->dialect = DIALECT_UNKNOWN;
    }
    return has_content(a);
}

void event_settle(struct answer *a)
{
    if (!seen(a, SEEN_NAME | SEEN_DATA))
        return;
    a->events++;
    event_settle_marks(a);
    if (event_is_error(a) || !event_is_content(a))
        return;
    a->content = true;
    a->content_events++;
}
