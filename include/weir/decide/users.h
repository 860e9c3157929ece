/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_USERS_H
#define WEIR_DECIDE_USERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The places of each user, so that one user's flood does not lock the others out: a fixed table
 * from keyed hash to places and the end of that user's own list of
 * appointments (docs/decisions.md, "Fairness").  A user that finds no slot is not counted.
 */

enum { USERS_SLOTS = 16384, USERS_GROUP = 8 };

struct user_slot {
    uint64_t user;
    uint64_t seen_ns;
    uint64_t appoint_ns; /* end of the list of appointments */
    uint64_t placed_ns;  /* when it last got a place */
    uint64_t surplus_ns; /* when it last asked for more than its share; 0 = never */
    uint32_t places;     /* in flight and in the queue */
    uint32_t round;      /* counted in users.seen */
};

struct users {
    uint64_t round_ns;
    uint32_t round;
    uint32_t seen, seen_before; /* distinct users in this and the last round of 10 s */
    uint32_t with_places;       /* users with a place */
    struct user_slot slot[USERS_SLOTS];
};

/* A request of this user came.  NULL: no room in the table, or user is 0. */
struct user_slot *users_arrived(struct users *t, uint64_t user, uint64_t now_ns);

struct user_slot *users_find(struct users *t, uint64_t user);

void user_takes_place(struct users *t, struct user_slot *u);
void user_gives_place(struct users *t, struct user_slot *u);

/* Distinct users who came in the last 10 to 20 s or have a place, whichever are more. */
uint32_t users_recent(struct users *t, uint64_t now_ns);

#endif
