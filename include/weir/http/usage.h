/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_USAGE_H
#define WEIR_HTTP_USAGE_H

#include "weir/http/json_scan.h"

/*
 * What an answer says that it took, in tokens: the `usage` of OpenAI and Anthropic, Gemini's
 * usageMetadata, Ollama's counts, llama.cpp's timings.  In streams the counts grow from event to
 * event, or come with the last one: the last that was said counts.  What a cache held is part of
 * the prompt.
 */
struct usage {
    uint32_t prompt, cached, cached_anew; /* the cached are Anthropic's, which stand beside */
    uint32_t evaluated, reused;           /* llama.cpp's timings: of the prompt, and of its cache */
    uint32_t output, thoughts;            /* thoughts: Gemini's, which stand beside */
    bool says_prompt;                     /* there is a `prompt`: timings add nothing to it */
    bool knows_prompt, knows_output;
};

uint32_t usage_prompt(const struct usage *u);
uint32_t usage_output(const struct usage *u);

/* A whole answer in JSON, as its bytes pass in any split. */
struct usage_scan {
    struct usage usage;
    struct json_scan json;
};
void usage_scan_init(struct usage_scan *s);
void usage_scan_feed(struct usage_scan *s, struct slice bytes);

#endif
