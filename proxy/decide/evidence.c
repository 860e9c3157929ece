/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence table, and how an end is read.  Who acts on it: outcome.c. */
#include "weir/decide/evidence.h"

#include "weir/base/assert.h"

#define EMPTY                                                                                      \
    {                                                                                              \
        BREAKER_TAKES_NOTHING, MARK_NONE, COOLDOWN_NONE, ABOUT_NOBODY                              \
    }
#define ROW(b, m, c, a)                                                                            \
    {                                                                                              \
        BREAKER_TAKES_##b, MARK_##m, COOLDOWN_##c, ABOUT_##a                                       \
    }
/* For generation and other routes alike, and as a probe; never of a check. */
#define ALIKE(b, m, c, a)                                                                          \
    {                                                                                              \
        [ROLE_GENERATION] = ROW(b, m, c, a), [ROLE_ROUTE] = ROW(b, m, c, a),                       \
        [ROLE_PROBE] = ROW(b, m, c, a), [ROLE_CHECK] = EMPTY,                                      \
    }
/* As a probe it is judged at once, and asks for no second user. */
#define PROBE_ELSE(pb, pm, pa, b, m, c, a)                                                         \
    {                                                                                              \
        [ROLE_GENERATION] = ROW(b, m, c, a), [ROLE_ROUTE] = ROW(b, m, c, a),                       \
        [ROLE_PROBE] = ROW(pb, pm, c, pa), [ROLE_CHECK] = EMPTY,                                   \
    }
#define CHECK(b)                                                                                   \
    {                                                                                              \
        [ROLE_CHECK] = ROW(b, NONE, NONE, UPSTREAM)                                                \
    }

static const struct evidence_row rows[SIGN_COUNT][ROLE_COUNT] = {
    [SIGN_ON_TIME] = ALIKE(OK, ON_TIME, NONE, KIND),
    [SIGN_LATE_TOKEN] = ALIKE(OK_LATE, LATE, NONE, KIND),
    [SIGN_TOKEN] = ALIKE(OK, NONE, NONE, KIND),
    [SIGN_OVERDUE] = ALIKE(LATE, LATE, NONE, KIND),
    [SIGN_WHOLE] = ALIKE(END, NONE, NONE, KIND),
    [SIGN_NO_CONNECTION] = ALIKE(FAILURE, ERROR, NONE, UPSTREAM),
    [SIGN_FAILED] = ALIKE(FAILURE, ERROR, NONE, KIND),
    [SIGN_OWN_FAILURE] = ALIKE(OWN, ERROR, NONE, USER),
    [SIGN_CUT] = ALIKE(CUT, NONE, NONE, KIND),
    [SIGN_USER_REFUSED] = ALIKE(REFUSAL, NONE, BY_USER, USER),
    [SIGN_LOAD_REFUSED] = ALIKE(REFUSAL, NONE, BY_MODEL, MODEL),
    [SIGN_CLIENT_ERROR] = ALIKE(CLIENT, NONE, NONE, USER),
    [SIGN_NEUTRAL] = ALIKE(NOTHING, NONE, NONE, NOBODY),
    [SIGN_GONE] = ALIKE(NOTHING, NONE, NONE, NOBODY),
    [SIGN_ABANDONED] = PROBE_ELSE(LATE, LATE, KIND, ABANDON, LATE, NONE, USER),
    /* load is shown by what was expected of the request, never by what was promised */
    [SIGN_PROMISE_BROKEN] = PROBE_ELSE(LATE, NONE, KIND, ABANDON, NONE, NONE, USER),
    [SIGN_CHECK_GOOD] = CHECK(CHECK_OK),
    [SIGN_CHECK_BAD] = CHECK(CHECK_BAD),
};

const struct evidence_row *evidence_row(enum sign s, enum role r)
{
    WEIR_ASSERT((unsigned)s < SIGN_COUNT && (unsigned)r < ROLE_COUNT);
    return &rows[s][r];
}

#define STATUS_OWN 500u /* some engines answer so to one client's bad request */

enum outcome evidence_of_status(int status)
{
    static const struct {
        int status;
        enum outcome outcome;
    } own[] = {
        {429, OUTCOME_REFUSED}, {503, OUTCOME_REFUSED}, {529, OUTCOME_REFUSED},
        {501, OUTCOME_NEUTRAL}, {505, OUTCOME_NEUTRAL}, {511, OUTCOME_NEUTRAL},
    };

    for (unsigned i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i].status == status)
            return own[i].outcome;
    if (status >= 500)
        return OUTCOME_FAILED;
    return status >= 400 ? OUTCOME_NEUTRAL : OUTCOME_OK;
}

static enum sign sign_of_aborted(const struct ended *e)
{
    if (e->first)
        return SIGN_GONE;
    if (e->overdue)
        return SIGN_ABANDONED;
    return e->past_promise ? SIGN_PROMISE_BROKEN : SIGN_GONE;
}

static enum sign sign_of_neutral(const struct ended *e)
{
    if (e->aborted)
        return sign_of_aborted(e);
    return e->status >= 400 && e->status < 500 && !e->first ? SIGN_CLIENT_ERROR : SIGN_NEUTRAL;
}

enum sign sign_of_end(const struct ended *e)
{
    switch (e->outcome) {
    case OUTCOME_OK:
        return SIGN_WHOLE;
    case OUTCOME_CONNECT_FAILED:
        return e->first ? SIGN_CUT : SIGN_NO_CONNECTION;
    case OUTCOME_FAILED:
    case OUTCOME_STALLED:
        if (e->first)
            return SIGN_CUT;
        return e->status == STATUS_OWN ? SIGN_OWN_FAILURE : SIGN_FAILED;
    case OUTCOME_REFUSED:
        /* inside a stream (200) the code is not handed on: it is the model's, as load is */
        return e->status == 429 ? SIGN_USER_REFUSED : SIGN_LOAD_REFUSED;
    case OUTCOME_NEUTRAL:
        return sign_of_neutral(e);
    }
    WEIR_UNREACHABLE("outcome");
}
