/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest word: what somebody who misspelt a key most likely meant.  Distance is the number of
 * letters added, left out, replaced, or exchanged with their neighbour (Damerau, 1964, in the
 * restricted form in which no letter is moved twice).
 */
#include "conf_priv.h"

enum { WORD_MAX = 48 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance_between(const char *a, size_t na, const char *b, size_t nb)
{
    size_t d[3][WORD_MAX + 1]; /* the row in work and the two above it, by turns */

    for (size_t j = 0; j <= nb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *now = d[i % 3], *up = d[(i + 2) % 3], *upup = d[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            bool same = a[i - 1] == b[j - 1];
            now[j] = least(least(up[j], now[j - 1]) + 1, up[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], upup[j - 2] + 1);
        }
    }
    return d[na % 3][nb];
}

void nearest_begin(struct nearest *n, const char *word)
{
    *n = (struct nearest){word, NULL, SIZE_MAX};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
    size_t nw = strlen(n->word), nc = strlen(candidate);
    size_t d;

    if (nw == 0 || nc == 0 || nw > WORD_MAX || nc > WORD_MAX)
        return;
    d = distance_between(n->word, nw, candidate, nc);
    if (d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}

const char *nearest_found(const struct nearest *n)
{
    /* A third of the letters may be wrong, and one always, unless nothing would be left. */
    size_t allowed = strlen(n->word) / 3;

    if (allowed == 0)
        allowed = 1;
    return n->best != NULL && n->distance <= allowed && n->distance < strlen(n->best) ? n->best
                                                                                      : NULL;
}
