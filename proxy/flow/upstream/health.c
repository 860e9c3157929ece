/* SPDX-License-Identifier: Apache-2.0 */
/* Active health checks: one connection a check, judged by its status line. */
#include "upstream/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"
#include "weir/base/text.h"

#include "upstream/once.h"

enum { HEALTH_MAGIC = 0x4ea17444 };

struct health {
    uint32_t magic;
    struct loop *loop;
    const struct snapshot_pool *pool;
    const struct snapshot_upstream *upstream;
    struct net_addr addr;
    bool has_addr;
    struct once *once; /* NULL between checks */
    struct loop_timer next;
    uint32_t failed, passed; /* in a row */
    bool down;
    char error[96]; /* of the last check; "" = it passed, or there was none yet */
};

static void end_check(struct health *h)
{
    loop_timer_at(&h->next, loop_now_ns(h->loop) + h->pool->conf->health.interval_ns);
}

static void tell(struct health *h, bool ok)
{
    struct pool *p = gate_lock(h->pool->gate);

    if (ok)
        pool_health_ok(p, (size_t)h->upstream->place, loop_now_ns(h->loop));
    else
        pool_health_failed(p, (size_t)h->upstream->place, loop_now_ns(h->loop));
    gate_unlock(h->pool->gate);
}

static void passed(struct health *h)
{
    h->failed = 0;
    h->error[0] = '\0';
    h->passed++;
    if (h->passed >= h->pool->conf->health.rise) {
        if (h->down)
            log_info("%s/%s: health checks pass again", h->pool->conf->name,
                     h->upstream->conf->name);
        h->down = false;
        tell(h, true);
    }
    end_check(h);
}

static void failed(struct health *h, const char *why);

/* Has it shown within the time of `fall` checks that it works? */
static bool is_alive(struct health *h)
{
    const struct health_conf *c = &h->pool->conf->health;
    struct pool *p = gate_lock(h->pool->gate);
    bool alive = pool_is_alive(p, (size_t)h->upstream->place, c->fall * c->interval_ns,
                               loop_now_ns(h->loop));

    gate_unlock(h->pool->gate);
    return alive;
}

/* A check without an answer says that it is slow; tokens that flow say that it works. */
static void timed_out(struct health *h, const char *why)
{
    if (!is_alive(h)) {
        failed(h, why);
        return;
    }
    (void)snprintf(h->error, sizeof h->error, "%s; tokens flow, so it does not count", why);
    end_check(h);
}

static void failed(struct health *h, const char *why)
{
    (void)snprintf(h->error, sizeof h->error, "%s", why);
    h->passed = 0;
    h->failed++;
    if (h->failed == h->pool->conf->health.fall && !h->down) {
        h->down = true;
        log_warn("%s/%s: %u health checks failed in a row, the last: %s", h->pool->conf->name,
                 h->upstream->conf->name, h->failed, why);
        tell(h, false);
    }
    end_check(h);
}

bool health_status_is_good(const struct health_conf *c, int status)
{
    for (size_t i = 0; i < c->n_status; i++) {
        int from = 0, to = 0, n = sscanf(c->status[i], "%d-%d", &from, &to);
        if (status >= from && status <= (n == 2 ? to : from))
            return true;
    }
    return c->n_status == 0 && status >= 200 && status < 300;
}

static bool has_header(const struct health_conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_headers; i++) {
        if (strncasecmp(c->headers[i], name, strlen(name)) == 0)
            return true;
    }
    return false;
}

/* Fields of the settings take precedence. */
void health_put_fields(struct text *t, const struct health_conf *c, const char *host)
{
    if (!has_header(c, "Host:"))
        text_printf(t, "Host: %s\r\n", host);
    if (!has_header(c, "User-Agent:"))
        text_str(t, "User-Agent: weir-health\r\n");
    for (size_t i = 0; i < c->n_headers; i++)
        text_printf(t, "%s\r\n", c->headers[i]);
    text_str(t, "Connection: close\r\n\r\n");
}

/* The Host is the one of requests. */
static void put_request(struct text *t, const struct health *h)
{
    const struct snapshot_upstream *u = h->upstream;

    text_printf(t, "GET %s HTTP/1.1\r\n", h->pool->conf->health.path);
    health_put_fields(t, &h->pool->conf->health, u->host[0] != '\0' ? u->host : u->own_host);
}

static void on_answer(void *arg, const struct response_head *r, enum weir_status s, const char *why)
{
    struct health *h = arg;
    char status[64];

    WEIR_CHECK(h, HEALTH_MAGIC);
    h->once = NULL;
    if (r != NULL && health_status_is_good(&h->pool->conf->health, r->status)) {
        passed(h);
    } else if (r != NULL) {
        (void)snprintf(status, sizeof status, "status %d", r->status);
        failed(h, status);
    } else if (s == WEIR_NO_MEMORY) {
        end_check(h); /* what is short on this side says nothing about the upstream */
    } else if (s == WEIR_TIMEOUT) {
        timed_out(h, why);
    } else {
        failed(h, why);
    }
}

/* A check is weir's own: the PROXY protocol says so. */
struct slice health_first_bytes(const struct upstream_conf *c, char mem[PROXIED_WRITTEN_MAX])
{
    enum upstream_proxy version = c->proxy_protocol;

    if (version == UPSTREAM_PROXY_OFF)
        return SLICE_NONE;
    return slice_of(mem, proxied_write((int)version, NULL, NULL, mem));
}

static void on_next(void *arg)
{
    struct health *h = arg;
    char request[16 * 1024], mem[PROXIED_WRITTEN_MAX];
    struct once_to to;
    struct text t;

    WEIR_CHECK(h, HEALTH_MAGIC);
    if (!h->has_addr || h->once != NULL)
        return;
    text_init(&t, request, sizeof request);
    put_request(&t, h);
    if (t.full) {
        failed(h, "the fields of a check are longer than 16 KiB");
        return;
    }
    to = (struct once_to){&h->addr, h->upstream->tls, health_first_bytes(h->upstream->conf, mem),
                          h->upstream->conf->http2 == UPSTREAM_HTTP2_CLEAR};
    h->once =
        once_begin(h->loop, &to, h->pool->conf->health.timeout_ns, text_slice(&t), on_answer, h);
    if (h->once == NULL)
        end_check(h); /* no descriptor or memory here: says nothing about the upstream */
}

struct health *health_create(struct loop *l, const struct snapshot_pool *p,
                             const struct snapshot_upstream *u)
{
    struct health *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    h->magic = HEALTH_MAGIC;
    h->loop = l;
    h->pool = p;
    h->upstream = u;
    loop_timer_init(&h->next, l, on_next, h);
    return h;
}

void health_set(struct health *h, const struct snapshot_pool *p, const struct snapshot_upstream *u)
{
    bool other = h->pool->conf->health.interval_ns != p->conf->health.interval_ns;

    h->pool = p;
    h->upstream = u;
    if (other && h->has_addr && h->once == NULL)
        loop_timer_at(&h->next, loop_now_ns(h->loop));
}

void health_destroy(struct health **hp)
{
    struct health *h = *hp;

    *hp = NULL;
    if (h == NULL)
        return;
    loop_timer_stop(&h->next);
    once_cancel(&h->once);
    free(h);
}

void health_set_address(struct health *h, const struct net_addr *a)
{
    if (h == NULL)
        return;
    h->addr = *a;
    if (!h->has_addr)
        loop_timer_at(&h->next, loop_refresh_now(h->loop));
    h->has_addr = true;
}

const char *health_error(const struct health *h)
{
    return h == NULL ? "" : h->error;
}
