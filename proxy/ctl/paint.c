/* SPDX-License-Identifier: Apache-2.0 */
/* Words of states in colour.  The words themselves stay: colour only helps to find them. */
#include <stdio.h>

#include "ctl.h"

static const struct hue_row {
    const char *word, *sgr;
} hue_rows[] = {
    {"SERVING", "1;32"},  {"SHEDDING", "1;33"}, {"RECOVERING", "1;35"}, {"DOWN", "1;31"},
    {"DRAINING", "1;36"}, {"serving", "32"},    {"shedding", "33"},     {"recovering", "35"},
    {"down", "31"},       {"draining", "36"},   {"closed", "32"},       {"open", "31"},
    {"half_open", "35"},  {"ramping", "33"},    {"drained", "36"},      {"held", "33"},
    {"failed", "31"},     {"refused", "33"},
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '/';
}

static const char *hue_of(struct slice word)
{
    for (size_t i = 0; i < sizeof hue_rows / sizeof hue_rows[0]; i++) {
        if (slice_eq(word, slice_str(hue_rows[i].word)))
            return hue_rows[i].sgr;
    }
    return NULL;
}

void paint(struct slice text, bool colour)
{
    while (text.len > 0) {
        size_t n = 0;
        const char *hue;
        while (n < text.len && is_word(text.p[n]))
            n++;
        hue = colour && n > 0 ? hue_of(slice_of(text.p, n)) : NULL;
        n = n == 0 ? 1 : n;
        if (hue != NULL)
            (void)printf("\033[%sm%.*s\033[0m", hue, (int)n, text.p);
        else
            (void)fwrite(text.p, 1, n, stdout);
        text = slice_from(text, n);
    }
}
