/* SPDX-License-Identifier: Apache-2.0 */
/* The table of client behaviours.  Pure. */
#include "bench/load/sdk.h"

#include <math.h>
#include <string.h>

#include "bench/common/draw.h"
#include "bench/common/units.h"

const struct sdk sdks[] = {
    {.name = "none", .help = "never retries", .user_agent = "weir-bench"},
    {.name = "openai",
     .help = "openai JS and Python: 2 retries, 0.5 s x 2^n to 8 s, follows hints below 60 s",
     .retries = 2,
     .obeys_should_retry = true,
     .reads_ms = true,
     .hint_max_s = 60,
     .base_s = 0.5,
     .factor = 2,
     .cap_s = 8,
     .low = 0.75,
     .high = 1,
     .user_agent = "OpenAI/JS 6.0.0",
     .stainless = true},
    {.name = "anthropic",
     .help = "@anthropic-ai/sdk and Python: as openai",
     .retries = 2,
     .obeys_should_retry = true,
     .reads_ms = true,
     .hint_max_s = 60,
     .base_s = 0.5,
     .factor = 2,
     .cap_s = 8,
     .low = 0.75,
     .high = 1,
     .user_agent = "Anthropic/JS 1.0.0",
     .stainless = true},
    {.name = "vercel",
     .help = "Vercel ai: 2 retries, 2 s x 2^n without jitter, follows hints below 60 s",
     .retries = 2,
     .reads_ms = true,
     .hint_max_s = 60,
     .base_s = 2,
     .factor = 2,
     .cap_s = 60,
     .low = 1,
     .high = 1,
     .user_agent = "ai/5.0.0"},
    {.name = "langchain",
     .help = "LangChain JS: 6 retries, 1-2 s x 2^n, follows Retry-After on 429 only",
     .retries = 6,
     .hint_max_s = 60,
     .hint_on_429_only = true,
     .retries_all = true,
     .base_s = 1,
     .factor = 2,
     .cap_s = 3600,
     .low = 1,
     .high = 2,
     .user_agent = "langchainjs-openai/1.0.0"},
    {.name = "person",
     .help = "somebody with a browser: 4 tries more, when the page says or after 2-8 s",
     .retries = 4,
     .hint_max_s = 3600,
     .patient_hint = true,
     .retries_all = true,
     .base_s = 2,
     .factor = 1,
     .cap_s = 8,
     .low = 1,
     .high = 4,
     .user_agent = "Mozilla/5.0 (weir-bench)"},
};
const int n_sdks = (int)(sizeof sdks / sizeof sdks[0]);

const struct sdk *sdk_find(const char *name)
{
    for (int i = 0; i < n_sdks; i++) {
        if (strcmp(sdks[i].name, name) == 0)
            return &sdks[i];
    }
    return NULL;
}

static double number_field(const struct head *h, const char *name)
{
    double n;

    return real_parse(head_field(h, name), &n) == WEIR_OK ? n : -1;
}

void sdk_read_head(const struct head *h, struct sdk_attempt *a)
{
    struct slice should = head_field(h, "x-should-retry");

    a->connected = true;
    a->status = h->status;
    a->accepted = h->status < 300;
    a->hint_ms = number_field(h, "retry-after-ms");
    a->hint_s = number_field(h, "retry-after");
    a->should_retry = slice_eq(should, SLICE_LIT("true"))    ? 1
                      : slice_eq(should, SLICE_LIT("false")) ? 0
                                                             : -1;
}

static bool wants_retry(const struct sdk *s, const struct sdk_attempt *a)
{
    if (a->accepted)
        return false;
    if (!a->connected)
        return true;
    if (s->obeys_should_retry && a->should_retry >= 0)
        return a->should_retry == 1;
    if (s->retries_all)
        return !(a->status >= 400 && a->status <= 407) && a->status != 409 && a->status != 413;
    return a->status == 408 || a->status == 409 || a->status == 429 || a->status >= 500;
}

/* The hint this SDK would follow, seconds; negative is none. */
static double usable_hint(const struct sdk *s, const struct sdk_attempt *a)
{
    double hint = s->reads_ms && a->hint_ms >= 0 ? a->hint_ms / 1000 : a->hint_s;

    if (!a->connected || hint <= 0 || (s->hint_on_429_only && a->status != 429))
        return -1;
    if (hint >= s->hint_max_s && !s->patient_hint)
        return -1;
    return hint;
}

double sdk_retry_after(const struct sdk *s, int retries, int done, const struct sdk_attempt *a,
                       struct rng *r, bool *by_hint)
{
    double wait = usable_hint(s, a), back_off;

    *by_hint = false;
    if (done >= (retries < 0 ? s->retries : retries) || !wants_retry(s, a))
        return -1;
    if (wait >= 0) {
        *by_hint = true;
        return wait;
    }
    back_off = s->base_s * pow(s->factor, done);
    back_off = back_off < s->cap_s ? back_off : s->cap_s;
    return back_off * draw_between(r, s->low, s->high);
}

bool sdk_is_polite(const struct sdk_attempt *a)
{
    bool says_when = (a->hint_s >= 1 && a->hint_s < 60) || (a->hint_ms > 0 && a->hint_ms < 60000);

    return says_when && (a->status == 429 || a->status == 503 || a->status == 529);
}
