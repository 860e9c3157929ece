/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts of admin together.  Control thread. */
#include "weir/admin/admin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call/admin.h"
#include "call/rights.h"
#include "metrics/tally.h"
#include "show/events.h"
#include "socket/socket.h"
#include "web/history.h"
#include "web/web.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"
#include "weir/base/log.h"

enum { FIRST_ROOM = 16 * 1024, KEPT_VERSION = 1, KEPT_MAX = 16 * 1024 * 1024 };

/* Settings come with an event that is no transition (a reload): whoever may ask may have changed.
 */
static void on_event(const struct control_event *e, void *arg)
{
    struct admin *a = arg;

    WEIR_CHECK(a, ADMIN_MAGIC);
    tally_count(a->tally, e);
    if (e->from == e->to)
        rights_set(a->rights, control_settings(a->control));
    events_broadcast(a, e);
    if (a->web != NULL)
        web_event(a->web, e);
}

static void on_second(void *arg)
{
    struct admin *a = arg;

    WEIR_CHECK(a, ADMIN_MAGIC);
    history_tick(a->history, control_status(a->control));
    if (a->web != NULL)
        web_tick(a->web);
    a->second_ns += NS_PER_S;
    if (a->second_ns <= loop_now_ns(control_loop(a->control))) /* held up: no points are made up */
        a->second_ns = loop_now_ns(control_loop(a->control)) + NS_PER_S;
    loop_timer_at(&a->second, a->second_ns);
}

static void close_fds(const struct admin_listen *l)
{
    if (l->socket_fd != -1)
        (void)close(l->socket_fd);
    if (l->http_fd != -1)
        (void)close(l->http_fd);
}

static bool open_parts(struct admin *a, const struct admin_listen *l)
{
    bool complete = a->rights != NULL && a->tally != NULL && a->history != NULL;

    if (!complete) {
        close_fds(l);
        return false;
    }
    if (l->socket_fd != -1)
        a->socket = socket_open(a, l->socket_fd);
    if (l->http_fd != -1)
        a->web = web_open(a, l->http_fd);
    return (l->socket_fd == -1 || a->socket != NULL) && (l->http_fd == -1 || a->web != NULL);
}

struct admin *admin_open(struct control *c, const struct admin_listen *l)
{
    struct admin *a = calloc(1, sizeof *a);

    if (a == NULL) {
        close_fds(l);
        return NULL;
    }
    a->magic = ADMIN_MAGIC;
    a->control = c;
    a->render_hint = FIRST_ROOM;
    if (!l->socket_stays)
        memcpy(a->socket_path, l->socket_path, sizeof a->socket_path);
    a->rights = rights_create(control_settings(c));
    a->tally = tally_create();
    a->history = history_create();
    loop_timer_init(&a->second, control_loop(c), on_second, a);
    a->second_ns = loop_now_ns(control_loop(c)) + NS_PER_S;
    loop_timer_at(&a->second, a->second_ns);
    control_subscribe(c, on_event, a);
    if (!open_parts(a, l))
        admin_close(&a);
    return a;
}

bool admin_keep(const struct admin *a, struct buf *b)
{
    struct packer p = {b, KEPT_MAX, true};

    WEIR_CHECK(a, ADMIN_MAGIC);
    pack_number(&p, KEPT_VERSION, 1);
    tally_keep(a->tally, &p);
    history_keep(a->history, &p);
    return p.ok;
}

void admin_restore(struct admin *a, struct slice bytes)
{
    struct unpacker u = {bytes, false};

    WEIR_CHECK(a, ADMIN_MAGIC);
    if (unpack_number(&u, 1) != KEPT_VERSION)
        return;
    tally_restore(a->tally, &u);
    history_restore(&a->history, &u);
    if (u.bad)
        log_warn("upgrade: what the old process showed on its page is damaged, and left out");
}

void admin_retire(struct admin *a, bool kept)
{
    WEIR_CHECK(a, ADMIN_MAGIC);
    if (!kept && a->socket_path[0] != '\0')
        (void)unlink(a->socket_path);
    a->socket_path[0] = '\0';
    if (a->socket != NULL)
        socket_retire(a->socket);
    if (a->web != NULL)
        web_retire(a->web);
}

void admin_close(struct admin **ap)
{
    struct admin *a = *ap;

    if (a == NULL)
        return;
    WEIR_CHECK(a, ADMIN_MAGIC);
    control_unsubscribe(a->control, on_event, a);
    loop_timer_stop(&a->second);
    if (a->socket != NULL && a->socket_path[0] != '\0')
        (void)unlink(a->socket_path);
    socket_close(&a->socket);
    web_close(&a->web);
    history_destroy(&a->history);
    tally_destroy(&a->tally);
    rights_destroy(&a->rights);
    a->magic = 0;
    free(a);
    *ap = NULL;
}
