/* SPDX-License-Identifier: Apache-2.0 */
/* The default places of the admin socket.  Shared by weir and weirctl; any thread. */
#include "weir/admin/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool set(struct place *p, const char *folder, const char *below, bool make, bool private)
{
    int n = snprintf(p->folder, sizeof p->folder, "%s%s", folder, below);
    int m = snprintf(p->socket, sizeof p->socket, "%s%s/admin.sock", folder, below);

    p->make = make;
    p->private = private;
    return n > 0 && m > 0 && (size_t)m < sizeof p->socket;
}

/* An absolute path from the environment, or NULL. */
static const char *variable(const char *name)
{
    const char *v = getenv(name);

    return v != NULL && v[0] == '/' ? v : NULL;
}

size_t places_find(struct place out[PLACES_MAX])
{
    const char *v;
    char mine[32];
    size_t n = 0;

    v = variable("RUNTIME_DIRECTORY");
    if (v != NULL && set(&out[n], v, "", false, false))
        n++;
    v = variable("XDG_RUNTIME_DIR");
    if (v != NULL && set(&out[n], v, "/weir", true, false))
        n++;
    if (set(&out[n], "/run/weir", "", true, false))
        n++;
    v = variable("TMPDIR");
    (void)snprintf(mine, sizeof mine, "/weir-%u", (unsigned)geteuid());
    if (set(&out[n], v == NULL ? "/tmp" : v, mine, true, true))
        n++;
    return n;
}

bool place_is_safe(const struct place *p)
{
    struct stat st;

    return lstat(p->folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 077) == 0;
}
