/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask and who may act.  Control thread; the lookups of names may read /etc/passwd. */
#include "call/rights.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/slice.h"
#include "weir/base/text.h"

struct grant {
    unsigned uid;
    bool write;
};

struct rights {
    struct grant *grants;
    size_t n;
};

static bool lookup(struct slice name, unsigned *uid)
{
    char text[64];
    uint64_t number;
    const struct passwd *pw;

    if (parse_u64(name, UINT32_MAX - 1, &number) == WEIR_OK) {
        *uid = (unsigned)number;
        return true;
    }
    if (name.len == 0 || name.len >= sizeof text)
        return false;
    memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    pw = getpwnam(text);
    if (pw == NULL)
        return false;
    *uid = pw->pw_uid;
    return true;
}

static bool grant_parse(const char *entry, struct grant *g)
{
    struct slice s = slice_str(entry);

    g->write = !slice_ends(s, SLICE_LIT(":read"));
    if (!g->write)
        s.len -= sizeof ":read" - 1;
    return lookup(s, &g->uid);
}

void rights_set(struct rights *r, const struct settings *s)
{
    free(r->grants);
    r->n = 0;
    r->grants = calloc(s->admin.n_uids + 1, sizeof *r->grants);
    if (r->grants == NULL) {
        log_error("admin: no memory for admin.uids: only root and our own uid may connect");
        return;
    }
    for (size_t i = 0; i < s->admin.n_uids; i++) {
        if (grant_parse(s->admin.uids[i], &r->grants[r->n]))
            r->n++;
        else
            log_warn("admin: admin.uids names \"%s\", whom this machine does not know",
                     s->admin.uids[i]);
    }
}

struct rights *rights_create(const struct settings *s)
{
    struct rights *r = calloc(1, sizeof *r);

    if (r != NULL)
        rights_set(r, s);
    return r;
}

void rights_destroy(struct rights **r)
{
    if (*r != NULL)
        free((*r)->grants);
    free(*r);
    *r = NULL;
}

static bool may(const struct rights *r, unsigned uid, bool write)
{
    if (uid == 0 || uid == geteuid())
        return true;
    for (size_t i = 0; i < r->n; i++) {
        if (r->grants[i].uid == uid && (r->grants[i].write || !write))
            return true;
    }
    return false;
}

bool rights_may_read(const struct rights *r, unsigned uid)
{
    return may(r, uid, false);
}

bool rights_may_write(const struct rights *r, unsigned uid)
{
    return may(r, uid, true);
}
