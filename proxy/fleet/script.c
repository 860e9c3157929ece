/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a script: EVALSHA, and EVAL where Redis does not know it.  Control thread. */
#include "script.h"

#include <stdio.h>
#include <string.h>

void script_word(struct script_call *c, struct slice word)
{
    if (c->n == LINK_WORDS_MAX || word.len > sizeof c->bytes - c->used) {
        c->full = true;
        return;
    }
    if (word.len > 0)
        memcpy(c->bytes + c->used, word.p, word.len);
    c->words[c->n++] = slice_of(c->bytes + c->used, word.len);
    c->used += word.len;
}

void script_i64(struct script_call *c, int64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    script_word(c, slice_str(text));
}

static void begin(struct script_call *c, struct link *l, const struct script *s)
{
    c->link = l;
    c->script = s;
    c->n = c->used = 0;
    c->full = false;
}

void script_begin(struct script_call *c, struct link *l, const struct script *s,
                  struct slice prefix)
{
    begin(c, l, s);
    script_word(c, SLICE_LIT("EVALSHA"));
    script_word(c, slice_str(s->sha));
    script_word(c, SLICE_LIT("1"));
    script_word(c, prefix);
}

void script_begin_plain(struct script_call *c, struct link *l, const char *command, const char *key)
{
    begin(c, l, NULL);
    script_word(c, slice_str(command));
    script_word(c, slice_str(key));
}

static void on_answer(const struct reply *r, void *arg)
{
    struct script_call *c = arg;
    bool unknown = r != NULL && r->type == REPLY_ERROR &&
                   slice_starts(r->text, SLICE_LIT("NOSCRIPT")) &&
                   slice_eq(c->words[0], SLICE_LIT("EVALSHA"));

    if (unknown) {
        c->words[0] = SLICE_LIT("EVAL");
        c->words[1] = slice_str(c->script->text);
        if (link_call(c->link, c->words, (int)c->n, on_answer, c))
            return;
    }
    c->fn(r, c->arg);
}

bool script_send(struct script_call *c, link_answer_fn *fn, void *arg)
{
    c->fn = fn;
    c->arg = arg;
    return !c->full && link_call(c->link, c->words, (int)c->n, on_answer, c);
}
