/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies within bounds: hiredis reads the protocol, and asks here for each object.  An object lies
 * in its parent's array; strings and arrays are blocks of the reader, freed together.
 */
#include "reply.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/text.h"

enum {
    PIECE_MAX = 16 * 1024, /* is fed at a time: the bounds are looked at in between */
    HEAD_MAX = 64,         /* of the line before a string */
};

/* Of an array, as hiredis names it. */
#if HIREDIS_MAJOR >= 1
typedef size_t item_count;
#else
typedef int item_count;
#endif

struct block {
    struct block *next;
    max_align_t bytes[];
};

struct reply_reader {
    redisReader *hiredis;
    struct reply root;
    struct block *blocks;
    size_t fed, items; /* of the reply that is read */
    bool whole;        /* the last call ended one */
    const char *why;   /* NULL: nothing was refused */
};

static void *take(struct reply_reader *r, size_t n)
{
    struct block *b = calloc(1, sizeof *b + n);

    if (b == NULL) {
        r->why = "there is no memory for it";
        return NULL;
    }
    b->next = r->blocks;
    r->blocks = b;
    return b->bytes;
}

static void begin(struct reply_reader *r)
{
    for (struct block *b = r->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    r->blocks = NULL;
    r->root = (struct reply){0};
    r->fed = r->items = 0;
    r->whole = false;
}

static void *refuse(struct reply_reader *r, const char *why)
{
    r->why = why;
    return NULL; /* hiredis takes it for a lack of memory and stops */
}

/* Where the object of a task lies. */
static struct reply *place(const redisReadTask *t)
{
    struct reply_reader *r = t->privdata;
    struct reply *parent = t->parent == NULL ? NULL : t->parent->obj;

    if (parent == NULL)
        return &r->root;
    WEIR_ASSERT(t->idx >= 0 && (size_t)t->idx < parent->n);
    return &parent->items[t->idx];
}

static void *on_string(const redisReadTask *t, char *bytes, size_t len)
{
    struct reply_reader *r = t->privdata;
    struct reply *o = place(t);
    char *copy;

    if (len > REPLY_TEXT_MAX)
        return refuse(r, "a string of more than 64 KiB");
    copy = take(r, len + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, bytes, len);
    o->type = t->type == REDIS_REPLY_ERROR    ? REPLY_ERROR
              : t->type == REDIS_REPLY_STATUS ? REPLY_STATUS
                                              : REPLY_STRING;
    o->text = slice_of(copy, len);
    return o;
}

static unsigned depth(const redisReadTask *t)
{
    unsigned n = 1;

    for (; t->parent != NULL; t = t->parent)
        n++;
    return n;
}

static void *on_array(const redisReadTask *t, item_count items)
{
    struct reply_reader *r = t->privdata;
    struct reply *o = place(t);
    size_t n = (size_t)items; /* a negative one is too many, too */

    if (n > REPLY_ITEMS_MAX)
        return refuse(r, "an array of more than 4,096 items");
    if (depth(t) > REPLY_DEPTH_MAX)
        return refuse(r, "arrays within arrays, more than three deep");
    r->items += n;
    if (r->items > REPLY_ALL_ITEMS_MAX)
        return refuse(r, "more than 65,536 items");
    o->items = take(r, n * sizeof *o->items);
    if (o->items == NULL)
        return NULL;
    o->type = REPLY_ARRAY;
    o->n = n;
    return o;
}

static void *on_integer(const redisReadTask *t, long long n)
{
    struct reply *o = place(t);

    o->type = REPLY_INTEGER;
    o->integer = n;
    return o;
}

static void *on_nil(const redisReadTask *t)
{
    struct reply *o = place(t);

    o->type = REPLY_NIL;
    return o;
}

static void on_free(void *object)
{
    (void)object; /* the reader's */
}

/* By name: newer versions have more of them, in between. */
static redisReplyObjectFunctions functions = {
    .createString = on_string,
    .createArray = on_array,
    .createInteger = on_integer,
    .createNil = on_nil,
    .freeObject = on_free,
};

struct reply_reader *reply_reader_create(void)
{
    struct reply_reader *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->hiredis = redisReaderCreateWithFunctions(&functions);
    if (r->hiredis == NULL) {
        free(r);
        return NULL;
    }
    r->hiredis->privdata = r;
    return r;
}

void reply_reader_destroy(struct reply_reader **rp)
{
    struct reply_reader *r = *rp;

    *rp = NULL;
    if (r == NULL)
        return;
    redisReaderFree(r->hiredis);
    begin(r);
    free(r);
}

static size_t unread(const struct reply_reader *r)
{
    return r->hiredis->len - r->hiredis->pos;
}

/* One piece; NULL: all is well. */
static const char *feed(struct reply_reader *r, struct slice piece)
{
    void *object = NULL;

    if (redisReaderFeed(r->hiredis, piece.p, piece.len) != REDIS_OK ||
        redisReaderGetReply(r->hiredis, &object) != REDIS_OK)
        return r->why != NULL ? r->why : r->hiredis->errstr;
    r->whole = object != NULL;
    if (r->whole)
        return unread(r) > 0 ? "more than was asked for" : NULL;
    return unread(r) > REPLY_TEXT_MAX + HEAD_MAX ? "a string of more than 64 KiB" : NULL;
}

enum reply_reading reply_reader_feed(struct reply_reader *r, struct slice bytes,
                                     const struct reply **out, const char **why)
{
    if (r->whole)
        begin(r);
    while (bytes.len > 0 && r->why == NULL) {
        struct slice piece = slice_of(bytes.p, bytes.len < PIECE_MAX ? bytes.len : PIECE_MAX);

        if (r->whole)
            r->why = "more than was asked for";
        else if ((r->fed += piece.len) > REPLY_BYTES_MAX)
            r->why = "a reply of more than 8 MiB";
        else
            r->why = feed(r, piece);
        bytes = slice_from(bytes, piece.len);
    }
    if (r->why != NULL) {
        *why = r->why;
        return REPLY_BAD;
    }
    *out = &r->root;
    return r->whole ? REPLY_WHOLE : REPLY_MORE;
}

/* --- looking at one */

const struct reply *reply_item(const struct reply *r, size_t i)
{
    return r != NULL && r->type == REPLY_ARRAY && i < r->n ? &r->items[i] : NULL;
}

struct slice reply_text(const struct reply *r)
{
    return r != NULL && r->type == REPLY_STRING ? r->text : SLICE_NONE;
}

enum weir_status reply_i64(const struct reply *r, int64_t *out)
{
    struct slice s = reply_text(r);
    bool negative = slice_starts(s, SLICE_LIT("-"));
    uint64_t n;

    if (r != NULL && r->type == REPLY_INTEGER) {
        *out = r->integer;
        return WEIR_OK;
    }
    if (parse_u64(slice_from(s, negative ? 1 : 0), INT64_MAX, &n) != WEIR_OK)
        return WEIR_BAD;
    *out = negative ? -(int64_t)n : (int64_t)n;
    return WEIR_OK;
}
