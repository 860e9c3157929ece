/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives a restart: each 10 s, and at the end, what was learnt of every upstream goes into a
 * file; at the start it is read.  What is damaged, too old or of another upstream is not used, and
 * the log says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control_priv.h"
#include "control/kept_file.h"
#include "weir/base/read_whole.h"

#define KEEP_EACH_S    10
#define PATIENCE_NS    (2 * NS_PER_S) /* at the end, for a slow disk */
#define CLOCK_SLACK_NS (60 * NS_PER_S)

static const char *path_of(const struct control *c)
{
    return c->snapshot->settings->state.path;
}

/* --- writing */

static bool add_pool(struct buf *b, const struct snapshot_pool *p)
{
    bool ok = true;

    for (size_t i = 0; i < p->n_upstreams && ok; i++) {
        const struct upstream_conf *u = p->upstreams[i].conf;
        struct kept_entry e = {
            slice_str(p->conf->name), slice_str(u->name), kept_url(u->url), {{0}}};

        pool_keep(gate_lock(p->gate), (size_t)p->upstreams[i].place, &e.kept);
        gate_unlock(p->gate);
        ok = kept_file_add(b, &e);
    }
    return ok;
}

static void say_error(struct control *c, int error)
{
    char reason[96];

    if (error == c->keep_error)
        return;
    c->keep_error = error;
    if (error != 0)
        log_warn("state: %s cannot be written: %s", path_of(c),
                 strerror_r(error, reason, sizeof reason));
    else
        log_info("state: %s is written again", path_of(c));
}

bool control_keep_write(const struct control *c, struct buf *b)
{
    const struct snapshot *s = c->snapshot;
    bool ok = kept_file_begin(b, wall_now_ns());

    for (size_t i = 0; i < s->settings->n_pools && ok; i++)
        ok = add_pool(b, &s->pools[i]);
    return ok && kept_file_end(b);
}

static void keep(struct control *c)
{
    struct buf b = BUF_INIT;

    if (c->keeper == NULL)
        return;
    say_error(c, file_sink_error(c->keeper));
    if (control_keep_write(c, &b))
        file_sink_put(c->keeper, buf_slice(&b));
    else
        say_error(c, ENOMEM);
    buf_free(&b);
}

void control_keep_second(struct control *c)
{
    if (c->clock.seconds % KEEP_EACH_S == 0 && c->upgrade.state != UPGRADE_DONE)
        keep(c);
}

void control_keep_end(struct control *c)
{
    if (c->phase.ran && c->upgrade.state != UPGRADE_DONE) /* else it is the next one's file */
        keep(c);
    if (c->keeper != NULL)
        say_error(c, file_sink_destroy(&c->keeper, PATIENCE_NS));
}

/* --- reading */

static bool restore_one(struct control *c, const struct kept_entry *e, uint64_t away_ns,
                        const char *what)
{
    const struct snapshot_pool *pool = snapshot_pool_named(c->snapshot, e->pool);
    const struct snapshot_upstream *u =
        pool == NULL ? NULL : snapshot_upstream_named(pool, e->name);
    const char *why = "it is not in the settings";
    bool ok;

    if (u != NULL && e->url != kept_url(u->conf->url)) {
        why = "its URL is another one now";
    } else if (u != NULL) {
        ok = pool_restore(gate_lock(pool->gate), (size_t)u->place, &e->kept, away_ns,
                          loop_now_ns(c->loop));
        gate_unlock(pool->gate);
        if (ok)
            return true;
        why = "a number is out of range";
    }
    log_info("%s of %.*s/%.*s is not used: %s", what, (int)e->pool.len, e->pool.p, (int)e->name.len,
             e->name.p, why);
    return false;
}

static void restore_all(struct control *c, struct slice bytes)
{
    uint64_t now = wall_now_ns(), most_ns = c->snapshot->settings->state.max_age_ns, away_ns;
    struct kept_reader r;
    struct kept_entry e;
    const char *wrong = kept_file_open(&r, bytes);
    unsigned n = 0;

    if (wrong == NULL && r.wall_ns > now + CLOCK_SLACK_NS)
        wrong = "is of a time that has not come yet";
    away_ns = wrong != NULL || r.wall_ns > now ? 0 : now - r.wall_ns;
    if (wrong == NULL && away_ns > most_ns)
        wrong = "is older than state.max_age";
    if (wrong != NULL) {
        log_warn("state: %s is not used: it %s", path_of(c), wrong);
        return;
    }
    while (kept_file_next(&r, &e))
        n += restore_one(c, &e, away_ns, "state: what was learnt");
    log_info("state: what was learnt of %u upstreams until %.0f s ago is used (%s)", n,
             (double)away_ns / 1e9, path_of(c));
}

bool control_keep_read(struct control *c, struct slice bytes, const char *what)
{
    struct kept_reader r;
    struct kept_entry e;

    if (kept_file_open(&r, bytes) != NULL)
        return false;
    while (kept_file_next(&r, &e))
        (void)restore_one(c, &e, 0, what);
    return true;
}

/* NULL and errno; *len is what was read. */
static char *read_file(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    char *mem = NULL;
    bool good = false;

    if (fd == -1)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        mem = malloc(KEPT_FILE_MAX);
    if (mem != NULL)
        good = read_whole(fd, mem, KEPT_FILE_MAX, len);
    (void)close(fd);
    if (good)
        return mem;
    free(mem);
    errno = EINVAL;
    return NULL;
}

static void begin_keeping(struct control *c)
{
    c->keeper = file_sink_create(path_of(c), KEPT_FILE_MAX);
    if (c->keeper == NULL)
        log_warn("state: there is no memory or no thread to write %s", path_of(c));
}

void control_keep_start(struct control *c)
{
    char *mem, reason[96];
    size_t len = 0;

    if (path_of(c)[0] == '\0')
        return;
    if (c->start.takeover != NULL) {
        begin_keeping(c);
        return; /* what the running process knows is newer */
    }
    mem = read_file(path_of(c), &len);
    if (mem != NULL)
        restore_all(c, slice_of(mem, len));
    else if (errno == ENOENT)
        log_info("state: %s is not there yet: nothing is known of the upstreams", path_of(c));
    else
        log_warn("state: %s is not used: %s", path_of(c), strerror_r(errno, reason, sizeof reason));
    free(mem);
    begin_keeping(c);
}
