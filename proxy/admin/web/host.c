/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names a request to the endpoint may give.  A page of a stranger can let its own name
 * resolve to our address and then read us as its own ("DNS rebinding"); it cannot choose the Host
 * field, which holds that name.  So: addresses, localhost, the machine's own name, and those of
 * admin.hosts.  Pure.
 */
#include "web/web_priv.h"
#include "weir/net/addr.h"

static struct slice without_port(struct slice host)
{
    const char *end;

    if (host.len > 0 && host.p[0] == '[') {
        end = memchr(host.p, ']', host.len);
        return end == NULL ? SLICE_NONE : slice_of(host.p + 1, (size_t)(end - host.p) - 1);
    }
    end = host.len == 0 ? NULL : memchr(host.p, ':', host.len);
    return end == NULL ? host : slice_of(host.p, (size_t)(end - host.p));
}

/* "db7" is also meant by "db7.example.org", when that is what the machine calls itself. */
static bool is_machine(struct slice name, const char *machine)
{
    struct slice full = slice_str(machine);
    const char *dot = full.len == 0 ? NULL : memchr(full.p, '.', full.len);

    if (full.len == 0)
        return false;
    return slice_eq_nocase(name, full) ||
           (dot != NULL && slice_eq_nocase(name, slice_of(full.p, (size_t)(dot - full.p))));
}

/* "*.monitoring.svc" is any name below. */
static bool is_listed(struct slice name, char *const *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slice h = slice_str(hosts[i]);
        bool below = slice_starts(h, SLICE_LIT("*."));
        struct slice end = below ? slice_from(h, 1) : h;

        if (below ? name.len > end.len && slice_eq_nocase(slice_from(name, name.len - end.len), end)
                  : slice_eq_nocase(name, h))
            return true;
    }
    return false;
}

bool web_host_is_ours(struct slice host, const char *machine, char *const *hosts, size_t n_hosts)
{
    struct slice name = without_port(host);
    struct net_addr a;

    if (slice_ends(name, SLICE_LIT(".")))
        name.len--; /* a name with the root's dot is the same name */
    return net_addr_make(name, 0, &a) == WEIR_OK || slice_eq_nocase(name, SLICE_LIT("localhost")) ||
           is_machine(name, machine) || is_listed(name, hosts, n_hosts);
}
