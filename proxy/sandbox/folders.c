/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which folders settings name.  Of a file the folder counts, not the file: editors, certificate
 * programs and log rotation put a new file in the old one's place.  Where the name is a link, the
 * folder it leads to counts as well.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "weir/conf/settings.h"

struct list_of {
    struct sandbox_folder *folders;
    size_t n, room;
};

static void add(struct list_of *l, const char *path, size_t len, bool write)
{
    struct sandbox_folder *more;
    char *copy = strndup(len == 0 ? "/" : path, len == 0 ? 1 : len);

    if (copy == NULL)
        return;
    if (l->n == l->room) {
        more = realloc(l->folders, (l->room + 32) * sizeof *more);
        if (more == NULL) {
            free(copy);
            return;
        }
        l->folders = more;
        l->room += 32;
    }
    l->folders[l->n++] = (struct sandbox_folder){copy, write};
}

static void add_parent(struct list_of *l, const char *path, bool write)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        add(l, ".", 1, write);
    else
        add(l, path, (size_t)(slash - path), write);
}

/* Where a file is, by its name and behind links; of a folder itself too. */
static void add_file(struct list_of *l, const char *path, bool write)
{
    char real[PATH_MAX];

    if (path == NULL || path[0] == '\0')
        return;
    add_parent(l, path, write);
    if (realpath(path, real) == NULL)
        return;
    if (strcmp(real, path) != 0)
        add_parent(l, real, write);
    add(l, real, strlen(real), write); /* not a folder: no rule is made */
}

static void add_listener(struct list_of *l, const struct listener_conf *c)
{
    if (strncmp(c->address, "unix:", 5) == 0)
        add_file(l, c->address + 5, true);
    add_file(l, c->tls_certificate, false);
    add_file(l, c->tls_key, false);
    add_file(l, c->tls_client_ca, false);
    for (size_t i = 0; i < c->n_sni; i++) {
        add_file(l, c->sni[i].certificate, false);
        add_file(l, c->sni[i].key, false);
    }
}

static void add_pool(struct list_of *l, const struct pool_conf *p)
{
    for (size_t i = 0; i < p->n_upstreams; i++) {
        add_file(l, p->upstreams[i].ca, false);
        add_file(l, p->upstreams[i].certificate, false);
        add_file(l, p->upstreams[i].key, false);
    }
}

static void add_fleet(struct list_of *l, const struct fleet_conf *f)
{
    add_file(l, f->password_file, false);
    add_file(l, f->secret_file, false);
    add_file(l, f->ca, false);
    add_file(l, f->certificate, false);
    add_file(l, f->key, false);
}

struct sandbox_folder *sandbox_folders(const struct settings *s, const char *admin_socket,
                                       size_t *n)
{
    struct list_of l = {0};

    add_file(&l, s->file, false);
    for (size_t i = 0; i < s->n_listeners; i++)
        add_listener(&l, &s->listeners[i]);
    for (size_t i = 0; i < s->n_pools; i++)
        add_pool(&l, &s->pools[i]);
    add_fleet(&l, &s->fleet);
    add_file(&l, s->pages.directory, false);
    add_file(&l, s->state.path, true);
    if (strchr(s->log.access, '/') != NULL)
        add_file(&l, s->log.access, true);
    add_file(&l, admin_socket, true);
    add_file(&l, getenv("SSL_CERT_FILE"), false);
    add_file(&l, getenv("SSL_CERT_DIR"), false);
    *n = l.n;
    return l.folders;
}

void sandbox_folders_free(struct sandbox_folder *folders, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((char *)folders[i].path);
    free(folders);
}
