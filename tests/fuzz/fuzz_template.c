/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of an operator's.  It is refused with a line that it has, or it renders: then nothing of a
 * value stands in it unescaped, and the longest values fit where it was said that they do.
 */
#include "../../proxy/pages/pages_priv.h"
#include "../../proxy/pages/template.h"
#include "fuzz.h"

enum { RENDERED = 1 << 20, TEMPLATE_MAX = 4096 };

static char mem[RENDERED];

static size_t count(struct slice s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.p[i] == c;
    return n;
}

static void render(struct slice tpl, struct slice value, struct text *t)
{
    struct page_values v = {.n_history = 2};

    for (int i = 0; i < PLACEHOLDER_COUNT; i++)
        v.v[i] = i == PH_STYLE ? SLICE_LIT("p {}") : value; /* our own, put as it is */
    for (int i = 0; i < v.n_history; i++)
        v.history[i] = (struct history_values){value, value, value};
    text_init(t, mem, sizeof mem);
    template_render(tpl, &v, t);
}

/* As many of them with a hostile value as with a harmless one of the same sections. */
static void check_escapes(struct slice tpl)
{
    static const char dangerous[] = "<>\"'";
    size_t before[sizeof dangerous];
    struct text t;

    render(tpl, SLICE_LIT("x"), &t);
    for (size_t i = 0; i < sizeof dangerous - 1; i++)
        before[i] = count(text_slice(&t), dangerous[i]);
    render(tpl, SLICE_LIT("<script src=\"x\">'&"), &t);
    for (size_t i = 0; i < sizeof dangerous - 1; i++)
        WEIR_ASSERT(t.full || count(text_slice(&t), dangerous[i]) == before[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum page_side side = size > 0 && data[0] == '-' ? SIDE_STATUS : SIDE_REFUSAL;
    struct slice tpl = slice_from(slice_of(data, size), size > 0);
    struct template_diagnostic m = {0};
    struct text t;

    if (size > TEMPLATE_MAX)
        return 0;
    if (template_check(tpl, side, &m) != WEIR_OK) {
        WEIR_ASSERT(m.line >= 1 && (size_t)m.line <= 1 + count(tpl, '\n') && m.why[0] != '\0');
        return 0;
    }
    check_escapes(tpl);
    render(tpl, SLICE_NONE, &t);
    WEIR_ASSERT(memmem(mem, t.len, "{{#", 3) == NULL && memmem(mem, t.len, "{{/", 3) == NULL);
    if (side == SIDE_REFUSAL)
        (void)page_fits(tpl, CAUSE_OVERLOADED);
    else
        (void)status_page_fits(tpl);
    return 0;
}
