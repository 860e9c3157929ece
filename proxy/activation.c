/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the service manager, told apart by name and address. */
#include "activation.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WEIR_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "weir/admin/places.h"
#include "weir/base/log.h"
#include "weir/net/addr.h"

bool activation_was(void)
{
    return getenv("LISTEN_FDS") != NULL;
}

#ifdef WEIR_HAVE_SYSTEMD

/* Where a socket belongs: the name by which the settings look for it. */
struct place_of {
    enum inherited_kind kind;
    const char *name; /* NULL: nowhere */
};

static bool is_address(const char *wanted, const char *have)
{
    char text[NET_ADDR_TEXT_MAX];
    struct net_addr a;

    if (net_addr_parse(slice_str(wanted), &a) != WEIR_OK)
        return false;
    net_addr_format(&a, text);
    return strcmp(text, have) == 0;
}

static bool is_default_place(const char *path)
{
    struct place places[PLACES_MAX];
    size_t n = places_find(places);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(places[i].socket, path) == 0)
            return true;
    }
    return false;
}

static struct place_of by_address(const struct settings *s, const char *have)
{
    const char *path = strncmp(have, "unix:", 5) == 0 ? have + 5 : "";

    for (size_t i = 0; i < s->n_listeners; i++) {
        if (is_address(s->listeners[i].address, have))
            return (struct place_of){INHERITED_LISTENER, s->listeners[i].address};
    }
    if (is_address(s->admin.http, have))
        return (struct place_of){INHERITED_ADMIN_HTTP, s->admin.http};
    if (path[0] != '\0' &&
        (s->admin.socket[0] == '\0' ? is_default_place(path) : strcmp(path, s->admin.socket) == 0))
        return (struct place_of){INHERITED_ADMIN_SOCKET, path};
    return (struct place_of){0};
}

static struct place_of find_place(const struct settings *s, const char *name, const char *have)
{
    if (strcmp(name, "admin-http") == 0 && s->admin.http[0] != '\0')
        return (struct place_of){INHERITED_ADMIN_HTTP, s->admin.http};
    if (strcmp(name, "admin") == 0 && s->admin.socket[0] != '\0')
        return (struct place_of){INHERITED_ADMIN_SOCKET, s->admin.socket};
    return by_address(s, have);
}

static void take_one(const struct settings *s, struct inherited *in, int fd, const char *name)
{
    struct net_addr a = {.len = sizeof a.u};
    char have[NET_ADDR_TEXT_MAX] = "no address";
    struct place_of place;

    if (getsockname(fd, &a.u.sa, &a.len) == 0)
        net_addr_format(&a, have);
    place = find_place(s, name, have);
    if (place.name == NULL) {
        log_warn("the service manager's socket \"%s\" (%s) is closed: it is neither a listener's "
                 "address nor the admin side's, see `listeners` and `admin`",
                 name, have);
        (void)close(fd);
    } else if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 ||
               !inherited_add(in, place.kind, place.name, 0, fd)) {
        log_warn(
            "the service manager's socket for %s is no listening stream socket: weir opens one "
            "of its own",
            place.name);
    }
}

void activation_take(const struct settings *s, struct inherited *in)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < n; i++) {
        take_one(s, in, SD_LISTEN_FDS_START + i, names[i]);
        free(names[i]);
    }
    free(names);
}
#else
void activation_take(const struct settings *s, struct inherited *in)
{
    (void)s;
    (void)in;
}
#endif
