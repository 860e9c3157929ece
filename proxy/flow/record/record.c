/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of request records on their way from a worker to control and back.  A block belongs to
 * whoever holds it; the inboxes carry it over.
 */
#include "record/record.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"

enum { MAX_AGE_NS = 20 * 1000 * 1000, ALIGN = 8 };
_Static_assert(sizeof(struct request_record) % ALIGN == 0, "what follows a record is aligned");

static void on_old(void *arg)
{
    record_flush(arg);
}

static void on_home(struct loop_message *m)
{
    struct record_block *b = LIST_OBJECT(m, struct record_block, message);
    struct record_writer *r = b->writer;

    b->len = 0;
    WEIR_ASSERT(r->n_free < RECORD_BLOCKS);
    if (r->current == NULL)
        r->current = b;
    else
        r->free[r->n_free++] = b;
}

bool record_writer_init(struct record_writer *r, struct loop *loop, struct loop *to, void *control,
                        void (*deliver)(struct loop_message *m))
{
    *r = (struct record_writer){.loop = loop, .to = to, .control = control, .deliver = deliver};
    loop_timer_init(&r->timer, loop, on_old, r);
    for (int i = 0; i < RECORD_BLOCKS; i++) {
        struct record_block *b = malloc(sizeof *b);
        if (b == NULL)
            return false;
        memset(b, 0, offsetof(struct record_block, bytes));
        b->writer = r;
        r->blocks[i] = b;
        r->free[r->n_free++] = b;
    }
    r->current = r->free[--r->n_free];
    return true;
}

void record_writer_fini(struct record_writer *r)
{
    loop_timer_stop(&r->timer);
    for (int i = 0; i < RECORD_BLOCKS; i++)
        free(r->blocks[i]);
    *r = (struct record_writer){0};
}

void record_flush(struct record_writer *r)
{
    struct record_block *b = r->current;

    if (b == NULL || b->len == 0)
        return;
    r->current = r->n_free > 0 ? r->free[--r->n_free] : NULL;
    b->message.deliver = r->deliver;
    loop_post(r->to, &b->message);
}

void record_block_return(struct record_block *b)
{
    b->message.deliver = on_home;
    loop_post(b->writer->loop, &b->message);
}

static size_t padded(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t put(char *at, const void *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return n;
}

static size_t size_of(const struct request_record *rec)
{
    return padded(sizeof *rec + (rec->traced ? sizeof(struct request_trace) : 0) + rec->path_len +
                  1);
}

bool record_write(struct record_writer *r, const struct request_record *rec,
                  const struct request_trace *trace, const char *path)
{
    size_t need = size_of(rec);
    char *at;

    WEIR_ASSERT(rec->path_len <= RECORD_PATH_MAX && rec->traced == (trace != NULL));
    if (r->current != NULL && r->current->len + need > RECORD_BLOCK_BYTES)
        record_flush(r);
    if (r->current == NULL)
        return false;
    at = r->current->bytes + r->current->len;
    at += put(at, rec, sizeof *rec);
    if (trace != NULL)
        at += put(at, trace, sizeof *trace);
    at += put(at, path, rec->path_len);
    *at = '\0';
    if (r->current->len == 0)
        loop_timer_at(&r->timer, loop_now_ns(r->loop) + MAX_AGE_NS);
    r->current->len += need;
    return true;
}

void record_each(const struct record_block *b, record_fn *fn, void *arg)
{
    for (size_t at = 0; at < b->len;) {
        const struct request_record *rec = (const void *)(b->bytes + at);
        const char *rest = b->bytes + at + sizeof *rec;
        const struct request_trace *trace = rec->traced ? (const void *)rest : NULL;

        fn(rec, trace, rest + (trace == NULL ? 0 : sizeof *trace), arg);
        at += size_of(rec);
    }
}
