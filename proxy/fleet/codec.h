/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_CODEC_H
#define WEIR_FLEET_CODEC_H

#include "weir/base/slice.h"
#include "weir/base/text.h"
#include "weir/decide/fleet.h"
#include "weir/fleet/fleet.h"
#include "weir/fleet/shown.h"

/*
 * What is written to Redis and read from there, as text: numbers with a blank between them, in the
 * order of their table (fleet_record_rows, fleet_plan_rows).  Pure.  What is read is a stranger's:
 * it is taken whole, with every number in its range, or not at all.
 *
 *     record  FORM START VERSION SETTINGS RTT_US PERIOD_MS LEADS
 *             and for each upstream a line:  NAME RULES HELD NUMBER...
 *             then what is shown, by the sign that a line begins with: the node, its pools, its
 *             upstreams:  @ NUMBER...   =NAME NUMBER...   +NAME NUMBER...
 *     plan    FORM RULES NUMBER...
 *     order   GIVEN ENDS NODE UID VERB VALUE TEXT...
 *
 * FORM stands for the table: a weir whose tables are others does not take the numbers for its own.
 * It does not stand for what is shown: there a line of another sign, or numbers behind the known
 * ones, are of a newer weir, and left out.
 */

/* The next number of *s, decimal and at most `max`, or hexadecimal; false: there is none. */
bool codec_take_u64(struct slice *s, uint64_t max, uint64_t *out);
bool codec_take_hex(struct slice *s, uint64_t *out);

struct codec_head {
    struct slice version; /* of weir */
    uint64_t start, settings;
    uint64_t rtt_us, period_ms;
    bool leads, same_form;
};

void codec_put_head(struct text *t, const struct codec_head *h);
/* The front of *s; WEIR_BAD where it is none. */
enum weir_status codec_take_head(struct slice *s, struct codec_head *out) WEIR_MUST_CHECK;

struct codec_line {
    struct slice name; /* "pool/upstream" */
    uint64_t rules;    /* a hash of what has to agree for it to be pooled */
    uint32_t held;
    struct fleet_record record;
};
void codec_put_line(struct text *t, const struct codec_line *l);
/* The next line of *s; WEIR_NOT_FOUND at the end of them.  The record is not mended yet. */
enum weir_status codec_take_line(struct slice *s, struct codec_line *out) WEIR_MUST_CHECK;

/* Does a line of what is shown begin here? */
bool codec_is_shown(struct slice s);
void codec_put_shown(struct text *t, const struct fleet_shown *n);
/* From anywhere in a record; what is damaged is left out.  False: nothing of it is there. */
bool codec_take_shown(struct slice s, struct fleet_shown *out);

void codec_put_plan(struct text *t, uint64_t rules, const struct fleet_plan *p);
/* WEIR_BAD: no plan of this form. The plan is not mended yet. */
enum weir_status codec_take_plan(struct slice s, uint64_t *rules,
                                 struct fleet_plan *out) WEIR_MUST_CHECK;

/* Without given and ends, which the script puts in front. */
void codec_put_order(struct text *t, const struct fleet_order *o);
enum weir_status codec_take_order(struct slice what, struct slice s,
                                  struct fleet_order *out) WEIR_MUST_CHECK;

#endif
