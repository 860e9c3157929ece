/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting requests: one list a rank, newest at the front. */
#include "weir/decide/queue.h"

#include "weir/base/assert.h"

static struct pool_request *request_of(struct list *node)
{
    return LIST_OBJECT(node, struct pool_request, node);
}

void queue_init(struct queue *q)
{
    for (int i = 0; i < POOL_RANKS; i++)
        list_init(&q->rank[i]);
    q->length = q->with_deadline = 0;
    for (int i = 0; i < CLASS_COUNT; i++)
        q->by_class[i] = 0;
}

void queue_push(struct queue *q, struct pool_request *r)
{
    WEIR_ASSERT(r->rank >= 0 && r->rank < POOL_RANKS);
    list_push_front(&q->rank[r->rank], &r->node);
    q->length++;
    q->by_class[r->class]++;
    q->with_deadline += r->deadline_ns > 0;
}

void queue_remove(struct queue *q, struct pool_request *r)
{
    WEIR_ASSERT(q->length > 0);
    list_remove(&r->node);
    q->length--;
    q->by_class[r->class]--;
    q->with_deadline -= r->deadline_ns > 0;
}

void queue_raise(struct queue *q, struct pool_request *r, int rank)
{
    struct list *before = &q->rank[rank];

    WEIR_ASSERT(rank >= 0 && rank < r->rank);
    list_remove(&r->node);
    while (before->next != &q->rank[rank] && request_of(before->next)->arrival_ns > r->arrival_ns)
        before = before->next;
    list_push_front(before, &r->node);
    r->rank = rank;
}

struct pool_request *queue_oldest(const struct queue *q, int rank)
{
    const struct list *l = &q->rank[rank];

    return list_empty(l) ? NULL : request_of(l->prev);
}

bool queue_waits(const struct queue *q, int rank)
{
    if (q->length == 0)
        return false;
    for (int i = 0; i <= rank; i++)
        if (!list_empty(&q->rank[i]))
            return true;
    return false;
}

static struct pool_request *expired_anywhere(const struct list *rank, uint64_t now_ns)
{
    for (struct list *n = rank->prev; n != rank; n = n->prev)
        if (now_ns >= request_of(n)->expires_ns)
            return request_of(n);
    return NULL;
}

struct pool_request *queue_expired(const struct queue *q, bool all, uint64_t now_ns)
{
    if (q->length == 0)
        return NULL;
    for (int i = 0; i < POOL_RANKS; i++) {
        struct pool_request *r = queue_oldest(q, i);
        if (r != NULL && now_ns >= r->expires_ns)
            return r;
        if (all && q->with_deadline > 0 && r != NULL &&
            (r = expired_anywhere(&q->rank[i], now_ns)) != NULL)
            return r;
    }
    return NULL;
}

uint64_t queue_next_expiry(const struct queue *q)
{
    uint64_t next = 0;

    for (int i = 0; i < POOL_RANKS; i++) {
        const struct pool_request *r = queue_oldest(q, i);
        if (r != NULL && (next == 0 || r->expires_ns < next))
            next = r->expires_ns;
    }
    return next;
}

uint64_t queue_oldest_arrival(const struct queue *q)
{
    uint64_t oldest = 0;

    for (int i = 0; i < POOL_RANKS; i++) {
        const struct pool_request *r = queue_oldest(q, i);
        if (r != NULL && (oldest == 0 || r->arrival_ns < oldest))
            oldest = r->arrival_ns;
    }
    return oldest;
}
