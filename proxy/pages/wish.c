/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request wants to read, from its path, method and fields.  Made for every request, so the
 * usual program ("application/json" or nothing) costs a comparison or two.
 */
#include "pages_priv.h"

/* The weights a request gives to what we can write; -1 = not mentioned. */
struct weights {
    int html, json, problem;
};

struct media {
    struct slice range;
    int exact; /* how closely it names: 2 type/subtype, 1 type/, 0 anything */
};

static const struct media html_ranges[] = {
    {{"text/html", 9}, 2}, {{"text/*", 6}, 1}, {{"*/*", 3}, 0}};
static const struct media json_ranges[] = {
    {{"application/json", 16}, 2}, {{"application/*", 13}, 1}, {{"*/*", 3}, 0}};
static const struct media problem_ranges[] = {{{"application/problem+json", 24}, 2}};

/* The most exact range that fits decides (RFC 9110, 12.5.1). */
struct best {
    int exact, permille;
};

static void note_media(struct best *b, const struct media *ranges, size_t n,
                       const struct weighted *r)
{
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq_nocase(r->item, ranges[i].range))
            continue;
        if (ranges[i].exact > b->exact)
            *b = (struct best){ranges[i].exact, r->permille};
        else if (ranges[i].exact == b->exact && r->permille > b->permille)
            b->permille = r->permille;
        return;
    }
}

#define NOTE(b, ranges, r) note_media(b, ranges, sizeof(ranges) / sizeof((ranges)[0]), r)

static struct weights accept_weights(const struct request_head *h)
{
    struct best html = {-1, -1}, json = {-1, -1}, problem = {-1, -1};

    for (size_t i = h->at[FIELD_ACCEPT] - 1u; i < h->n_fields; i++) {
        struct slice list = h->fields[i].value;
        struct weighted r;

        if (h->fields[i].id != FIELD_ACCEPT)
            continue;
        while (weighted_next(&list, &r)) {
            NOTE(&html, html_ranges, &r);
            NOTE(&json, json_ranges, &r);
            NOTE(&problem, problem_ranges, &r);
        }
    }
    return (struct weights){html.permille, json.permille, problem.permille};
}

static bool path_is_under(struct slice path, struct slice prefix)
{
    return slice_starts(path, prefix) && (path.len == prefix.len || path.p[prefix.len] == '/');
}

static bool path_is_api(struct slice path)
{
    return path_is_under(path, SLICE_LIT("/v1")) || path_is_under(path, SLICE_LIT("/v1beta")) ||
           path_is_under(path, SLICE_LIT("/api"));
}

static enum answer_format choose_format(const struct request_head *h, struct slice path, int force)
{
    enum { AUTO, HTML, JSON };
    struct slice accept = request_field(h, FIELD_ACCEPT);
    struct weights w;

    if (h->grpc)
        return FORMAT_GRPC;
    if (force == HTML)
        return FORMAT_HTML;
    if (accept.len == 0 || slice_eq(accept, SLICE_LIT("application/json")))
        return FORMAT_JSON;
    w = accept_weights(h);
    if (force == AUTO && w.html > w.json && w.html > w.problem && w.html > 0 && !path_is_api(path))
        return FORMAT_HTML;
    return w.problem > 0 && w.problem >= w.json ? FORMAT_PROBLEM : FORMAT_JSON;
}

/* The first field of the name: browsers send one. */
static uint8_t choose_language(const struct request_head *h, uint32_t among)
{
    return language_choose(request_field(h, FIELD_ACCEPT_LANGUAGE), among);
}

static bool was_retried(const struct request_head *h)
{
    uint64_t count;

    return parse_u64(request_field(h, FIELD_X_STAINLESS_RETRY_COUNT), UINT64_MAX, &count) ==
               WEIR_OK &&
           count > 0;
}

void answer_wish_init(struct answer_wish *w, const struct request_head *h, struct slice path,
                      int force, uint32_t languages)
{
    w->format = choose_format(h, path, force);
    w->anthropic =
        h->at[FIELD_ANTHROPIC_VERSION] != 0 || slice_ends(path, SLICE_LIT("/v1/messages"));
    w->responses = slice_ends(path, SLICE_LIT("/v1/responses"));
    w->is_head = h->is_head;
    w->http10 = h->minor == 0;
    w->retried = was_retried(h);
    w->language = w->format == FORMAT_HTML ? choose_language(h, languages) : 0;
    w->origin[0] = '\0';
}
