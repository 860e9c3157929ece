/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of our languages a reader wants (RFC 9110, 12.5.4; lookup as in RFC 4647, 3.4).
 */
#include "pages_priv.h"

#include "weir/base/assert.h"

/* The order of the columns in texts.c. */
static const char *const tags[] = {"en", "fr", "de", "es"};
enum { LANGUAGES = sizeof tags / sizeof tags[0] };
_Static_assert((int)LANGUAGES <= (int)LANGUAGES_MAX, "answer_wish keeps one of LANGUAGES_MAX");

uint8_t language_count(void)
{
    return LANGUAGES;
}

const char *language_tag(uint8_t language)
{
    WEIR_ASSERT(language < LANGUAGES);
    return tags[language];
}

uint32_t language_set(const char *const *names, size_t n, const char **unknown)
{
    uint32_t set = 0;

    for (size_t i = 0; i < n; i++) {
        uint8_t l = 0;
        while (l < LANGUAGES && strcmp(names[i], tags[l]) != 0)
            l++;
        if (l < LANGUAGES)
            set |= UINT32_C(1) << l;
        else if (unknown != NULL)
            *unknown = names[i];
    }
    return set != 0 ? set : LANGUAGES_ALL;
}

/* What a list says about one language. */
struct wanted {
    int permille; /* -1 = not mentioned */
    int place;    /* in the list, for ties */
};

/* de-AT asks for de, for want of it; but only "de" itself can exclude de. */
static void note_range(struct wanted wanted[LANGUAGES], const struct weighted *r, int place)
{
    for (size_t l = 0; l < LANGUAGES; l++) {
        size_t len = strlen(tags[l]);
        bool exact = r->item.len == len;

        if (r->item.len < len || !slice_eq_nocase(slice_of(r->item.p, len), slice_str(tags[l])) ||
            (!exact && (r->item.p[len] != '-' || r->permille == 0)))
            continue;
        if (r->permille > wanted[l].permille)
            wanted[l] = (struct wanted){r->permille, place};
    }
}

static int best_of(const struct wanted wanted[LANGUAGES], uint32_t among)
{
    int best = -1;

    for (int l = 0; l < LANGUAGES; l++) {
        if ((among >> l & 1) == 0 || wanted[l].permille <= 0)
            continue;
        if (best < 0 || wanted[l].permille > wanted[best].permille ||
            (wanted[l].permille == wanted[best].permille && wanted[l].place < wanted[best].place))
            best = l;
    }
    return best;
}

static uint8_t first_of(uint32_t among)
{
    for (uint8_t l = 0; l < LANGUAGES; l++) {
        if ((among >> l & 1) != 0)
            return l;
    }
    return 0;
}

uint8_t language_choose(struct slice accept_language, uint32_t among)
{
    struct wanted wanted[LANGUAGES], any = {-1, 0};
    struct weighted r;
    int best;

    for (size_t l = 0; l < LANGUAGES; l++)
        wanted[l] = (struct wanted){-1, 0};
    for (int place = 0; weighted_next(&accept_language, &r); place++) {
        if (slice_eq(r.item, SLICE_LIT("*")))
            any = (struct wanted){r.permille, place};
        else
            note_range(wanted, &r, place);
    }
    for (size_t l = 0; l < LANGUAGES; l++) {
        if (wanted[l].permille < 0)
            wanted[l] = any;
    }
    best = best_of(wanted, among);
    return best >= 0 ? (uint8_t)best : first_of(among);
}
