/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that pages of other origins may read (the Fetch standard, "HTTP-CORS"), where the
 * operator has named the origins.  Credentials in the sense of that standard (cookies) are never
 * allowed: API keys travel in ordinary fields.
 */
#include "pages_priv.h"

/* It is said back: visible ASCII without blanks, as every origin is written (RFC 6454, 7.1). */
static bool is_origin(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return s.len > 0;
}

bool cors_allows(const char *const *origins, size_t n_origins, struct slice origin)
{
    if (!is_origin(origin))
        return false;
    for (size_t i = 0; i < n_origins; i++) {
        if (strcmp(origins[i], "*") == 0 || slice_eq(slice_str(origins[i]), origin))
            return true;
    }
    return false;
}

void answer_wish_origin(struct answer_wish *w, const struct request_head *h,
                        const char *const *origins, size_t n_origins)
{
    struct slice origin = request_field(h, FIELD_ORIGIN);

    w->origin[0] = '\0';
    if (origin.len >= sizeof w->origin || !cors_allows(origins, n_origins, origin))
        return;
    memcpy(w->origin, origin.p, origin.len);
    w->origin[origin.len] = '\0';
}

bool request_is_preflight(const struct request_head *h)
{
    return slice_eq(h->method, SLICE_LIT("OPTIONS")) && h->at[FIELD_ORIGIN] != 0 &&
           h->at[FIELD_ACCESS_CONTROL_REQUEST_METHOD] != 0;
}

/* What SDKs in a browser read from a refusal; without this list the Fetch API hides it. */
#define EXPOSED                                                                                    \
    "Retry-After, retry-after-ms, x-should-retry, x-request-id, request-id, x-weir-request-id, "   \
    "Proxy-Status"

void cors_fields(const char *origin, refusal_field_fn *fn, void *arg)
{
    fn(SLICE_LIT("Access-Control-Allow-Origin"), slice_str(origin), arg);
    fn(SLICE_LIT("Access-Control-Expose-Headers"), SLICE_LIT(EXPOSED), arg);
    fn(SLICE_LIT("Vary"), SLICE_LIT("Origin"), arg);
}

/* A list of tokens and nothing else, so that it may be said back. */
static bool is_token_list(struct slice s)
{
    static const char others[] = "!#$%&'*+-.^_`|~, ";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i], letter = (char)(c | 32);
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return s.len > 0;
}

static void put_field(struct text *t, const char *name, struct slice value)
{
    text_str(t, name);
    text_str(t, ": ");
    text_put(t, value);
    text_str(t, "\r\n");
}

enum { ASKED_MAX = 2048 }; /* bytes of Access-Control-Request-Headers that are said back */

static void put_allowed(struct text *t, const struct request_head *h, struct slice origin)
{
    struct slice asked = request_field(h, FIELD_ACCESS_CONTROL_REQUEST_HEADERS);

    put_field(t, "Access-Control-Allow-Origin", origin);
    put_field(t, "Access-Control-Allow-Methods",
              SLICE_LIT("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    if (asked.len <= ASKED_MAX && is_token_list(asked))
        put_field(t, "Access-Control-Allow-Headers", asked);
    put_field(t, "Access-Control-Max-Age", SLICE_LIT("7200"));
}

enum weir_status preflight_write(const struct request_head *h, const char *const *origins,
                                 size_t n_origins, const char *request_id, uint64_t wall_ns,
                                 struct buf *out, size_t max)
{
    struct slice origin = request_field(h, FIELD_ORIGIN);
    char mem[ASKED_MAX + 1536], id_mem[CLEAN_ID_MAX];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_str(&t, "HTTP/1.1 204 No Content\r\nDate: ");
    http_date_put(&t, wall_ns);
    text_str(&t, "\r\n");
    if (origin.len <= 512 && cors_allows(origins, n_origins, origin))
        put_allowed(&t, h, origin);
    put_field(&t, "Vary",
              SLICE_LIT("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    put_field(&t, "x-request-id", clean_id(request_id, id_mem));
    put_field(&t, "x-weir-request-id", clean_id(request_id, id_mem));
    if (!h->keep_alive)
        put_field(&t, "Connection", SLICE_LIT("close"));
    else if (h->minor == 0)
        put_field(&t, "Connection", SLICE_LIT("keep-alive"));
    text_str(&t, "\r\n");
    return t.full ? WEIR_LIMIT : buf_append(out, text_slice(&t), max);
}
