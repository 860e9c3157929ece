/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2: types, deadlines, statuses, messages.  Pure. */
#include "weir/http/grpc.h"

#include "weir/base/clock.h"

enum { TIMEOUT_DIGITS = 8, PREFIX = 5 };

bool grpc_is_type(struct slice type)
{
    static const struct slice grpc = {"application/grpc", 16};

    if (type.len < grpc.len || !slice_eq_nocase(slice_of(type.p, grpc.len), grpc))
        return false;
    return type.len == grpc.len || type.p[grpc.len] == '+' || type.p[grpc.len] == ';' ||
           type.p[grpc.len] == ' ';
}

bool grpc_timeout(struct slice value, uint64_t *ns)
{
    static const struct {
        char unit;
        uint64_t ns;
    } units[] = {{'H', 3600 * NS_PER_S}, {'M', 60 * NS_PER_S}, {'S', NS_PER_S},
                 {'m', NS_PER_MS},       {'u', 1000},          {'n', 1}};
    uint64_t n;

    if (value.len < 2 || value.len > TIMEOUT_DIGITS + 1 ||
        parse_u64(slice_of(value.p, value.len - 1), UINT32_MAX, &n) != WEIR_OK)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (value.p[value.len - 1] != units[i].unit)
            continue;
        *ns = n < INT64_MAX / units[i].ns ? n * units[i].ns : INT64_MAX; /* for ever */
        return true;
    }
    return false;
}

int grpc_status_read(struct slice value)
{
    uint64_t n;

    if (parse_u64(value, INT32_MAX, &n) != WEIR_OK)
        return -1;
    return n < GRPC_STATUS_COUNT ? (int)n : GRPC_UNKNOWN;
}

int grpc_http_status(int status)
{
    static const uint16_t same[GRPC_STATUS_COUNT] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                                     400, 409, 400, 501, 500, 503, 500, 401};

    return status >= 0 && status < GRPC_STATUS_COUNT ? same[status] : 500;
}

void grpc_message_put(struct text *t, struct slice message)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < message.len; i++) {
        unsigned char c = (unsigned char)message.p[i];

        if (c >= ' ' && c <= '~' && c != '%') {
            text_char(t, (char)c);
            continue;
        }
        text_char(t, '%');
        text_char(t, digits[c >> 4]);
        text_char(t, digits[c & 15]);
    }
}

void grpc_messages_feed(struct grpc_messages *m, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t n = m->left < bytes.len ? m->left : bytes.len;

        m->left -= (uint32_t)n;
        bytes = slice_from(bytes, n);
        if (bytes.len == 0)
            return;
        if (m->prefix > 0) /* the first of the five says whether it is compressed */
            m->length = m->length << 8 | (unsigned char)bytes.p[0];
        m->prefix++;
        bytes = slice_from(bytes, 1);
        if (m->prefix < PREFIX)
            continue;
        m->left = m->length;
        m->length = m->prefix = 0;
    }
}
