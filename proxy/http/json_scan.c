/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON seen in passing.  The common case is that a string ends in the bytes at hand and has no
 * escapes: it is compared where it lies.  Otherwise it is collected in the struct, byte by byte.
 */
#include "weir/http/json_scan.h"

#include "find_priv.h"
#include "weir/base/text.h"

enum state {
    START,   /* before the outermost brace */
    BETWEEN, /* outside of strings */
    PASS,    /* inside a string of no interest */
    FIRST,   /* before the first byte of a string that is asked only whether it is empty */
    COLLECT, /* inside a key or a string wanted whole */
    SCALAR,  /* inside a number or a word that is wanted */
    END,     /* the outermost object is closed, or the text is not an object */
    NO_OBJECT,
};

/* Bytes outside of strings; everything else is part of a number or a word. */
enum { WORD, BLANK, COMMA, COLON, QUOTE, OPEN, CLOSE };
static const uint8_t classes[256] = {
    [' '] = BLANK, ['\t'] = BLANK, ['\n'] = BLANK, ['\r'] = BLANK, [','] = COMMA, [':'] = COLON,
    ['"'] = QUOTE, ['{'] = OPEN,   ['['] = OPEN,   ['}'] = CLOSE,  [']'] = CLOSE,
};

/* One feed.  The functions below take where they are in it, and return how far they came. */
struct feed {
    const struct json_schema *schema;
    void *arg;
    const char *end;
};

void json_scan_init(struct json_scan *j)
{
    j->rule = NULL;
    j->depth = 0;
    j->state = START;
    j->node = 0;
    j->at = NULL;
    j->escape = 0;
    j->high = 0;
    j->text_len = 0;
    j->colon = false;
}

bool json_scan_done(const struct json_scan *j)
{
    return j->state == END;
}

static void node_enter(struct json_scan *j, const struct feed *f, uint8_t node)
{
    j->node = node;
    j->at = node == 0 ? NULL : &f->schema->nodes[node];
}

/* The rule for the value that begins here, or NULL; from now on no value is expected. */
static const struct json_rule *rule_take(struct json_scan *j)
{
    const struct json_rule *rule = j->colon ? j->rule : NULL;

    if (j->at != NULL && j->at->list)
        rule = &j->at->other;
    j->rule = NULL;
    j->colon = false;
    return rule;
}

static void report(const struct feed *f, const struct json_rule *rule, enum json_kind kind,
                   struct slice text)
{
    if (rule != NULL && rule->leaf != 0)
        f->schema->on_leaf(f->arg, rule->leaf, kind, text);
}

static const struct json_rule *rule_find(const struct json_node *node, struct slice key)
{
    if (key.len == 0 || (node->keys >> JSON_KEY_HASH(key.len, key.p[0]) & 1) == 0)
        return &node->other;
    for (const struct json_rule *r = node->rules; r < node->rules + node->n_rules; r++)
        if (r->len == key.len && r->first == (unsigned char)key.p[0] &&
            memcmp(r->key, key.p, key.len) == 0)
            return r;
    return &node->other;
}

/* A collected string is complete: a value if a rule waits for it, else a key. */
static void string_end(struct json_scan *j, const struct feed *f, struct slice text)
{
    j->state = BETWEEN;
    if (j->rule == NULL) {
        j->rule = rule_find(j->at, text);
    } else {
        report(f, j->rule, JSON_KIND_STRING, text);
        j->rule = NULL;
    }
}

static void byte_add(struct json_scan *j, unsigned c)
{
    if (j->text_len < JSON_TEXT_MAX)
        j->text[j->text_len++] = (char)c;
}

/* So that an escaped character is the same as one that is not. */
static void character_add(struct json_scan *j, unsigned c)
{
    char bytes[4];
    size_t n = utf8_put(bytes, c);

    for (size_t i = 0; i < n; i++)
        byte_add(j, (unsigned char)bytes[i]);
}

enum { HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, SURROGATES_END = 0xe000, REPLACEMENT = 0xfffd };

/* A high surrogate whose low one does not follow. */
static void lone_high_end(struct json_scan *j)
{
    if (j->high == 0)
        return;
    j->high = 0;
    character_add(j, REPLACEMENT);
}

static void text_add(struct json_scan *j, unsigned c)
{
    lone_high_end(j);
    byte_add(j, c);
}

/* A UTF-16 code unit of an escape (RFC 8259, 7). */
static void unit_add(struct json_scan *j, unsigned unit)
{
    if (j->high != 0 && unit >= LOW_FIRST && unit < SURROGATES_END) {
        unsigned high = j->high;

        j->high = 0;
        character_add(j, 0x10000 + ((high - HIGH_FIRST) << 10) + (unit - LOW_FIRST));
        return;
    }
    lone_high_end(j);
    if (unit >= HIGH_FIRST && unit < LOW_FIRST)
        j->high = (uint16_t)unit;
    else
        character_add(j, unit >= LOW_FIRST && unit < SURROGATES_END ? REPLACEMENT : unit);
}

static unsigned simple_escape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    default:
        return (unsigned char)c; /* quote, backslash, slash; and what is no escape, as it is */
    }
}

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') & 15 : (unsigned)((c | 32) - 'a' + 10) & 15;
}

static void escape_step(struct json_scan *j, char c)
{
    if (j->escape == 1 && c == 'u') {
        j->escape = 5;
        j->unit = 0;
    } else if (j->escape == 1) {
        text_add(j, simple_escape(c));
        j->escape = 0;
    } else {
        j->unit = (uint16_t)(j->unit << 4 | hex_value(c));
        if (--j->escape == 1) {
            unit_add(j, j->unit);
            j->escape = 0;
        }
    }
}

static const char *collect(struct json_scan *j, const struct feed *f, const char *p)
{
    while (p < f->end) {
        char c = *p++;

        if (j->escape != 0) {
            escape_step(j, c);
        } else if (c == '\\') {
            j->escape = 1;
        } else if (c == '"') {
            lone_high_end(j);
            string_end(j, f, slice_of(j->text, j->text_len));
            return p;
        } else {
            text_add(j, (unsigned char)c);
        }
    }
    return p;
}

static const char *pass(struct json_scan *j, const struct feed *f, const char *p)
{
    if (j->escape != 0) {
        j->escape = 0;
        p++;
    }
    while ((p = find_either(p, f->end, '"', '\\')) < f->end) {
        if (*p == '"') {
            j->state = BETWEEN;
            return p + 1;
        }
        if (f->end - p == 1) {
            j->escape = 1;
            return f->end;
        }
        p += 2;
    }
    return p;
}

/* Whether the string is empty is known by its first byte, and reported then. */
static const char *first_byte(struct json_scan *j, const struct feed *f, const char *p)
{
    bool empty;

    j->state = FIRST;
    if (p == f->end)
        return p;
    empty = *p == '"';
    report(f, j->rule, JSON_KIND_STRING, slice_of(p, empty ? 0 : 1));
    j->rule = NULL;
    j->state = PASS;
    return pass(j, f, p);
}

/* Cut as one that was collected would be, so that splits make no difference. */
static struct slice text_here(const char *from, const char *to)
{
    size_t n = (size_t)(to - from);

    return slice_of(from, n < JSON_TEXT_MAX ? n : JSON_TEXT_MAX);
}

static const char *wanted_string(struct json_scan *j, const struct feed *f, const char *p)
{
    const char *q = find_either(p, f->end, '"', '\\');

    if (q < f->end && *q == '"') {
        string_end(j, f, text_here(p, q));
        return q + 1;
    }
    j->text_len = 0;
    j->state = COLLECT;
    return collect(j, f, p);
}

/* Behind an opening quote. */
static const char *string_begin(struct json_scan *j, const struct feed *f, const char *p)
{
    bool key = !j->colon && j->at != NULL && !j->at->list;

    j->rule = rule_take(j);
    if (key)
        return wanted_string(j, f, p);
    if (j->rule == NULL || j->rule->leaf == 0) {
        j->rule = NULL;
        j->state = PASS;
        return pass(j, f, p);
    }
    return j->rule->text ? wanted_string(j, f, p) : first_byte(j, f, p);
}

static void container_open(struct json_scan *j, const struct feed *f, const char *brace)
{
    const struct json_rule *rule = rule_take(j);
    bool object = *brace == '{';
    uint8_t inside = 0;

    if (rule != NULL) {
        inside = object ? rule->object : rule->array;
        report(f, rule, object ? JSON_KIND_OBJECT : JSON_KIND_ARRAY, slice_of(brace, 1));
    }
    /* Deeper than outer[] reaches there are no nodes: schemas are shallower. */
    if (j->depth < JSON_NODES_DEEP)
        j->outer[j->depth] = j->node;
    else
        inside = 0;
    if (j->depth < UINT32_MAX)
        j->depth++;
    node_enter(j, f, inside);
}

static void container_close(struct json_scan *j, const struct feed *f)
{
    j->rule = NULL;
    j->colon = false;
    j->depth--;
    node_enter(j, f, j->depth < JSON_NODES_DEEP ? j->outer[j->depth] : 0);
    if (j->depth == 0)
        j->state = END;
}

static void scalar_report(struct json_scan *j, const struct feed *f, struct slice text)
{
    const struct json_rule *rule = j->rule;
    char first = text.len > 0 ? text.p[0] : '\0';

    j->rule = NULL;
    j->state = BETWEEN;
    if (first == '-' || (first >= '0' && first <= '9'))
        report(f, rule, JSON_KIND_NUMBER, text);
    else if (first == 'n' && slice_eq(text, SLICE_LIT("null")))
        report(f, rule, JSON_KIND_NULL, text);
    else if (first == 't' && slice_eq(text, SLICE_LIT("true")))
        report(f, rule, JSON_KIND_TRUE, text);
    else if (first == 'f' && slice_eq(text, SLICE_LIT("false")))
        report(f, rule, JSON_KIND_FALSE, text);
}

static const char *word_end(const char *p, const char *end)
{
    while (p < end && classes[(unsigned char)*p] == WORD)
        p++;
    return p;
}

static const char *scalar_go_on(struct json_scan *j, const struct feed *f, const char *p)
{
    const char *q = word_end(p, f->end);

    for (; p < q; p++)
        text_add(j, (unsigned char)*p);
    if (q < f->end)
        scalar_report(j, f, slice_of(j->text, j->text_len));
    return q;
}

static const char *scalar_begin(struct json_scan *j, const struct feed *f, const char *p)
{
    const struct json_rule *rule = rule_take(j);
    const char *q = word_end(p, f->end);

    if (rule == NULL || rule->leaf == 0)
        return q;
    j->rule = rule;
    if (q < f->end) {
        scalar_report(j, f, text_here(p, q));
        return q;
    }
    j->text_len = 0;
    j->state = SCALAR;
    return scalar_go_on(j, f, p);
}

/* What leaves the state BETWEEN does so at the end of the bytes, or of the object. */
static const char *between(struct json_scan *j, const struct feed *f, const char *p)
{
    while (p < f->end) {
        switch (classes[(unsigned char)*p]) {
        case WORD:
            p = scalar_begin(j, f, p);
            break;
        case BLANK:
            p++;
            break;
        case COMMA:
            j->rule = NULL;
            j->colon = false;
            p++;
            break;
        case COLON:
            j->colon = true;
            p++;
            break;
        case QUOTE:
            p = string_begin(j, f, p + 1);
            break;
        case OPEN:
            container_open(j, f, p++);
            break;
        default: /* CLOSE */
            container_close(j, f);
            p++;
            if (j->state == END)
                return p;
        }
    }
    return p;
}

static const char *start(struct json_scan *j, const struct feed *f, const char *p)
{
    while (p < f->end && classes[(unsigned char)*p] == BLANK)
        p++;
    if (p == f->end)
        return p;
    j->state = *p == '{' ? BETWEEN : NO_OBJECT;
    j->outer[0] = 0;
    j->depth = 1;
    node_enter(j, f, 1);
    return p + 1;
}

void json_scan_feed(struct json_scan *j, const struct json_schema *schema, void *arg,
                    struct slice bytes)
{
    struct feed f = {.schema = schema, .arg = arg};
    const char *p = bytes.p;

    if (bytes.len == 0)
        return;
    f.end = p + bytes.len;
    while (p < f.end) {
        switch ((enum state)j->state) {
        case START:
            p = start(j, &f, p);
            break;
        case BETWEEN:
            p = between(j, &f, p);
            break;
        case PASS:
            p = pass(j, &f, p);
            break;
        case FIRST:
            p = first_byte(j, &f, p);
            break;
        case COLLECT:
            p = collect(j, &f, p);
            break;
        case SCALAR:
            p = scalar_go_on(j, &f, p);
            break;
        case END:
        case NO_OBJECT:
            return;
        }
    }
}
