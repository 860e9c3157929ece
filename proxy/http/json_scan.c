/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON seen in passing.  The common case is that a string ends in the bytes at hand and has no
 * escapes: it is compared where it lies.  Otherwise it is collected in the struct, byte by byte.
 */
#include "weir/http/json_scan.h"

#include "find_priv.h"

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

/* One feed. */
struct feed {
    const struct json_schema *schema;
    void *arg;
    const char *p, *end;
};

void json_scan_init(struct json_scan *j)
{
    j->rule = NULL;
    j->depth = 0;
    j->state = START;
    j->node = 0;
    j->escape = 0;
    j->text_len = 0;
    j->colon = false;
}

bool json_scan_done(const struct json_scan *j)
{
    return j->state == END;
}

static const struct json_node *node_of(const struct json_scan *j, const struct feed *f)
{
    return &f->schema->nodes[j->node];
}

/* The rule for the value that begins here, or NULL; from now on no value is expected. */
static const struct json_rule *rule_take(struct json_scan *j, const struct feed *f)
{
    const struct json_rule *rule = j->colon ? j->rule : NULL;

    if (j->node != 0 && node_of(j, f)->list)
        rule = &node_of(j, f)->other;
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
    const struct json_rule *end = node->rules + node->n_rules;

    for (const struct json_rule *r = node->rules; r < end; r++)
        if (r->len == key.len && memcmp(r->key, key.p, key.len) == 0)
            return r;
    return &node->other;
}

/* A collected string is complete: a value if a rule waits for it, else a key. */
static void string_end(struct json_scan *j, const struct feed *f, struct slice text)
{
    j->state = BETWEEN;
    if (j->rule == NULL) {
        j->rule = rule_find(node_of(j, f), text);
    } else {
        report(f, j->rule, JSON_KIND_STRING, text);
        j->rule = NULL;
    }
}

static void text_add(struct json_scan *j, unsigned c)
{
    if (j->text_len < JSON_TEXT_MAX)
        j->text[j->text_len++] = (char)(c < 128 ? c : 0xff); /* we know no name beyond ASCII */
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
            text_add(j, j->unit);
            j->escape = 0;
        }
    }
}

static void collect(struct json_scan *j, struct feed *f)
{
    while (f->p < f->end) {
        char c = *f->p++;

        if (j->escape != 0) {
            escape_step(j, c);
        } else if (c == '\\') {
            j->escape = 1;
        } else if (c == '"') {
            string_end(j, f, slice_of(j->text, j->text_len));
            return;
        } else {
            text_add(j, (unsigned char)c);
        }
    }
}

static void pass(struct json_scan *j, struct feed *f)
{
    if (j->escape != 0 && f->p < f->end) {
        j->escape = 0;
        f->p++;
    }
    while (f->p < f->end) {
        f->p = find_either(f->p, f->end, '"', '\\');
        if (f->p == f->end)
            return;
        if (*f->p++ == '"') {
            j->state = BETWEEN;
            return;
        }
        if (f->p == f->end) {
            j->escape = 1;
            return;
        }
        f->p++;
    }
}

/* Whether the string is empty is known by its first byte, and reported then. */
static void first_byte(struct json_scan *j, struct feed *f)
{
    bool empty;

    if (f->p == f->end) {
        j->state = FIRST;
        return;
    }
    empty = *f->p == '"';
    report(f, j->rule, JSON_KIND_STRING, slice_of(f->p, empty ? 0 : 1));
    j->rule = NULL;
    j->state = PASS;
    pass(j, f);
}

/* Cut as one that was collected would be, so that splits make no difference. */
static struct slice text_here(const char *from, const char *to)
{
    size_t n = (size_t)(to - from);

    return slice_of(from, n < JSON_TEXT_MAX ? n : JSON_TEXT_MAX);
}

static void wanted_string(struct json_scan *j, struct feed *f)
{
    const char *q = find_either(f->p, f->end, '"', '\\');

    if (q < f->end && *q == '"') {
        struct slice text = text_here(f->p, q);

        f->p = q + 1;
        string_end(j, f, text);
        return;
    }
    j->text_len = 0;
    j->state = COLLECT;
    collect(j, f);
}

/* Behind an opening quote. */
static void string_begin(struct json_scan *j, struct feed *f)
{
    bool key = j->node != 0 && !j->colon && !node_of(j, f)->list;

    j->rule = rule_take(j, f);
    if (key) {
        wanted_string(j, f);
    } else if (j->rule == NULL || j->rule->leaf == 0) {
        j->rule = NULL;
        j->state = PASS;
        pass(j, f);
    } else if (j->rule->text) {
        wanted_string(j, f);
    } else {
        first_byte(j, f);
    }
}

static void container_open(struct json_scan *j, struct feed *f, char brace)
{
    const struct json_rule *rule = rule_take(j, f);
    bool object = brace == '{';
    uint8_t inside = 0;

    if (rule != NULL) {
        inside = object ? rule->object : rule->array;
        report(f, rule, object ? JSON_KIND_OBJECT : JSON_KIND_ARRAY, SLICE_NONE);
    }
    /* Deeper than outer[] reaches there are no nodes: schemas are shallower. */
    if (j->depth < JSON_NODES_DEEP)
        j->outer[j->depth] = j->node;
    else
        inside = 0;
    if (j->depth < UINT32_MAX)
        j->depth++;
    j->node = inside;
}

static void container_close(struct json_scan *j)
{
    j->rule = NULL;
    j->colon = false;
    j->depth--;
    j->node = j->depth < JSON_NODES_DEEP ? j->outer[j->depth] : 0;
    if (j->depth == 0)
        j->state = END;
}

static void scalar_report(struct json_scan *j, const struct feed *f, struct slice text)
{
    static const struct {
        struct slice word;
        enum json_kind kind;
    } words[] = {{{"true", 4}, JSON_KIND_TRUE},
                 {{"false", 5}, JSON_KIND_FALSE},
                 {{"null", 4}, JSON_KIND_NULL}};
    const struct json_rule *rule = j->rule;

    j->rule = NULL;
    j->state = BETWEEN;
    for (size_t i = 0; i < 3; i++)
        if (slice_eq(text, words[i].word)) {
            report(f, rule, words[i].kind, text);
            return;
        }
    if (text.len > 0 && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9')))
        report(f, rule, JSON_KIND_NUMBER, text);
}

static const char *word_end(const char *p, const char *end)
{
    while (p < end && classes[(unsigned char)*p] == WORD)
        p++;
    return p;
}

static void scalar_go_on(struct json_scan *j, struct feed *f)
{
    const char *q = word_end(f->p, f->end);

    for (; f->p < q; f->p++)
        text_add(j, (unsigned char)*f->p);
    if (q < f->end)
        scalar_report(j, f, slice_of(j->text, j->text_len));
}

static void scalar_begin(struct json_scan *j, struct feed *f)
{
    const char *from = f->p, *q = word_end(f->p, f->end);

    j->rule = rule_take(j, f);
    if (j->rule == NULL || j->rule->leaf == 0) {
        j->rule = NULL;
        f->p = q;
    } else if (q < f->end) {
        f->p = q;
        scalar_report(j, f, text_here(from, q));
    } else {
        j->text_len = 0;
        j->state = SCALAR;
        scalar_go_on(j, f);
    }
}

static void between(struct json_scan *j, struct feed *f)
{
    while (f->p < f->end && j->state == BETWEEN) {
        switch (classes[(unsigned char)*f->p]) {
        case WORD:
            scalar_begin(j, f);
            break;
        case BLANK:
            f->p++;
            break;
        case COMMA:
            j->rule = NULL;
            j->colon = false;
            f->p++;
            break;
        case COLON:
            j->colon = true;
            f->p++;
            break;
        case QUOTE:
            f->p++;
            string_begin(j, f);
            break;
        case OPEN:
            container_open(j, f, *f->p++);
            break;
        default: /* CLOSE */
            container_close(j);
            f->p++;
        }
    }
}

static void start(struct json_scan *j, struct feed *f)
{
    while (f->p < f->end && classes[(unsigned char)*f->p] == BLANK)
        f->p++;
    if (f->p == f->end)
        return;
    j->state = *f->p == '{' ? BETWEEN : NO_OBJECT;
    if (j->state == BETWEEN) {
        f->p++;
        j->outer[0] = 0;
        j->depth = 1;
        j->node = 1;
    }
}

void json_scan_feed(struct json_scan *j, const struct json_schema *schema, void *arg,
                    struct slice bytes)
{
    struct feed f = {.schema = schema, .arg = arg, .p = bytes.p, .end = bytes.p + bytes.len};

    while (f.p < f.end) {
        switch ((enum state)j->state) {
        case START:
            start(j, &f);
            break;
        case BETWEEN:
            between(j, &f);
            break;
        case PASS:
            pass(j, &f);
            break;
        case FIRST:
            first_byte(j, &f);
            break;
        case COLLECT:
            collect(j, &f);
            break;
        case SCALAR:
            scalar_go_on(j, &f);
            break;
        case END:
        case NO_OBJECT:
            return;
        }
    }
}
