/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sentences of the lists in decide/canary.h. */
#include "weir/decide/canary.h"

#define NAME_ROW(e, name, says) name,
#define SAYS_ROW(e, name, says) says,

const char *canary_measure_name(enum canary_measure m)
{
    static const char *const names[] = {WEIR_CANARY_MEASURES(NAME_ROW)};

    return names[m];
}

const char *canary_state_name(enum canary_state s)
{
    static const char *const names[] = {WEIR_CANARY_STATES(NAME_ROW)};

    return names[s];
}

const char *canary_why_name(enum canary_why w)
{
    static const char *const names[] = {WEIR_CANARY_WHYS(NAME_ROW)};

    return names[w];
}

const char *canary_pause_name(enum canary_pause p)
{
    static const char *const names[] = {WEIR_CANARY_PAUSES(NAME_ROW)};

    return names[p];
}

const char *canary_says(enum canary_why w, enum canary_measure m)
{
    static const char *const of_why[] = {WEIR_CANARY_WHYS(SAYS_ROW)};
    static const char *const of_measure[] = {WEIR_CANARY_MEASURES(SAYS_ROW)};

    return w == CANARY_IS_WORSE ? of_measure[m] : of_why[w];
}

const char *canary_pause_says(enum canary_pause p)
{
    static const char *const says[] = {WEIR_CANARY_PAUSES(SAYS_ROW)};

    return says[p];
}
