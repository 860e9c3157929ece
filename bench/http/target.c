/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of what requests go to. */
#include "bench/http/httpc.h"

#include <stdio.h>

enum weir_status target_parse(const char *url, struct target *out)
{
    struct slice s = slice_str(url), host;
    struct target t = {.https = slice_starts(s, SLICE_LIT("https://"))};
    enum weir_status rc;
    char with_port[300];

    if (slice_starts(s, SLICE_LIT("unix:"))) {
        (void)snprintf(t.host, sizeof t.host, "localhost");
        (void)snprintf(t.name, sizeof t.name, "localhost");
        rc = address_parse(s, &t.address);
        *out = t;
        return rc;
    }
    if (!t.https && !slice_starts(s, SLICE_LIT("http://")))
        return WEIR_BAD;
    s = slice_from(s, t.https ? 8 : 7);
    host = next_part(&s, '/');
    while (s.len > 0 && s.p[s.len - 1] == '/')
        s.len--;
    if (host.len == 0 || host.len > 250 || s.len > 250)
        return WEIR_BAD;
    (void)snprintf(t.path, sizeof t.path, "%s%.*s", s.len > 0 ? "/" : "", (int)s.len, s.p);
    (void)snprintf(t.host, sizeof t.host, "%.*s", (int)host.len, host.p);
    bool has_port = host.p[host.len - 1] != ']' && memrchr(host.p, ':', host.len) != NULL;
    (void)snprintf(with_port, sizeof with_port, "%s%s", t.host,
                   has_port  ? ""
                   : t.https ? ":443"
                             : ":80");
    (void)snprintf(t.name, sizeof t.name, "%s", t.host);
    if (has_port)
        *strrchr(t.name, ':') = '\0';
    rc = address_parse(slice_str(with_port), &t.address);
    if (rc == WEIR_OK)
        *out = t;
    return rc;
}
