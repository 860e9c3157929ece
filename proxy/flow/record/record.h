/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_RECORD_H
#define WEIR_FLOW_RECORD_H

#include "weir/flow/control.h"
#include "weir/net/loop.h"

/*
 * What became of requests, on its way from a worker to control: records are gathered in blocks, a
 * block goes through control's inbox when it is full or 20 ms old, and comes back empty.  A worker
 * has BLOCKS of them: when control does not keep up, records are dropped and counted, never waited
 * for.  A record in a block is a struct request_record, a struct request_trace if it is sampled,
 * and its path.
 */
enum { RECORD_BLOCKS = 32, RECORD_BLOCK_BYTES = 64 * 1024, RECORD_PATH_MAX = 2048 };

struct record_block {
    struct loop_message message; /* to control when full, back to the worker when written */
    struct record_writer *writer;
    size_t len;
    char bytes[RECORD_BLOCK_BYTES];
};

struct record_writer {
    struct loop *loop;                       /* the worker's */
    struct loop *to;                         /* control's */
    void (*deliver)(struct loop_message *m); /* at control */
    void *control;
    struct loop_timer timer;
    struct record_block *blocks[RECORD_BLOCKS];
    struct record_block *free[RECORD_BLOCKS];
    int n_free;
    struct record_block *current; /* NULL: none free */
};

bool record_writer_init(struct record_writer *r, struct loop *loop, struct loop *to, void *control,
                        void (*deliver)(struct loop_message *m));
void record_writer_fini(struct record_writer *r);
/* trace: NULL unless rec->traced.  False: dropped. */
bool record_write(struct record_writer *r, const struct request_record *rec,
                  const struct request_trace *trace, const char *path);
void record_flush(struct record_writer *r);

/* For control: calls fn for each record of a block; trace NULL: it is not sampled. */
typedef void record_fn(const struct request_record *rec, const struct request_trace *trace,
                       const char *path, void *arg);
void record_each(const struct record_block *b, record_fn *fn, void *arg);
/* Sends the block home; any thread that was handed it. */
void record_block_return(struct record_block *b);

#endif
