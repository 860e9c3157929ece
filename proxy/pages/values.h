/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_PAGES_VALUES_H
#define WEIR_PAGES_VALUES_H

#include "pages_priv.h"
#include "template.h"
#include "texts.h"

#include "weir/base/clock.h"

/*
 * The making of the values that fill a template: small texts one after the other in one memory that
 * lives as long as the page is being written.
 */
struct value_memory {
    char id[CLEAN_ID_MAX], incident[CLEAN_TEXT_MAX], made[2048];
    struct text t; /* writes into made */
};

void values_init(struct page_values *v, struct value_memory *m, uint8_t language);

struct slice make_number(struct value_memory *m, uint64_t n);
/* A text with {n} filled in. */
struct slice make_with(struct value_memory *m, const char *text, struct slice n);
struct slice make_minute(struct value_memory *m, uint64_t wall_ns);
struct slice make_time(struct value_memory *m, uint64_t wall_ns);

/* What refusals and the status page both have. */
void fill_incident(struct page_values *v, struct value_memory *m, const char *incident);
void fill_share(struct page_values *v, struct value_memory *m, double share, uint8_t language);

/* Renders and appends; WEIR_LIMIT as buf_append, or if the page would be longer than any may be. */
enum weir_status page_render(struct slice tpl, const struct page_values *v, struct buf *out,
                             size_t max) WEIR_MUST_CHECK;

#endif
