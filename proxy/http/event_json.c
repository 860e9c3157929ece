/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of an event, of all dialects at once: which keys matter at which depth, and what their
 * values show.  What that means together is event.c's.
 */
#include "answer_priv.h"
#include "usage_priv.h"
#include "weir/base/assert.h"

enum leaf {
    LEAF_NONE,
    LEAF_CHOICES,
    LEAF_CHAT_CONTENT,
    LEAF_CANDIDATES,
    LEAF_GEMINI_CONTENT,
    LEAF_FINISH_REASON,
    LEAF_OLLAMA_CONTENT,
    LEAF_DONE,
    LEAF_TYPE,
    LEAF_DELTA,
    LEAF_DELTA_PART,
    LEAF_BLOCK_PART,
    LEAF_ERROR,
    LEAF_ERROR_MESSAGE,
    LEAF_ERROR_CODE,
    LEAF_ERROR_TYPE,
    LEAF_ERROR_STATUS,
    LEAF_NESTED_CODE,
    LEAF_NESTED_TYPE,
    LEAF_TGI_TYPE,
    LEAF_OBJECT,
    LEAF_CODE,
    LEAF_MESSAGE,
    LEAF_SEQUENCE,
    LEAF_JSONRPC,
    LEAF_USAGE, /* and as many as there are counts */
    LEAF_COUNT = LEAF_USAGE + USAGE_COUNT,
};

enum node {
    NODE_NONE,
    NODE_TOP,
    NODE_CHOICES,
    NODE_CHOICE,
    NODE_CHAT_DELTA,
    NODE_CHAT_ANY,
    NODE_LOGPROBS,
    NODE_CANDIDATES,
    NODE_CANDIDATE,
    NODE_CANDIDATE_CONTENT,
    NODE_PARTS,
    NODE_PART,
    NODE_FEEDBACK,
    NODE_OLLAMA_MESSAGE,
    NODE_OLLAMA_ANY,
    NODE_RESPONSE,
    NODE_NESTED_ERROR,
    NODE_DELTA,
    NODE_BLOCK,
    NODE_ERROR,
    NODE_USAGE,
};

/* The keys that matter, place by place (json_scan.h); those of most events first. */
#define TOP(X)                                                                                     \
    X("choices", .leaf = LEAF_CHOICES, .array = NODE_CHOICES)                                      \
    X("object", .leaf = LEAF_OBJECT, .text = true)                                                 \
    X("type", .leaf = LEAF_TYPE, .text = true)                                                     \
    X("delta", .leaf = LEAF_DELTA, .object = NODE_DELTA)                                           \
    X("content_block", .object = NODE_BLOCK)                                                       \
    X("sequence_number", .leaf = LEAF_SEQUENCE)                                                    \
    X("candidates", .leaf = LEAF_CANDIDATES, .array = NODE_CANDIDATES)                             \
    X("promptFeedback", .leaf = LEAF_CANDIDATES, .object = NODE_FEEDBACK)                          \
    X("usageMetadata", .leaf = LEAF_CANDIDATES)                                                    \
    X("message", .leaf = LEAF_MESSAGE, .object = NODE_OLLAMA_MESSAGE)                              \
    X("response", .leaf = LEAF_OLLAMA_CONTENT, .object = NODE_RESPONSE)                            \
    X("thinking", .leaf = LEAF_OLLAMA_CONTENT)                                                     \
    X("done", .leaf = LEAF_DONE)                                                                   \
    X("done_reason", .leaf = LEAF_FINISH_REASON)                                                   \
    X("error", .leaf = LEAF_ERROR, .object = NODE_ERROR, .text = true)                             \
    X("error_type", .leaf = LEAF_TGI_TYPE, .text = true)                                           \
    X("code", .leaf = LEAF_CODE, .text = true)                                                     \
    X("jsonrpc", .leaf = LEAF_JSONRPC)
#define CHOICE(X)                                                                                  \
    X("delta", .object = NODE_CHAT_DELTA)                                                          \
    X("message", .object = NODE_CHAT_DELTA)                                                        \
    X("text", .leaf = LEAF_CHAT_CONTENT)                                                           \
    X("finish_reason", .leaf = LEAF_FINISH_REASON)                                                 \
    X("logprobs", .object = NODE_LOGPROBS)
/* Tokens without text, as half of a character is one. */
#define LOGPROBS(X) X("content", .array = NODE_CHAT_ANY) X("tokens", .array = NODE_CHAT_ANY)
/* A value, or a list or object with something in it. */
#define CHAT_ANY .leaf = LEAF_CHAT_CONTENT, .object = NODE_CHAT_ANY, .array = NODE_CHAT_ANY
#define CHAT_DELTA(X)                                                                              \
    X("content", CHAT_ANY)                                                                         \
    X("reasoning_content", CHAT_ANY)                                                               \
    X("reasoning", CHAT_ANY)                                                                       \
    X("reasoning_details", CHAT_ANY)                                                               \
    X("reasoning_text", CHAT_ANY)                                                                  \
    X("thinking", CHAT_ANY)                                                                        \
    X("thinking_blocks", CHAT_ANY)                                                                 \
    X("tool_calls", CHAT_ANY)                                                                      \
    X("function_call", CHAT_ANY)                                                                   \
    X("refusal", CHAT_ANY)                                                                         \
    X("audio", CHAT_ANY)                                                                           \
    X("images", CHAT_ANY)                                                                          \
    X("image", CHAT_ANY)                                                                           \
    X("video", CHAT_ANY)                                                                           \
    X("annotations", CHAT_ANY)                                                                     \
    X("citations", CHAT_ANY)
#define CANDIDATE(X)                                                                               \
    X("content", .object = NODE_CANDIDATE_CONTENT)                                                 \
    X("finishReason", .leaf = LEAF_FINISH_REASON)
#define CANDIDATE_CONTENT(X) X("parts", .array = NODE_PARTS)
#define PART(X)              X("thought") X("thoughtSignature")
#define FEEDBACK(X)          X("blockReason", .leaf = LEAF_FINISH_REASON)
#define OLLAMA_MESSAGE(X)                                                                          \
    X("content", .leaf = LEAF_OLLAMA_CONTENT)                                                      \
    X("thinking", .leaf = LEAF_OLLAMA_CONTENT)                                                     \
    X("images", .array = NODE_OLLAMA_ANY)                                                          \
    X("tool_calls", .array = NODE_OLLAMA_ANY)
#define RESPONSE(X) X("error", .object = NODE_NESTED_ERROR)
#define NESTED_ERROR(X)                                                                            \
    X("code", .leaf = LEAF_NESTED_CODE, .text = true)                                              \
    X("type", .leaf = LEAF_NESTED_TYPE, .text = true)
#define DELTA(X) X("type") X("stop_reason", .leaf = LEAF_FINISH_REASON) X("stop_sequence")
#define BLOCK(X) X("type")
#define ERROR(X)                                                                                   \
    X("message", .leaf = LEAF_ERROR_MESSAGE, .text = true)                                         \
    X("code", .leaf = LEAF_ERROR_CODE, .text = true)                                               \
    X("type", .leaf = LEAF_ERROR_TYPE, .text = true)                                               \
    X("status", .leaf = LEAF_ERROR_STATUS, .text = true)

/* The same for a reader that wants to know as well what the answer took. */
#define USAGE_NODE    NODE_USAGE
#define USAGE_LEAF(c) (LEAF_USAGE + (c))
#define TOP_COUNTED(X)                                                                             \
    X("usageMetadata", .leaf = LEAF_CANDIDATES, .object = NODE_USAGE) TOP(X) USAGE_TOP(X)
#define MESSAGE_COUNTED(X)  OLLAMA_MESSAGE(X) USAGE_INSIDE(X)
#define RESPONSE_COUNTED(X) RESPONSE(X) USAGE_INSIDE(X)

static const struct json_rule top[] = {TOP(JSON_RULE_ROW)};
static const struct json_rule choice[] = {CHOICE(JSON_RULE_ROW)};
static const struct json_rule chat_delta[] = {CHAT_DELTA(JSON_RULE_ROW)};
static const struct json_rule candidate[] = {CANDIDATE(JSON_RULE_ROW)};
static const struct json_rule candidate_content[] = {CANDIDATE_CONTENT(JSON_RULE_ROW)};
static const struct json_rule part[] = {PART(JSON_RULE_ROW)};
static const struct json_rule feedback[] = {FEEDBACK(JSON_RULE_ROW)};
static const struct json_rule ollama_message[] = {OLLAMA_MESSAGE(JSON_RULE_ROW)};
static const struct json_rule response[] = {RESPONSE(JSON_RULE_ROW)};
static const struct json_rule nested_error[] = {NESTED_ERROR(JSON_RULE_ROW)};
static const struct json_rule logprobs[] = {LOGPROBS(JSON_RULE_ROW)};
static const struct json_rule block[] = {BLOCK(JSON_RULE_ROW)};
static const struct json_rule delta[] = {DELTA(JSON_RULE_ROW)};
static const struct json_rule error[] = {ERROR(JSON_RULE_ROW)};

static const struct json_rule top_counted[] = {TOP_COUNTED(JSON_RULE_ROW)};
static const struct json_rule message_counted[] = {MESSAGE_COUNTED(JSON_RULE_ROW)};
static const struct json_rule response_counted[] = {RESPONSE_COUNTED(JSON_RULE_ROW)};
static const struct json_rule usage[] = {USAGE_OF(JSON_RULE_ROW)};

/* The nodes that are the same in both. */
#define PLAIN_NODES                                                                                \
    [NODE_CHOICES] = {.list = true, .other = {.object = NODE_CHOICE}},                             \
    [NODE_CHOICE] = {JSON_RULES(choice, CHOICE)},                                                  \
    [NODE_CHAT_DELTA] = {JSON_RULES(chat_delta, CHAT_DELTA)},                                      \
    [NODE_CHAT_ANY] = {.list = true, .other = {CHAT_ANY}},                                         \
    [NODE_LOGPROBS] = {JSON_RULES(logprobs, LOGPROBS)},                                            \
    [NODE_CANDIDATES] = {.list = true, .other = {.object = NODE_CANDIDATE}},                       \
    [NODE_CANDIDATE] = {JSON_RULES(candidate, CANDIDATE)},                                         \
    [NODE_CANDIDATE_CONTENT] = {JSON_RULES(candidate_content, CANDIDATE_CONTENT)},                 \
    [NODE_PARTS] = {.list = true, .other = {.object = NODE_PART}},                                 \
    [NODE_PART] = {JSON_RULES(part, PART), .other = {.leaf = LEAF_GEMINI_CONTENT}},                \
    [NODE_FEEDBACK] = {JSON_RULES(feedback, FEEDBACK)},                                            \
    [NODE_OLLAMA_ANY] = {.list = true,                                                             \
                         .other = {.leaf = LEAF_OLLAMA_CONTENT, .object = NODE_OLLAMA_ANY}},       \
    [NODE_NESTED_ERROR] = {JSON_RULES(nested_error, NESTED_ERROR)},                                \
    [NODE_DELTA] = {JSON_RULES(delta, DELTA), .other = {.leaf = LEAF_DELTA_PART}},                 \
    [NODE_BLOCK] = {JSON_RULES(block, BLOCK), .other = {.leaf = LEAF_BLOCK_PART}},                 \
    [NODE_ERROR] = {JSON_RULES(error, ERROR)}

static const struct json_node nodes[] = {
    PLAIN_NODES,
    [NODE_TOP] = {JSON_RULES(top, TOP)},
    [NODE_OLLAMA_MESSAGE] = {JSON_RULES(ollama_message, OLLAMA_MESSAGE)},
    [NODE_RESPONSE] = {JSON_RULES(response, RESPONSE)},
};
static const struct json_node nodes_counted[] = {
    PLAIN_NODES,
    [NODE_TOP] = {JSON_RULES(top_counted, TOP_COUNTED)},
    [NODE_OLLAMA_MESSAGE] = {JSON_RULES(message_counted, MESSAGE_COUNTED)},
    [NODE_RESPONSE] = {JSON_RULES(response_counted, RESPONSE_COUNTED)},
    [NODE_USAGE] = {JSON_RULES(usage, USAGE_OF)},
};

/* Sources of an error's code, the most telling last. */
enum {
    RANK_TOP_TYPE = 1,
    RANK_TOP_CODE,
    RANK_TGI_TYPE,
    RANK_STATUS,
    RANK_TYPE,
    RANK_CODE_NAME,
    RANK_CODE_NUMBER,
};

static void code_take(struct answer *a, struct slice text, uint8_t rank)
{
    int status = error_code_status(text);

    if (status == 0 || rank < a->s.error_rank)
        return;
    a->s.error_code = (uint16_t)status;
    a->s.error_rank = rank;
}

static bool is_digit(struct slice text)
{
    return text.len > 0 && text.p[0] >= '0' && text.p[0] <= '9';
}

static void code_of_error(struct answer *a, struct slice text)
{
    code_take(a, text, is_digit(text) ? RANK_CODE_NUMBER : RANK_CODE_NAME);
}

static void type_take(struct answer *a, struct slice text)
{
    a->s.kind = (uint8_t)event_kind_of(text);
    if (a->s.kind == KIND_OTHER)
        code_take(a, text, RANK_TOP_TYPE);
}

static void top_code_take(struct answer *a, struct slice text)
{
    if (is_digit(text) && error_code_status(text) != 0)
        a->s.seen |= SEEN_ERROR_CODE;
    code_take(a, text, RANK_TOP_CODE);
}

static void sequence_take(struct answer *a, struct slice text)
{
    uint64_t n;

    if (parse_u64(text, UINT64_MAX, &n) == WEIR_OK)
        a->sequence = n;
}

/*
 * Leaves that set a bit: when there is something in the value, when it is a list or an object
 * (choices, candidates; parts of content that are objects), or whatever it is.
 */
static const struct {
    uint32_t said, opened, any;
} bits[LEAF_COUNT] = {
    [LEAF_CHOICES] = {.opened = SEEN_CHOICES},
    [LEAF_CHAT_CONTENT] = {.said = SEEN_CHAT_CONTENT},
    [LEAF_CANDIDATES] = {.opened = SEEN_CANDIDATES},
    [LEAF_GEMINI_CONTENT] = {.said = SEEN_GEMINI_CONTENT, .opened = SEEN_GEMINI_CONTENT},
    [LEAF_FINISH_REASON] = {.said = SEEN_FINISH_REASON},
    [LEAF_OLLAMA_CONTENT] = {.said = SEEN_OLLAMA_CONTENT},
    [LEAF_DONE] = {.said = SEEN_DONE_TRUE, .any = SEEN_DONE_KEY},
    [LEAF_DELTA] = {.said = SEEN_DELTA, .any = SEEN_DELTA_KEY},
    [LEAF_DELTA_PART] = {.said = SEEN_DELTA, .opened = SEEN_DELTA},
    [LEAF_ERROR] = {.said = SEEN_ERROR},
    [LEAF_BLOCK_PART] = {.said = SEEN_BLOCK},
    [LEAF_ERROR_MESSAGE] = {.said = SEEN_ERROR},
    [LEAF_ERROR_CODE] = {.said = SEEN_ERROR},
    [LEAF_ERROR_TYPE] = {.said = SEEN_ERROR},
    [LEAF_ERROR_STATUS] = {.said = SEEN_ERROR},
    [LEAF_MESSAGE] = {.said = SEEN_MESSAGE},
    [LEAF_JSONRPC] = {.any = SEEN_JSONRPC},
};

/* Servers fill the parts of an error that is none with words for nothing. */
static bool is_void(struct slice text)
{
    static const struct slice words[] = {{"none", 4}, {"null", 4}, {"nil", 3}, {"0", 1}};

    text = slice_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_eq_nocase(text, words[i]))
            return true;
    return text.len == 0;
}

/* Is there something in this value?  Of lists and objects their inside is asked. */
static bool says_something(enum leaf leaf, enum json_kind kind, struct slice text)
{
    switch (kind) {
    case JSON_KIND_STRING:
        return text.len > 0 && !((bits[leaf].said & SEEN_ERROR) != 0 && is_void(text));
    case JSON_KIND_NUMBER:
        return !slice_eq(text, SLICE_LIT("0"));
    case JSON_KIND_TRUE:
        return true;
    case JSON_KIND_FALSE:
    case JSON_KIND_NULL:
    case JSON_KIND_OBJECT:
    case JSON_KIND_ARRAY:
        return false;
    }
    WEIR_UNREACHABLE("json kind");
}

static void object_take(struct answer *a, struct slice text)
{
    if (slice_eq(text, SLICE_LIT("error")))
        a->s.seen |= SEEN_ERROR_OBJECT;
    else if (slice_eq(text, SLICE_LIT("chat.completion.chunk")) ||
             slice_eq(text, SLICE_LIT("text_completion")))
        a->s.seen |= SEEN_CHOICES;
}

static void text_take(struct answer *a, enum leaf leaf, struct slice text)
{
    switch ((int)leaf) {
    case LEAF_TYPE:
        type_take(a, text);
        break;
    case LEAF_CODE:
        top_code_take(a, text);
        break;
    case LEAF_ERROR_CODE:
    case LEAF_NESTED_CODE:
        code_of_error(a, text);
        break;
    case LEAF_ERROR_TYPE:
    case LEAF_NESTED_TYPE:
        code_take(a, text, RANK_TYPE);
        break;
    case LEAF_ERROR_STATUS:
        code_take(a, text, RANK_STATUS);
        break;
    case LEAF_TGI_TYPE:
        code_take(a, text, RANK_TGI_TYPE);
        break;
    case LEAF_OBJECT:
        object_take(a, text);
        break;
    case LEAF_SEQUENCE:
        sequence_take(a, text);
        break;
    default: /* what it holds does not matter */
        break;
    }
}

/* Content is known where it stands, before the event ends: a picture may be a megabyte long. */
static void content_notice(struct answer *a)
{
    uint32_t content = SEEN_CHAT_CONTENT | SEEN_GEMINI_CONTENT;

    if (a->s.form == FORM_NDJSON)
        content |= SEEN_OLLAMA_CONTENT;
    if ((a->s.seen & content) != 0 && (a->s.seen & SEEN_ERROR) == 0)
        a->content = true;
}

static void on_leaf(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct answer *a = arg;

    WEIR_ASSERT(leaf < LEAF_COUNT);
    a->s.seen |= bits[leaf].any;
    if (says_something((enum leaf)leaf, kind, text))
        a->s.seen |= bits[leaf].said;
    if (kind == JSON_KIND_OBJECT || kind == JSON_KIND_ARRAY)
        a->s.seen |= bits[leaf].opened;
    else if (kind == JSON_KIND_STRING || kind == JSON_KIND_NUMBER)
        text_take(a, (enum leaf)leaf, text);
    content_notice(a);
}

static void on_leaf_counted(void *arg, uint8_t leaf, enum json_kind kind, struct slice text)
{
    struct answer *a = arg;

    if (leaf < LEAF_USAGE)
        on_leaf(arg, leaf, kind, text);
    else
        usage_take(a->usage, (enum usage_count)(leaf - LEAF_USAGE), kind, text);
}

const struct json_schema event_schema = {.nodes = nodes, .on_leaf = on_leaf};
const struct json_schema event_schema_counted = {.nodes = nodes_counted,
                                                 .on_leaf = on_leaf_counted};
