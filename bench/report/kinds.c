/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals and failures by kind, for each target of a scenario. */
#include <string.h>

#include "bench/report/report_priv.h"
#include "bench/scenario/ask.h"
#include "weir/base/words.h"

/* One row if any run has the key in that member: counts, and a dash where there is no such member.
 */
static void put_row(struct grow *g, const struct chapter *c, const char *member, const char *key,
                    const char *title)
{
    double most = 0;

    for (size_t r = 0; r < c->n; r++) {
        double n = json_number_value(json_object_get(json_object_get(c->runs[r], member), key));
        most = n > most ? n : most;
    }
    if (most <= 0)
        return;
    grow_str(g, "<tr><th>");
    put_html(g, title);
    grow_str(g, "</th>");
    for (size_t r = 0; r < c->n; r++) {
        const json_t *m = json_object_get(c->runs[r], member);
        if (json_object_size(m) == 0)
            grow_str(g, "<td>&ndash;</td>");
        else
            grow_printf(g, "<td>%.0f</td>", json_number_value(json_object_get(m, key)));
    }
    grow_str(g, "</tr>\n");
}

static const struct {
    const char *key, *title;
} attempt_ends[] = {
    {"good", "good"},
    {"late", "whole, but the first token late"},
    {"slow", "whole, but slow"},
    {"left", "the person left, as they had meant to"},
    {"refused", "refused, told when to come back"},
    {"error_status", "an error status, or a refusal that does not say when to come back"},
    {"no_connect", "no connection"},
    {"no_answer", "closed or reset before an answer"},
    {"cut", "closed or reset within the answer"},
    {"unmarked", "half an answer that looks whole"},
    {"in_band_error", "an error inside a 200"},
    {"empty", "a 200 with nothing in it"},
    {"bad_answer", "no HTTP"},
    {"altered", "a body that arrived other than it was sent"},
    {"silent", "the stream fell silent"},
    {"gave_up", "no first token within the patience"},
};

void kinds_table(struct grow *g, const struct chapter *c)
{
    char title[64];

    grow_str(g, "<table><thead><tr><th class=\"l\">what the attempts came to, retries "
                "included</th>");
    for (size_t r = 0; r < c->n; r++) {
        grow_str(g, "<th>");
        put_html(g, json_text_at(c->runs[r], "target"));
        grow_str(g, "</th>");
    }
    grow_str(g, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < sizeof attempt_ends / sizeof attempt_ends[0]; i++)
        put_row(g, c, "tries", attempt_ends[i].key, attempt_ends[i].title);
    for (int i = CAUSE_REFUSAL_FIRST; i < CAUSE_REFUSAL_FIRST + CAUSE_REFUSAL_COUNT; i++) {
        const char *cause = cause_name((enum cause)i);
        (void)snprintf(title, sizeof title, "weir refused: %s", cause);
        put_row(g, c, "shed", cause, title);
    }
    grow_str(g, "</tbody></table>\n");
}
