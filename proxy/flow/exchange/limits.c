/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of the pool as an exchange meets them: what its answer says that it took, for the gate;
 * and what the client is told of what is left.  On the worker's thread.
 */
#include "exchange_priv.h"
#include "weir/decide/quota.h"

bool exchange_take_limits(struct exchange *x)
{
    if (!x->pool->counts)
        return true;
    if (x->limits == NULL)
        x->limits = slab_take(&x->w->exchanges->limits);
    if (x->limits == NULL)
        return false;
    x->limits->q.model = body_scan_model(&x->body.scan);
    x->ticket.r.quota = &x->limits->q;
    return true;
}

void exchange_give_limits(struct exchange *x)
{
    if (x->limits != NULL)
        slab_give(&x->w->exchanges->limits, x->limits);
    x->limits = NULL;
}

/* --- what it took */

void exchange_count_usage(struct exchange *x, const struct response_head *h, bool events)
{
    if (x->limits == NULL)
        return;
    if (events) {
        answer_count_usage(&x->attempt.stream.answer, &x->limits->said.usage);
    } else if (h->status == 200 && !h->encoded) {
        usage_scan_init(&x->limits->said);
        x->attempt.reads_usage = true;
    }
}

/* Of a stream that broke off, or does not say: an event with content is a token. */
static void take_events(const struct exchange *x, struct quota_usage *q)
{
    const struct answer *a = &x->attempt.stream.answer;

    if (!x->attempt.stream.is_events || x->attempt.stream.form == FORM_BYTES)
        return;
    if (!q->knows_output || (!a->finished && q->output < a->content_events))
        q->output = a->content_events;
    q->knows_output = true;
}

/* Nothing was answered: the upstream may have read the prompt, if it has all of it. */
static struct quota_usage usage_without_answer(const struct exchange *x, enum outcome o)
{
    bool may_have_read =
        x->attempt.sent_whole && o == OUTCOME_NEUTRAL && x->attempt.head.status == 0;

    return (struct quota_usage){.knows_prompt = !may_have_read, .knows_output = true};
}

/* What the answer said, where it is one. */
static struct quota_usage usage_said(const struct exchange *x)
{
    const struct usage *u = &x->limits->said.usage;

    return (struct quota_usage){.prompt = usage_prompt(u),
                                .output = usage_output(u),
                                .knows_prompt = u->knows_prompt,
                                .knows_output = u->knows_output};
}

struct quota_usage exchange_usage(struct exchange *x, enum outcome o)
{
    struct pool_counters *p = &x->w->pools[x->pool->slot];
    struct quota_usage q;

    if (x->attempt.head.status == 200) {
        q = usage_said(x);
        take_events(x, &q);
    } else {
        q = usage_without_answer(x, o);
    }
    x->limits->took = q;
    counter_add(&p->prompt_tokens, q.knows_prompt ? q.prompt : 0);
    counter_add(&p->output_tokens, q.knows_output ? q.output : 0);
    return q;
}

/* --- what is left */

enum { NAMES_MAX = 3 };
/* limit, remaining, reset; in the words of OpenAI and of Anthropic. */
static const struct slice names[2][QUOTA_TOLD_COUNT][NAMES_MAX] = {
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define OPENAI(what)                                                                               \
    {                                                                                              \
        NAME("x-ratelimit-limit-" what), NAME("x-ratelimit-remaining-" what),                      \
            NAME("x-ratelimit-reset-" what)                                                        \
    }
#define ANTHROPIC(what)                                                                            \
    {                                                                                              \
        NAME("anthropic-ratelimit-" what "-limit"),                                                \
            NAME("anthropic-ratelimit-" what "-remaining"),                                        \
            NAME("anthropic-ratelimit-" what "-reset")                                             \
    }
    {OPENAI("requests"), OPENAI("tokens"), {NAME("")}, {NAME("")}},
    {ANTHROPIC("requests"), ANTHROPIC("tokens"), ANTHROPIC("input-tokens"),
     ANTHROPIC("output-tokens")},
#undef ANTHROPIC
#undef OPENAI
#undef NAME
};

bool exchange_tells_limits(const struct exchange *x)
{
    uint64_t any = 0;

    for (int i = 0; i < QUOTA_TOLD_COUNT; i++)
        any |= x->limits->q.left[i].most;
    return any != 0;
}

bool exchange_is_limit_field(struct slice name)
{
    static const struct slice begin[] = {{"x-ratelimit-", 12}, {"anthropic-ratelimit-", 20}};

    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
        if (name.len > begin[i].len && slice_eq_nocase(slice_of(name.p, begin[i].len), begin[i]))
            return true;
    return false;
}

/* As Go writes durations, and OpenAI's servers with it: "12ms", "1.5s", "6m0s", "23h59m59s". */
static void put_duration(struct text *t, uint32_t ms)
{
    uint32_t s = ms / 1000;

    if (ms < 1000) {
        text_printf(t, "%ums", ms);
        return;
    }
    if (s >= 3600)
        text_printf(t, "%uh", s / 3600);
    if (s >= 60)
        text_printf(t, "%um", s / 60 % 60);
    if (s < 60 && ms % 1000 != 0)
        text_printf(t, "%u.%03us", s, ms % 1000);
    else
        text_printf(t, "%us", s % 60);
}

static void put_reset(struct text *t, bool anthropic, uint32_t ms)
{
    char when[RFC3339_MAX];

    if (!anthropic) {
        put_duration(t, ms);
        return;
    }
    (void)rfc3339_format(when, wall_now_ns() + ms * NS_PER_MS + NS_PER_S - 1);
    text_put(t, slice_of(when, 19)); /* whole seconds, as theirs */
    text_char(t, 'Z');
}

static void add_one(struct field_list *l, const struct slice name[NAMES_MAX], bool anthropic,
                    const struct quota_left *left)
{
    if (left->most == 0 || name[0].len == 0)
        return;
    text_u64(field_begin(l, name[0]), left->most);
    field_end(l);
    text_u64(field_begin(l, name[1]), left->left);
    field_end(l);
    put_reset(field_begin(l, name[2]), anthropic, left->reset_ms);
    field_end(l);
}

/* Whoever knows of "tokens" only is told of whichever is nearest. */
static struct quota_left nearest_tokens(const struct quota_left *left)
{
    struct quota_left nearest = {0};

    for (int i = QUOTA_TOLD_TOKENS; i < QUOTA_TOLD_COUNT; i++)
        if (left[i].most != 0 && (nearest.most == 0 || left[i].left < nearest.left))
            nearest = left[i];
    return nearest;
}

void exchange_add_limits(const struct exchange *x, struct field_list *l)
{
    const struct quota_left *left;
    bool anthropic = x->request.wish.anthropic;

    if (x->limits == NULL)
        return;
    left = x->limits->q.left;
    for (int i = 0; i < QUOTA_TOLD_COUNT; i++) {
        struct quota_left one = i == QUOTA_TOLD_TOKENS ? nearest_tokens(left) : left[i];

        add_one(l, names[anthropic][i], anthropic, &one);
    }
}

const char *exchange_say_limit(const struct exchange *x, char *mem, size_t room)
{
    const struct quota_refusal *no;
    struct text t;

    if (x->limits == NULL || x->limits->q.no.most == 0)
        return NULL;
    no = &x->limits->q.no;
    text_init(&t, mem, room - 1);
    text_printf(&t, "%llu of %llu %s are used", (unsigned long long)no->used,
                (unsigned long long)no->most, quota_limit_words((enum quota_limit)no->limit));
    mem[text_slice(&t).len] = '\0';
    return mem;
}
