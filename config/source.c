/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a settings file as libconfig gets it, in one piece: files with their includes put in,
 * and a list that tells for each line where it came from.
 *
 * libconfig could read files itself, but it ends the process when an include is a folder, looks for
 * includes in the working directory instead of beside the file, and wraps numbers of more than 31
 * bits around.  What it would only call a syntax error (a string left open, 10s without quotes) is
 * told here in words that help (scan.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan.h"
#include "weir/base/read_whole.h"

enum { DEPTH_MAX = 10, BYTES_MAX = 4 << 20 };

struct source_part {
    int first;   /* line of the whole text */
    size_t file; /* index into files */
    int line;    /* line of that file */
};

struct open_file {
    char *text;
    size_t len, at, file;
    int line;
};

struct reader {
    struct conf_source *out;
    struct conf_diagnostics *m;
    struct open_file open[DEPTH_MAX];
    int depth; /* open files */
    struct scan scan;
    bool from_memory;
};

static void add_part(struct conf_source *s, int first, size_t file, int line)
{
    if (s->n_parts == s->room_parts) {
        size_t room = s->room_parts * 2 + 8;
        struct source_part *more = realloc(s->parts, room * sizeof *more);

        s->failed = s->failed || more == NULL;
        if (more == NULL)
            return;
        s->parts = more;
        s->room_parts = room;
    }
    s->parts[s->n_parts++] = (struct source_part){first, file, line};
}

static bool add_name(struct conf_source *s, const char *name)
{
    char **more = realloc(s->files, (s->n_files + 1) * sizeof *more), *copy;

    if (more == NULL)
        return false;
    s->files = more;
    copy = strdup(name);
    if (copy == NULL)
        return false;
    s->files[s->n_files++] = copy;
    return true;
}

/* Takes text.  Lines of the whole are counted by the scanner, which has emitted what came before.
 */
static void push(struct reader *r, const char *name, char *text, size_t len)
{
    size_t skip = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */

    if (!add_name(r->out, name)) {
        r->out->failed = true;
        free(text);
        return;
    }
    r->open[r->depth] = (struct open_file){text, len, skip, r->out->n_files - 1, 1};
    add_part(r->out, r->scan.line_out, r->open[r->depth].file, 1);
    r->depth++;
}

static void pop(struct reader *r)
{
    struct open_file *done = &r->open[r->depth - 1];

    scan_end(&r->scan, r->out->files[done->file], r->m);
    free(done->text);
    r->depth--;
    if (r->depth > 0)
        add_part(r->out, r->scan.line_out, r->open[r->depth - 1].file, r->open[r->depth - 1].line);
}

static char *read_bytes(int fd, size_t size, size_t *len)
{
    char *text = malloc(size + 1);

    if (text != NULL && read_whole(fd, text, size, len))
        return text;
    free(text);
    return NULL;
}

/* NULL and *why (static) if that is no readable text. */
static char *read_file(const char *path, size_t *len, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *text = NULL;

    *why = NULL;
    if (fd == -1)
        *why = strerrordesc_np(errno);
    else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        *why = "it is no regular file";
    else if (st.st_size > BYTES_MAX)
        *why = "it is larger than 4 MiB";
    else if ((text = read_bytes(fd, (size_t)st.st_size, len)) == NULL)
        *why = strerrordesc_np(errno);
    if (text == NULL && *why == NULL)
        *why = "the kernel gives no reason";
    if (fd != -1)
        (void)close(fd);
    return text;
}

/* Beside the file that includes it, unless the path begins at the root.  NULL: no memory. */
static char *path_beside(const char *of, struct slice name)
{
    const char *slash = name.len > 0 && name.p[0] == '/' ? NULL : strrchr(of, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - of) + 1;
    char *path = malloc(folder + name.len + 1);

    if (path == NULL)
        return NULL;
    memcpy(path, of, folder);
    memcpy(path + folder, name.p, name.len);
    path[folder + name.len] = '\0';
    return path;
}

static void include(struct reader *r, struct slice name, int line)
{
    const char *from = r->out->files[r->open[r->depth - 1].file], *why = NULL;
    char *path = path_beside(from, name), *text = NULL;
    size_t len = 0;

    r->out->failed = r->out->failed || path == NULL;
    if (path == NULL)
        return;
    if (r->from_memory)
        why = "only files can include files";
    else if (r->depth == DEPTH_MAX)
        why = "includes are nested deeper than 10, or in a circle";
    else if ((text = read_file(path, &len, &why)) != NULL && r->scan.len + len > BYTES_MAX)
        why = "the whole would be larger than 4 MiB";
    if (why == NULL) {
        push(r, path, text, len);
        text = NULL;
    } else {
        conf_diagnostic(r->m, from, line, "@include \"%s\" is not possible: %s", path, why);
    }
    free(text);
    free(path);
}

static void read_line(struct reader *r)
{
    struct open_file *f = &r->open[r->depth - 1];
    const char *begin = f->text + f->at, *end = memchr(begin, '\n', f->len - f->at);
    size_t len = end == NULL ? f->len - f->at : (size_t)(end - begin);
    struct slice line = slice_of(begin, len), name;
    int number = f->line;

    f->at += len + (end == NULL ? 0 : 1);
    f->line++;
    if (scan_include(&r->scan, line, &name))
        include(r, name, number);
    else
        scan_line(&r->scan, line, r->out->files[f->file], number, r->m);
}

static bool read_all(struct reader *r)
{
    while (r->depth > 0 && !r->out->failed && !r->scan.failed) {
        if (r->open[r->depth - 1].at < r->open[r->depth - 1].len)
            read_line(r);
        else
            pop(r);
    }
    while (r->depth > 0) /* of a load that has failed */
        free(r->open[--r->depth].text);
    r->out->text = r->scan.text;
    r->out->len = r->scan.len;
    r->out->failed = r->out->failed || r->scan.failed;
    if (r->out->failed)
        conf_no_memory(r->m);
    return r->m->n == 0;
}

static struct reader reader_of(struct conf_source *s, struct conf_diagnostics *m, bool from_memory)
{
    struct reader r = {.out = s, .m = m, .from_memory = from_memory};

    *s = (struct conf_source){.text = NULL};
    file_scan_begin(&r.scan);
    return r;
}

bool conf_source_read(struct conf_source *s, const char *path, struct conf_diagnostics *m)
{
    struct reader r = reader_of(s, m, false);
    const char *why;
    size_t len;
    char *text = read_file(path, &len, &why);

    if (text == NULL) {
        conf_diagnostic(m, path, 0, "the file can not be read: %s", why);
        return read_all(&r);
    }
    push(&r, path, text, len);
    return read_all(&r);
}

bool conf_source_text(struct conf_source *s, const char *text, const char *name,
                      struct conf_diagnostics *m)
{
    struct reader r = reader_of(s, m, true);
    char *copy = strdup(text);

    s->failed = copy == NULL;
    if (copy != NULL)
        push(&r, name, copy, strlen(copy));
    return read_all(&r);
}

void conf_source_place(const struct conf_source *s, int line, const char **file, int *file_line)
{
    const struct source_part *p = &s->parts[0];

    for (size_t i = 1; i < s->n_parts && s->parts[i].first <= line; i++)
        p = &s->parts[i];
    *file = s->files[p->file];
    *file_line = line < p->first ? p->line : p->line + (line - p->first);
}

void conf_source_free(struct conf_source *s)
{
    for (size_t i = 0; i < s->n_files; i++)
        free(s->files[i]);
    free(s->files);
    free(s->parts);
    free(s->text);
    *s = (struct conf_source){.text = NULL};
}
