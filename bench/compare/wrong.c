/* SPDX-License-Identifier: Apache-2.0 */
/* What a relay may do wrong.  Pure but for the memory of an answer. */
#include "bench/compare/wrong.h"

#include "bench/common/units.h"
#include "bench/http/head.h"
#include "weir/base/text.h"

static enum weir_status parse_value(struct slice value, struct wrong *w)
{
    uint64_t n;

    switch (w->kind) {
    case WRONG_NOTHING:
    case WRONG_NULL:
    case WRONG_ALTER:
        return value.len == 0 ? WEIR_OK : WEIR_BAD;
    case WRONG_DELAY:
        return duration_parse(value, &w->delay_ns);
    case WRONG_CUT:
        if (parse_u64(value, INT32_MAX, &n) != WEIR_OK)
            return WEIR_BAD;
        w->cut_bytes = (size_t)n;
        return WEIR_OK;
    case WRONG_LIE:
        if (parse_u64(value, 3600, &n) != WEIR_OK)
            return WEIR_BAD;
        w->retry_after_s = (unsigned)n;
        return WEIR_OK;
    }
    return WEIR_BAD;
}

enum weir_status wrong_parse(struct slice s, struct wrong *out)
{
    static const char *const names[] = {[WRONG_DELAY] = "delay",
                                        [WRONG_CUT] = "cut",
                                        [WRONG_NULL] = "null",
                                        [WRONG_LIE] = "lie",
                                        [WRONG_ALTER] = "alter"};
    struct slice name = next_part(&s, '=');
    enum weir_status rc;

    for (int k = WRONG_DELAY; k <= WRONG_ALTER; k++) {
        struct wrong w = {.kind = (enum wrong_kind)k};
        if (!slice_eq(name, slice_str(names[k])))
            continue;
        rc = parse_value(s, &w);
        if (rc == WEIR_OK)
            *out = w;
        return rc;
    }
    return WEIR_BAD;
}

/* Every other virtual user, by name, so that one who comes back is treated as before. */
static bool is_unlucky(struct slice request)
{
    struct slice who;
    struct head h;

    if (head_parse(request, &h) != WEIR_OK)
        return false;
    who = head_field(&h, "authorization");
    return who.len > 0 && (who.p[who.len - 1] & 1) != 0;
}

void wrong_alter(char *bytes, size_t len)
{
    static const char word[] = "\"created\"";
    char *at = memmem(bytes, len, word, sizeof word - 1);

    if (at != NULL)
        at[1] = 'C';
}

bool wrong_answer(const struct wrong *w, struct slice request, struct grow *out)
{
    if (w->kind == WRONG_NULL) {
        grow_str(out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    if (w->kind != WRONG_LIE || !is_unlucky(request))
        return false;
    grow_printf(out,
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %u\r\n"
                "Content-Length: 0\r\n\r\n",
                w->retry_after_s);
    return true;
}
