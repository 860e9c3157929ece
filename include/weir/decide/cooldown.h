/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_COOLDOWN_H
#define WEIR_DECIDE_COOLDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/decide/num.h"

/*
 * Who is left alone by whose refusal (docs/decisions.md, "Refusals by the upstream").  A 429 speaks
 * about one user's requests for one model, a 503 or 529 about one model.  What is refused next,
 * without a good first token between, joins it: another user makes it all users, another model all
 * models, and both together the whole upstream.  One of these for each upstream; pure.
 */

enum { COOLDOWN_ENTRIES = 64 };

/*
 * The model of a request is a keyed hash, or one of two that are none: 0, it names none and may be
 * for any; this, it is for none (a list of models), and waits for none that is loading.
 */
#define COOLDOWN_NO_MODEL UINT64_C(1)

enum cooldown_by { COOLDOWN_NONE, COOLDOWN_BY_USER, COOLDOWN_BY_MODEL };

struct cooldown_scope {
    uint64_t user, model; /* keyed hashes; 0 is everybody unknown, taken as one */
    bool any_user, any_model;
};

struct cooldown_entry {
    struct cooldown_scope scope;
    uint64_t until_ns;
};

/* The last key seen and the last other one: enough to ask for "another than k, since t". */
struct latest_two {
    uint64_t key, other;
    uint64_t at_ns, other_at_ns; /* 0 = never */
};

struct cooldown {
    uint64_t until_ns;             /* of the whole upstream; 0 = never */
    uint64_t latest_ns;            /* the latest end of all entries */
    struct cooldown_scope refused; /* joined since the last good first token */
    uint64_t refused_ns;           /* when it last grew; 0 = nothing refused since */
    uint64_t refused_until_ns;
    struct latest_two users, models; /* with a good first token */
    struct cooldown_entry entry[COOLDOWN_ENTRIES];
};

struct cooldown_refusal {
    enum cooldown_by by; /* not COOLDOWN_NONE */
    uint64_t user, model;
    uint32_t retry_after_ms; /* 0: it did not say, one second */
};

/* A good first token of this user and model: what was refused before stands alone. */
void cooldown_well(struct cooldown *c, uint64_t user, uint64_t model, uint64_t now_ns);

/*
 * A refusal, with a random number source for 1 to 1.1 times the wait, at most a minute.  A later
 * one never shortens an earlier one.  True: it begins to concern everybody who was well lately.
 */
bool cooldown_refused(struct cooldown *c, const struct cooldown_refusal *r, struct random *random,
                      uint64_t now_ns);

/* When requests of this user for this model may be sent again; 0 = now. */
uint64_t cooldown_until(const struct cooldown *c, uint64_t user, uint64_t model, uint64_t now_ns);

/* Whose refusals keep requests of this user for this model away now. */
enum cooldown_whose {
    COOLDOWN_OF_NOBODY,
    COOLDOWN_OF_USER,
    COOLDOWN_OF_MODEL,
    COOLDOWN_OF_ALL, /* of different users or models: the upstream's own */
};
enum cooldown_whose cooldown_whose(const struct cooldown *c, uint64_t user, uint64_t model,
                                   uint64_t now_ns);

/* The same for whatever request may come; 0 if some may be sent now. */
uint64_t cooldown_of_all(const struct cooldown *c, uint64_t now_ns);

/* The same for everybody who was well in the last minute: what the status shows. */
uint64_t cooldown_of_known(const struct cooldown *c, uint64_t now_ns);

/* Had a user other than this one a good first token since then? */
bool cooldown_other_well(const struct cooldown *c, uint64_t user, uint64_t since_ns);

#endif
