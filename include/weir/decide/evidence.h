/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_DECIDE_EVIDENCE_H
#define WEIR_DECIDE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/words.h"
#include "weir/decide/cooldown.h"

/*
 * The evidence table: what each thing that can become of a request says, by the part that the
 * request plays, and about whom (docs/decisions.md, "Whose evidence").  Whatever feeds breaker,
 * limiter, cooldown and ramp is looked up here.  Pure.
 */

/* What was seen.  X(enumerator, "words for it") */
#define WEIR_SIGNS(X)                                                                              \
    X(SIGN_ON_TIME, "a first token in time")                                                       \
    X(SIGN_LATE_TOKEN, "a first token, and late")                                                  \
    X(SIGN_TOKEN, "a first token whose time says nothing, or was judged before")                   \
    X(SIGN_OVERDUE, "no first token at its deadline")                                              \
    X(SIGN_WHOLE, "a clean end")                                                                   \
    X(SIGN_NO_CONNECTION, "no connection")                                                         \
    X(SIGN_FAILED, "a failure before any content")                                                 \
    X(SIGN_OWN_FAILURE, "a 500, which may be the request's own fault")                             \
    X(SIGN_CUT, "a break or stall after content")                                                  \
    X(SIGN_USER_REFUSED, "a 429")                                                                  \
    X(SIGN_LOAD_REFUSED, "a 503 or 529")                                                           \
    X(SIGN_CLIENT_ERROR, "another 4xx")                                                            \
    X(SIGN_NEUTRAL, "501, 505, 511, a slow client, what weir itself is short of")                  \
    X(SIGN_GONE, "the client left before the deadline, or after content")                          \
    X(SIGN_ABANDONED, "the client left without a first token after the deadline")                  \
    X(SIGN_PROMISE_BROKEN, "the client left without one before the deadline, after first_token")   \
    X(SIGN_CHECK_GOOD, "a check that passed")                                                      \
    X(SIGN_CHECK_BAD, "a row of checks that failed")

#define WEIR_ENUM_ROW(e, words)  e,
#define WEIR_COUNT_ROW(e, words) +1
enum sign { WEIR_SIGNS(WEIR_ENUM_ROW) };
enum { SIGN_COUNT = 0 WEIR_SIGNS(WEIR_COUNT_ROW) };
#undef WEIR_ENUM_ROW
#undef WEIR_COUNT_ROW

/* The part a request plays. */
enum role { ROLE_GENERATION, ROLE_ROUTE, ROLE_PROBE, ROLE_CHECK, ROLE_COUNT };

/* What the breaker takes it for; rows and windows are those of the request's kind. */
enum breaker_takes {
    BREAKER_TAKES_NOTHING,
    BREAKER_TAKES_OK,       /* ends the row of failures of its kind; a good probe */
    BREAKER_TAKES_OK_LATE,  /* the same, but a probe that is late opens */
    BREAKER_TAKES_LATE,     /* only a probe that is late opens */
    BREAKER_TAKES_END,      /* ends the row of cuts of its kind */
    BREAKER_TAKES_FAILURE,  /* one more in the row */
    BREAKER_TAKES_OWN,      /* once a user while another user is well */
    BREAKER_TAKES_CUT,      /* takes its ok back */
    BREAKER_TAKES_REFUSAL,  /* no failure; many with nothing good is a dead service */
    BREAKER_TAKES_CLIENT,   /* counted for the choice among peers only */
    BREAKER_TAKES_ABANDON,  /* a failure if a second user does the same */
    BREAKER_TAKES_CHECK_OK, /* ends the wait of one that checks had opened */
    BREAKER_TAKES_CHECK_BAD,
};

/* The mark that the limiter and the ramp get. */
enum mark { MARK_NONE, MARK_ON_TIME, MARK_LATE, MARK_ERROR };

/* Whom it speaks about. */
enum about { ABOUT_NOBODY, ABOUT_UPSTREAM, ABOUT_KIND, ABOUT_USER, ABOUT_MODEL };

struct evidence_row {
    enum breaker_takes breaker;
    enum mark limiter;
    enum cooldown_by cooldown;
    enum about about;
};

/* Static.  An impossible pair (a check that is a token) has a row of nothing. */
const struct evidence_row *evidence_row(enum sign s, enum role r);

/* The outcome that a status, or the code of an error inside a stream, stands for. */
enum outcome evidence_of_status(int status);

/*
 * What an ended request showed.  first: it had content.  overdue: its deadline had passed.
 * past_promise: so had the longest that the settings promise, `first_token`.
 */
struct ended {
    enum outcome outcome;
    uint32_t status; /* 0 = none came */
    bool aborted, first, overdue, past_promise;
};
enum sign sign_of_end(const struct ended *e);

#endif
