/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of users, as words of the calls that are made anyway.  Control thread. */
#include "fleet_priv.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"

enum { KEY_DIGITS = 16, MS_DIGITS = 8 };
#define LEFT_MOST_MS INT64_C(3600000) /* no lease is longer */

static void put_told(struct fleet *f, const struct fleet_leases *l)
{
    char mem[LEASE_SHARE_TOLD * (KEY_DIGITS + MS_DIGITS) + 1];
    struct text t;

    text_init(&t, mem, sizeof mem);
    for (size_t i = 0; i < l->n_told; i++) {
        if (l->told[i].left_ns < NS_PER_MS)
            continue; /* over by now */
        text_hex(&t, l->told[i].key, KEY_DIGITS);
        text_hex(&t, l->told[i].left_ns / NS_PER_MS, MS_DIGITS);
    }
    script_word(&f->call, text_slice(&t));
}

static void put_asked(struct fleet *f, const struct fleet_leases *l)
{
    char mem[LEASE_SHARE_ASKED * KEY_DIGITS + 1];
    struct text t;

    text_init(&t, mem, sizeof mem);
    for (size_t i = 0; i < l->n_asked; i++)
        text_hex(&t, l->asked[i], KEY_DIGITS);
    script_word(&f->call, text_slice(&t));
}

void leases_put(struct fleet *f)
{
    uint64_t now = loop_now_ns(f->loop);
    struct fleet_leases l = {0};

    f->hooks->leases(&l, lease_share_rooms(f->nodes, now - f->leases_ns), f->owner);
    f->leases_ns = now;
    f->n_told = l.n_told;
    f->n_asked = l.n_asked;
    put_told(f, &l);
    put_asked(f, &l);
}

/* One number for each that was asked for.  What is no lease of a weir's is none. */
static bool read_left(struct fleet *f, const struct reply *r, uint64_t *left_ns)
{
    if (r == NULL || r->type != REPLY_ARRAY || r->n != f->n_asked)
        return false;
    for (size_t i = 0; i < r->n; i++) {
        int64_t ms;

        if (reply_i64(reply_item(r, i), &ms) != WEIR_OK || ms < 0) {
            fleet_reject(f, "a lease");
            ms = 0;
        }
        f->leases.found += ms > 0;
        left_ns[i] = (uint64_t)(ms < LEFT_MOST_MS ? ms : LEFT_MOST_MS) * NS_PER_MS;
    }
    f->leases.told += f->n_told;
    f->leases.asked += f->n_asked;
    return true;
}

void leases_took(struct fleet *f, const struct reply *r)
{
    uint64_t left_ns[LEASE_SHARE_ASKED];

    f->hooks->leases_answer(read_left(f, r, left_ns) ? left_ns : NULL, f->owner);
}
