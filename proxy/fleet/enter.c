/* SPDX-License-Identifier: Apache-2.0 */
/* Entering: the steps between a connection and the first call, as far as they are needed. */
#include "link_priv.h"

/* A user without a password has one that is not asked for (ACL: nopass). */
static bool send_auth(struct link *l)
{
    struct slice words[3] = {SLICE_LIT("AUTH")};
    int n = 1;

    if (l->means->user[0] != '\0')
        words[n++] = slice_str(l->means->user);
    words[n++] = slice_str(l->means->password);
    return link_send(l, words, n);
}

static void entered(struct link *l)
{
    l->state = LINK_READY;
    l->ready_ns = loop_now_ns(l->loop);
    loop_timer_stop(&l->timer);
    l->ev->on_ready(l->owner);
}

void enter_next(struct link *l)
{
    const struct fleet_means *m = l->means;
    bool sent = true;

    if (l->step == STEP_AUTH && !m->has_password && m->user[0] == '\0')
        l->step++;
    if (l->step == STEP_SELECT && m->database[0] == '\0')
        l->step++;
    if (l->step == STEP_ROLE && m->master[0] == '\0')
        l->step++;
    if (l->step == STEP_AUTH)
        sent = send_auth(l);
    else if (l->step == STEP_SELECT)
        sent = link_send(l, (struct slice[2]){SLICE_LIT("SELECT"), slice_str(m->database)}, 2);
    else if (l->step == STEP_ROLE)
        sent = link_send(l, (struct slice[1]){SLICE_LIT("ROLE")}, 1);
    else
        entered(l);
    if (!sent)
        link_down(l, LINK_UNREACHED, "there is no memory for it");
}

/* Redis's own words, as far as they may be shown. */
void link_error(char out[160], const char *what, struct slice error)
{
    struct text t;

    text_init(&t, out, 160);
    text_str(&t, what);
    text_shown(&t, slice_of(error.p, error.len < 100 ? error.len : 100));
}

static bool is_step_done(const struct link *l, const struct reply *r)
{
    if (l->step == STEP_ROLE)
        return slice_eq(reply_text(reply_item(r, 0)), SLICE_LIT("master"));
    return r->type == REPLY_STATUS;
}

void enter_answer(struct link *l, const struct reply *r)
{
    static const char *const refused[] = {
        [STEP_AUTH] = "it refuses the login: ",
        [STEP_SELECT] = "it refuses the database: ",
        [STEP_ROLE] = "it is no master, as a Sentinel says it is: ",
    };
    char why[160];
    enum link_fault f;

    if (is_step_done(l, r)) {
        l->step++;
        enter_next(l);
        return;
    }
    f = r->type == REPLY_ERROR ? fault_of(r->text) : LINK_BAD_REPLY;
    link_error(why, refused[l->step],
               r->type == REPLY_ERROR ? r->text : SLICE_LIT("another kind of answer"));
    link_down(l, f != LINK_FINE ? f : l->step == STEP_ROLE ? LINK_READONLY : LINK_REFUSED, why);
}
