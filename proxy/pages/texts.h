/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_PAGES_TEXTS_H
#define WEIR_PAGES_TEXTS_H

#include <stdint.h>

#include "pages_priv.h"

/*
 * Every word a person reads, in every language: UTF-8, immutable.  {n} stands for a number or a
 * time; singular and plural are texts of their own.
 */
enum page_part { PART_TITLE, PART_HAPPENED, PART_DOING, PAGE_PART_COUNT };

enum word {
    WORD_WAIT_ONE,
    WORD_WAIT_MANY,
    WORD_SHARE,
    WORD_INCIDENT,
    WORD_REQUEST,
    WORD_STATUS_LINK,
    WORD_SINCE,
    WORD_UPDATED,
    WORD_HISTORY,
    WORD_EXPECTED_SECONDS,
    WORD_EXPECTED_MINUTES,
    WORD_COUNT,
};

const char *page_text(enum page_kind k, enum page_part part, uint8_t language);
const char *word_text(enum word w, uint8_t language);
/* Title and sentence of a state. */
const char *state_text(enum service_state s, enum page_part part, uint8_t language);

#endif
