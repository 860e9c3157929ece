/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators' own pages.  All files of a directory are read and verified when the settings are
 * loaded, so that nothing can go wrong when a page is needed; after that a set never changes.
 *
 * A file's name says what it is for (docs/answers.md): [POOL.]CAUSE[.LANGUAGE].html, where CAUSE
 * may be `default`; status[.LANGUAGE].html is the status page.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages_priv.h"
#include "template.h"
#include "weir/base/read_whole.h"

enum { ANY_CAUSE = -1, STATUS_PAGE = -2, ANY_LANGUAGE = -1, FILES_MAX = 1024 };

struct page_entry {
    char pool[65]; /* "" = any */
    int cause, language;
    char *text;
    size_t len;
};

struct page_set {
    struct page_entry *entries;
    size_t n;
};

/* The loading of one set; `why` is where a diagnostic is told. */
struct loading {
    const char *directory;
    uint32_t languages;
    struct text why;
    struct page_set *set;
};

static bool complain(struct loading *l, const char *file, int line, const char *what)
{
    if (l->why.len > 0)
        text_str(&l->why, "; ");
    text_str(&l->why, l->directory);
    if (file != NULL)
        text_printf(&l->why, "/%s", file);
    if (line > 0)
        text_printf(&l->why, ":%d", line);
    text_printf(&l->why, ": %s", what);
    return false;
}

static int find_language(struct slice s)
{
    for (uint8_t i = 0; i < language_count(); i++) {
        if (slice_eq(s, slice_str(language_tag(i))))
            return i;
    }
    return ANY_LANGUAGE;
}

/* A cause's number, ANY_CAUSE, STATUS_PAGE, or CAUSE_COUNT for a word that is none. */
static int find_cause(struct slice s)
{
    if (slice_eq(s, SLICE_LIT("default")))
        return ANY_CAUSE;
    if (slice_eq(s, SLICE_LIT("status")))
        return STATUS_PAGE;
    for (int c = CAUSE_NONE + 1; c < CAUSE_COUNT; c++) {
        if (slice_eq(s, slice_str(cause_name((enum cause)c))))
            return c;
    }
    return CAUSE_COUNT;
}

/* Splits "a.b.c" at its dots; returns how many parts, 4 for too many. */
static size_t split(struct slice s, struct slice part[4])
{
    size_t n = 0;

    for (;;) {
        const char *dot = memchr(s.p, '.', s.len);
        size_t len = dot == NULL ? s.len : (size_t)(dot - s.p);

        part[n++] = slice_of(s.p, len);
        if (dot == NULL || n == 4)
            return n;
        s = slice_from(s, len + 1);
    }
}

/* [POOL.]CAUSE[.LANGUAGE] into *e. */
static bool parse_name(struct loading *l, const char *file, struct page_entry *e)
{
    struct slice part[4], pool = SLICE_NONE;
    size_t n = split(slice_of(file, strlen(file) - strlen(".html")), part);

    e->language = n > 1 ? find_language(part[n - 1]) : ANY_LANGUAGE;
    if (e->language != ANY_LANGUAGE)
        n--;
    e->cause = find_cause(part[n - 1]);
    if (n == 2)
        pool = part[0];
    if (n > 2 || pool.len >= sizeof e->pool || (n == 2 && pool.len == 0))
        return complain(l, file, 0, "the name is not of the form [POOL.]CAUSE[.LANGUAGE].html");
    if (e->cause == CAUSE_COUNT)
        return complain(l, file, 0, "the name holds no cause, `default` or `status`");
    if (e->cause == STATUS_PAGE && n == 2)
        return complain(l, file, 0, "the status page is one for all pools");
    if (e->language != ANY_LANGUAGE && (l->languages >> e->language & 1) == 0)
        return complain(l, file, 0, "this language is not among pages.languages");
    if (pool.len > 0)
        memcpy(e->pool, pool.p, pool.len);
    e->pool[pool.len] = '\0';
    return true;
}

/* Reads what is in fd into e->text; the size was looked at, but a file may change. */
static bool read_all(struct loading *l, const char *file, int fd, struct page_entry *e)
{
    e->text = malloc(OWN_FILE_MAX + 1);
    if (e->text == NULL)
        return complain(l, file, 0, "out of memory");
    if (!read_whole(fd, e->text, OWN_FILE_MAX + 1, &e->len))
        return complain(l, file, 0, strerror(errno));
    if (e->len > OWN_FILE_MAX)
        return complain(l, file, 0, "a page may have 16 KiB at most");
    if (e->len == 0)
        return complain(l, file, 0, "the file is empty");
    return true;
}

/* The line that is not UTF-8, or 0. */
static int bad_utf8_line(struct slice s)
{
    int line = 1;

    while (s.len > 0) {
        size_t n = utf8_len(s);
        if (n == 0 || s.p[0] == '\0')
            return line;
        line += s.p[0] == '\n';
        s = slice_from(s, n);
    }
    return 0;
}

static bool check_text(struct loading *l, const char *file, const struct page_entry *e)
{
    struct slice text = slice_of(e->text, e->len);
    struct template_diagnostic m;
    enum page_side side = e->cause == STATUS_PAGE ? SIDE_STATUS : SIDE_REFUSAL;
    int bad_line = bad_utf8_line(text);
    bool fits = true;

    if (bad_line > 0)
        return complain(l, file, bad_line, "this is not UTF-8");
    if (template_check(text, side, &m) != WEIR_OK)
        return complain(l, file, m.line, m.why);
    if (e->cause == STATUS_PAGE)
        fits = status_page_fits(text);
    for (int c = CAUSE_NONE + 1; c < CAUSE_COUNT && fits; c++) {
        if (e->cause == ANY_CAUSE || e->cause == c)
            fits = page_fits(text, (enum cause)c);
    }
    return fits || complain(l, file, 0, "filled in, this page could pass 32 KiB");
}

static bool load_file(struct loading *l, const char *file)
{
    struct page_entry *e = &l->set->entries[l->set->n];
    int dir = open(l->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
    bool good = false;

    *e = (struct page_entry){.cause = ANY_CAUSE};
    if (!parse_name(l, file, e))
        goto out;
    fd = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        complain(l, file, 0, strerror(errno));
        goto out;
    }
    good = read_all(l, file, fd, e) && check_text(l, file, e);
    l->set->n++; /* page_set_destroy frees the text, good or bad */
out:
    if (fd >= 0)
        (void)close(fd);
    if (dir >= 0)
        (void)close(dir);
    return good;
}

static int is_page(const struct dirent *d)
{
    return d->d_name[0] != '.' && slice_ends(slice_str(d->d_name), SLICE_LIT(".html"));
}

static void load_directory(struct loading *l)
{
    struct dirent **names = NULL;
    int n = scandir(l->directory, &names, is_page, alphasort);

    if (n < 0) {
        complain(l, NULL, 0, strerror(errno));
        return;
    }
    l->set->entries = calloc((size_t)n + 1, sizeof *l->set->entries);
    if (l->set->entries == NULL || n > FILES_MAX)
        complain(l, NULL, 0, n > FILES_MAX ? "more than 1024 pages" : "out of memory");
    for (int i = 0; i < n && n <= FILES_MAX && l->set->entries != NULL; i++)
        (void)load_file(l, names[i]->d_name);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* Which languages are offered; a tag that is none of ours is a diagnostic. */
static void set_languages(struct loading *l, const char *const *languages, size_t n)
{
    const char *unknown = NULL;

    l->languages = language_set(languages, n, &unknown);
    if (unknown == NULL)
        return;
    text_printf(&l->why, "pages.languages: there are no texts in \"%s\", only in", unknown);
    for (uint8_t i = 0; i < language_count(); i++)
        text_printf(&l->why, "%s %s", i == 0 ? "" : ",", language_tag(i));
}

struct page_set *page_set_load(const char *directory, const char *const *languages,
                               size_t n_languages, char *why, size_t why_room)
{
    struct loading l = {.directory = directory};

    text_init(&l.why, why, why_room);
    l.set = calloc(1, sizeof *l.set);
    if (l.set == NULL) {
        text_str(&l.why, "out of memory");
        return NULL;
    }
    set_languages(&l, languages, n_languages);
    if (l.why.len == 0 && directory[0] != '\0')
        load_directory(&l);
    if (l.why.len > 0)
        page_set_destroy(&l.set);
    return l.set;
}

const char *page_set_strange_pool(const struct page_set *set, const char *const *pools, size_t n)
{
    for (size_t i = 0; i < set->n; i++) {
        const char *pool = set->entries[i].pool;
        bool known = pool[0] == '\0';

        for (size_t k = 0; k < n && !known; k++)
            known = strcmp(pool, pools[k]) == 0;
        if (!known)
            return pool;
    }
    return NULL;
}

void page_set_destroy(struct page_set **p)
{
    if (*p == NULL)
        return;
    for (size_t i = 0; i < (*p)->n; i++)
        free((*p)->entries[i].text);
    free((*p)->entries);
    free(*p);
    *p = NULL;
}

/* How well an entry fits: the pool counts most, then the cause, then the language; -1 = not. */
static int fit(const struct page_entry *e, int cause, const char *pool, int language)
{
    bool any_pool = e->pool[0] == '\0';

    if (!any_pool && (pool == NULL || strcmp(e->pool, pool) != 0))
        return -1;
    if (e->cause != cause && (e->cause != ANY_CAUSE || cause == STATUS_PAGE))
        return -1;
    if (e->language != language && e->language != ANY_LANGUAGE)
        return -1;
    return (any_pool ? 0 : 4) + (e->cause == cause ? 2 : 0) + (e->language == language ? 1 : 0);
}

static struct slice find_best(const struct page_set *set, int cause, const char *pool,
                              uint8_t language)
{
    const struct page_entry *best = NULL;
    int best_fit = -1;

    for (size_t i = 0; set != NULL && i < set->n; i++) {
        int f = fit(&set->entries[i], cause, pool, language);
        if (f > best_fit) {
            best = &set->entries[i];
            best_fit = f;
        }
    }
    return best == NULL ? SLICE_NONE : slice_of(best->text, best->len);
}

struct slice page_set_find(const struct page_set *set, enum cause cause, const char *pool,
                           uint8_t language)
{
    return find_best(set, (int)cause, pool, language);
}

struct slice page_set_status(const struct page_set *set, uint8_t language)
{
    return find_best(set, STATUS_PAGE, NULL, language);
}
