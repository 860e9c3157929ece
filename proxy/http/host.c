/* SPDX-License-Identifier: Apache-2.0 */
/* Is this the host of a request?  uri-host and port of RFC 3986, 3.2.2 and 3.2.3. */
#include "head_priv.h"

static bool port_is_valid(struct slice port)
{
    uint64_t n;

    return port.len == 0 || parse_u64(port, 65535, &n) == WEIR_OK;
}

/* After "[": an IPv6 address (its letters and at least two colons), then "]" and perhaps a port. */
static bool ip_literal_is_valid(struct slice s)
{
    size_t colons = 0, i = 0;

    for (; i < s.len && s.p[i] != ']'; i++) {
        if (s.p[i] == ':')
            colons++;
        else if (!char_is(s.p[i], CHAR_HEX) && s.p[i] != '.')
            return false;
    }
    if (i == s.len || colons < 2)
        return false;
    s = slice_from(s, i + 1);
    return s.len == 0 || (s.p[0] == ':' && port_is_valid(slice_from(s, 1)));
}

static bool percent_is_valid(struct slice s)
{
    return s.len >= 3 && char_is(s.p[1], CHAR_HEX) && char_is(s.p[2], CHAR_HEX);
}

bool host_is_valid(struct slice host)
{
    size_t i = 0;

    if (host.len == 0)
        return false;
    if (host.p[0] == '[')
        return ip_literal_is_valid(slice_from(host, 1));
    for (; i < host.len && host.p[i] != ':'; i++) {
        if (!char_is(host.p[i], CHAR_HOST))
            return false;
        if (host.p[i] == '%' && !percent_is_valid(slice_from(host, i)))
            return false;
    }
    if (i == 0)
        return false;
    return i == host.len || port_is_valid(slice_from(host, i + 1));
}
