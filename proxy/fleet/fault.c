/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of Redis's, by their first words.  Pure. */
#include "fault.h"

#include <string.h>

static const char *const fault_words[LINK_FAULT_COUNT] = {
#define ROW(e, word) [e] = word,
    WEIR_LINK_FAULTS(ROW)
#undef ROW
};

static bool has_word(struct slice s, const char *word)
{
    return memmem(s.p, s.len, word, strlen(word)) != NULL;
}

/* A script's error carries that of its command inside. */
enum link_fault fault_of(struct slice error)
{
    bool by_script = slice_starts(error, SLICE_LIT("ERR Error running script"));

    if (error.len == 0)
        return LINK_FINE;
    for (int f = 0; f < LINK_FAULT_COUNT; f++) {
        const char *word = fault_words[f];
        size_t len = word == NULL ? 0 : strlen(word);

        if (word == NULL)
            continue;
        if (slice_starts(error, slice_of(word, len)) &&
            (error.len == len || error.p[len] == ' ' || error.p[len] == ':'))
            return (enum link_fault)f;
        if (by_script && f != LINK_BUSY && has_word(error, word))
            return (enum link_fault)f;
    }
    return LINK_FINE;
}

bool fault_is_lasting(enum link_fault f)
{
    return f == LINK_NOAUTH || f == LINK_WRONGPASS || f == LINK_NOPERM || f == LINK_REFUSED;
}
