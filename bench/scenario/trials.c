/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be found out.  Pure. */
#include "bench/scenario/trials.h"

#include <stdio.h>

#define ALL  .least = 0.99, .most = 1
#define MOST .least = 0.9, .most = 1

const struct trial trials[] = {
    {"nothing: a healthy backend", .end = TURN_GOOD, ALL},
    {"200 with nothing", "blank", .end = TURN_EMPTY, ALL},
    {"a stream without content", "empty", .end = TURN_EMPTY, ALL},
    {"one that delays every token", "slow=100", .end = TURN_SLOW, MOST},
    {"one whose first token is late", "slow=600", .end = TURN_LATE, MOST},
    {"one that closes within the stream", "cut=3", .end = TURN_CUT, ALL},
    {"one that does so now and then", "cut=3 share=0.3", .end = TURN_CUT, .least = 0.1,
     .most = 0.6},
    {"one that resets within the stream", "cut-reset=3", .end = TURN_CUT, ALL},
    {"half an answer that ends in order", "cut-clean=3", .end = TURN_UNMARKED, ALL},
    {"an error inside a 200, first event", "in-band", .end = TURN_IN_BAND, ALL},
    {"an error inside a 200, later", "in-band=2 code=500", .end = TURN_IN_BAND, ALL},
    {"a refusal that does not say when to come back", "503", .end = TURN_STATUS, ALL},
    {"a Retry-After that is a lie", "503 retry-after=1", .end = TURN_REFUSED, ALL, .retries = 1,
     .hint_lies = true},
    {"a reset instead of an answer", "reset", .end = TURN_NO_ANSWER, ALL},
    {"an answer that is not HTTP", "bad-head", .end = TURN_BAD, ALL},
    {"silence", "stall", .end = TURN_GAVE_UP, ALL},
    {"somebody else's tokens", "mixed", .end = TURN_GOOD, ALL, .mixed = true},
    {"nobody there", "down", .end = TURN_NO_CONNECT, ALL},
    {"nothing: an honest relay", .proxy = "", .end = TURN_GOOD, ALL},
    {"a proxy that answers 200 with nothing", .proxy = "null", .end = TURN_EMPTY, ALL},
    {"a proxy that delays by 30 ms", .proxy = "delay=30ms", .end = TURN_GOOD, ALL, .delay_ms = 30},
    {"a proxy that delays beyond the promise", .proxy = "delay=1000ms", .end = TURN_LATE, MOST},
    {"a proxy that cuts", .proxy = "cut=600", .end = TURN_CUT, ALL},
    {"a proxy that alters a letter", .proxy = "alter", .end = TURN_ALTERED, MOST},
    {"a proxy that lies about Retry-After", .proxy = "lie=1", .end = TURN_REFUSED, .least = 0.4,
     .most = 0.6, .retries = 1, .hint_lies = true},
};
const size_t n_trials = sizeof trials / sizeof trials[0];

struct load_conf trial_load(const struct trial *t)
{
    return (struct load_conf){.speech = SPEECH_CHAT,
                              .model = "weir-bench",
                              .turns = 1,
                              .sdk = sdk_find("person"),
                              .retries = t->retries,
                              .patience_s = 4,
                              .silence_s = 4,
                              .ttft_promise_s = 0.8,
                              .pace_promise_s = 0.1,
                              .prompt_median = 50,
                              .output_median = 4,
                              .exact = true,
                              .verify = true,
                              .check = true,
                              .seed = 1,
                              .max_open = 1000,
                              .shape = {.n_pieces = 1,
                                        .end_s = 0.8,
                                        .even = true,
                                        .pieces = {{.end_s = 0.8, .from = 40, .to = 40}}}};
}

bool trial_found_out(const struct trial *t, const struct load_sums *s, double median_ttft_ms,
                     char *why, size_t why_size)
{
    double share = s->turns == 0 ? 0 : (double)s->ends[t->end] / (double)s->turns;

    if (share < t->least || share > t->most) {
        (void)snprintf(why, why_size, "%.0f %% of %llu turns ended as %s, wanted %.0f to %.0f %%",
                       100 * share, (unsigned long long)s->turns, turn_end_name(t->end),
                       100 * t->least, 100 * t->most);
        return false;
    }
    if (t->hint_lies && (s->hinted == 0 || s->hints_kept > 0)) {
        (void)snprintf(why, why_size, "of %llu that came when told to, %llu were let in",
                       (unsigned long long)s->hinted, (unsigned long long)s->hints_kept);
        return false;
    }
    if (t->mixed != (s->mixed > 0)) {
        (void)snprintf(why, why_size, "%llu answers with foreign tokens were noticed",
                       (unsigned long long)s->mixed);
        return false;
    }
    if (median_ttft_ms < t->delay_ms) {
        (void)snprintf(why, why_size, "a first token after %.1f ms, wanted at least %.0f",
                       median_ttft_ms, t->delay_ms);
        return false;
    }
    return true;
}
