/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by the build: prints the lists of words as JSON, for what is not written in C (the live page,
 * checks of the documents, the system tests).
 */
#include <stdio.h>

#include "weir/base/words.h"
#include "weir/decide/canary.h"
#include "weir/decide/rules.h"

/* Texts of the lists are plain: they need no more than their quotes escaped. */
static void put(const char *key, const char *text)
{
    printf(", \"%s\": ", key);
    if (text == NULL) {
        printf("null");
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void begin(const char *name)
{
    printf("{\"name\": \"%s\"", name);
}

int main(void)
{
    static const char *const sides[] = {
        [OF_NOBODY] = "", [OF_WEIR] = "weir", [OF_UPSTREAM] = "upstream", [OF_CLIENT] = "client"};

    printf("{\"causes\": [\n");
#define ROW(e, name, side, situation, proxy_error, page, because, message, in_stream)              \
    begin(name), put("side", sides[side]), put("proxy_error", proxy_error),                        \
        put("because", because), put("message", message), put("in_stream", in_stream),             \
        printf("},\n");
    WEIR_CAUSES(ROW)
#undef ROW
    printf("null],\n\"outcomes\": [\n");
#define ROW(e, name, failure, meaning)                                                             \
    begin(name), printf(", \"failure\": %s", (failure) ? "true" : "false"),                        \
        put("meaning", meaning), printf("},\n");
    WEIR_OUTCOMES(ROW)
#undef ROW
#define ROW(e, name, meaning) begin(name), put("meaning", meaning), printf("},\n");
    printf("null],\n\"decisions\": [\n");
    WEIR_DECISIONS(ROW)
    printf("null],\n\"service_states\": [\n");
    WEIR_SERVICE_STATES(ROW)
    printf("null],\n\"canary_states\": [\n");
    WEIR_CANARY_STATES(ROW)
    printf("null],\n\"canary_whys\": [\n");
    WEIR_CANARY_WHYS(ROW)
    printf("null],\n\"canary_measures\": [\n");
    WEIR_CANARY_MEASURES(ROW)
    printf("null],\n\"canary_pauses\": [\n");
    WEIR_CANARY_PAUSES(ROW)
#undef ROW
    printf("null],\n\"rules\": [\n");
#define ROW(e, name, cause, says, needed)                                                          \
    begin(name), put("cause", cause_name(cause)), put("says", says), put("needed", needed),        \
        printf("},\n");
    WEIR_RULES(ROW)
#undef ROW
#define ROW(e, name) begin(name), printf("},\n");
    printf("null],\n\"classes\": [\n");
    WEIR_CLASSES(ROW)
    printf("null],\n\"breaker_states\": [\n");
    WEIR_BREAKER_STATES(ROW)
#undef ROW
    printf("null]}\n");
    return 0;
}
