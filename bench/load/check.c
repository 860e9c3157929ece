/* SPDX-License-Identifier: Apache-2.0 */
/* Whether both bodies arrived as they were sent: sums that the simulated backend tells. */
#include <stdlib.h>

#include "bench/http/fnv.h"
#include "bench/load/load_priv.h"

void check_start(struct virtual_user *p)
{
    p->told = p->asked_differs = false;
    p->told_ms = -1;
    p->told_sum = 0;
    p->answer_sum = fnv_start;
}

/* A field of 16 hexadecimal digits.  False: there is none. */
static bool read_sum(const struct head *h, const char *name, uint64_t *out)
{
    struct slice s = head_field(h, name);
    char text[17] = "";

    if (s.len != 16)
        return false;
    memcpy(text, s.p, 16);
    *out = strtoull(text, NULL, 16);
    return true;
}

void check_read_head(struct virtual_user *p, const struct head *h)
{
    struct slice first = head_field(h, "x-bench-first-ms");
    uint64_t asked;

    if (!p->load->conf.check || !read_sum(h, "x-bench-asked", &asked))
        return;
    p->told = true;
    p->asked_differs = asked != p->asked_sum;
    (void)read_sum(h, "x-bench-answer", &p->told_sum);
    if (first.len > 0 && real_parse(first, &p->told_ms) != WEIR_OK)
        p->told_ms = -1;
}

/* An empty stream has no sum, and one that was broken off: those are their own kinds of end. */
static bool lacks_sum(const struct reading *r)
{
    return r->ended && !r->failed && r->content > 0 && !r->sum_seen;
}

bool check_failed(const struct virtual_user *p)
{
    if (!p->load->conf.check || !p->told)
        return false;
    if (p->event_stream)
        return p->asked_differs || p->reading.sum_wrong || lacks_sum(&p->reading);
    return p->asked_differs || p->answer_sum != p->told_sum;
}
