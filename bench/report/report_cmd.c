/* SPDX-License-Identifier: Apache-2.0 */
/* `weir-bench report`: from a folder of results to one page. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/commands.h"
#include "bench/common/cli.h"
#include "bench/report/report.h"
#include "bench/report/report_priv.h"
#include "bench/scenario/ask.h"

enum { CHAPTERS_MAX = 32, FILES_MAX = 256 };

struct book {
    json_t *files[FILES_MAX];
    size_t n_files;
    struct chapter chapters[CHAPTERS_MAX];
    size_t n_chapters;
};

static int is_result(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

/* weir last, the way a table is read; else by name. */
static int by_target(const void *a, const void *b)
{
    const char *x = json_text_at(*(const json_t *const *)a, "target");
    const char *y = json_text_at(*(const json_t *const *)b, "target");
    int x_last = strcmp(x, "weir") == 0, y_last = strcmp(y, "weir") == 0;

    return x_last != y_last ? x_last - y_last : strcmp(x, y);
}

static struct chapter *chapter_of(struct book *b, const char *scenario)
{
    for (size_t i = 0; i < b->n_chapters; i++) {
        if (strcmp(b->chapters[i].scenario, scenario) == 0)
            return &b->chapters[i];
    }
    if (b->n_chapters == CHAPTERS_MAX)
        return NULL;
    b->chapters[b->n_chapters].scenario = scenario;
    return &b->chapters[b->n_chapters++];
}

static enum weir_status read_results(struct book *b, const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, is_result, alphasort);
    char path[600];
    json_error_t error;

    if (n < 0) {
        (void)fprintf(stderr, "weir-bench report: %s: %s\n", folder, strerror(errno));
        return WEIR_NOT_FOUND;
    }
    for (int i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        json_t *j = b->n_files == FILES_MAX ? NULL : json_load_file(path, 0, &error);
        if (j != NULL)
            b->files[b->n_files++] = j;
        else
            (void)fprintf(stderr, "weir-bench report: %s left out: %s\n", path, error.text);
        free(names[i]);
    }
    free(names);
    return WEIR_OK;
}

static void sort_results(struct book *b)
{
    for (size_t i = 0; i < b->n_files; i++) {
        struct chapter *c;
        if (strcmp(json_text_at(b->files[i], "kind"), "run") != 0)
            continue;
        c = chapter_of(b, json_text_at(b->files[i], "scenario"));
        if (c != NULL && c->n < RUNS_MAX)
            c->runs[c->n++] = b->files[i];
    }
    for (size_t i = 0; i < b->n_chapters; i++)
        qsort(b->chapters[i].runs, b->chapters[i].n, sizeof b->chapters[i].runs[0], by_target);
}

static void put_steps(struct grow *g, const json_t *run)
{
    const json_t *steps = json_object_get(run, "steps");

    if (json_array_size(steps) == 0)
        return;
    grow_str(g, "<ol class=\"steps\">");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *s = json_array_get(steps, i);
        const char *say = json_text_at(s, "say"), *backend = json_text_at(s, "backend"),
                   *weir = json_text_at(s, "weir");
        grow_printf(g, "<li>%g s: ", json_number_at(s, "at_s"));
        put_html(g, say);
        if (backend[0] != '\0') {
            grow_str(g, " <code>backend: ");
            put_html(g, backend);
            grow_str(g, "</code>");
        }
        if (weir[0] != '\0') {
            grow_str(g, " <code>weirctl ");
            put_html(g, weir);
            grow_str(g, "</code>");
        }
        grow_str(g, "</li>");
    }
    grow_str(g, "</ol>\n");
}

static void put_chapter(struct grow *g, const struct chapter *c)
{
    grow_str(g, "<h2 id=\"");
    put_html(g, c->scenario);
    grow_str(g, "\">");
    put_html(g, json_text_at(c->runs[0], "title"));
    grow_str(g, "</h2>\n<p>");
    put_html(g, json_text_at(c->runs[0], "about"));
    grow_printf(g,
                "</p>\n<p class=\"meta\">engine %s, up to %g good answers a second; seed %g</p>\n",
                json_text_at(c->runs[0], "engine"), json_number_at(c->runs[0], "capacity_per_s"),
                json_number_at(c->runs[0], "seed"));
    chapter_table(g, c);
    kinds_table(g, c);
    put_steps(g, c->runs[0]);
    chapter_plots(g, c);
}

/* The results that are no runs, in the order of this table. */
static void put_others(struct grow *g, const struct book *b)
{
    static const struct {
        const char *kind;
        void (*put)(struct grow *g, const json_t *result);
    } others[] = {{"compare", costs_table}, {"micro", micro_table}, {"check", check_table}};

    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        for (size_t i = 0; i < b->n_files; i++) {
            if (strcmp(json_text_at(b->files[i], "kind"), others[k].kind) == 0)
                others[k].put(g, b->files[i]);
        }
    }
}

enum weir_status report_folder(const char *folder)
{
    struct book *b = calloc(1, sizeof *b);
    struct grow g = {0};
    enum weir_status rc = b == NULL ? WEIR_NO_MEMORY : read_results(b, folder);
    char path[600];
    FILE *f = NULL;

    (void)snprintf(path, sizeof path, "%s/report.html", folder);
    if (rc == WEIR_OK && (f = fopen(path, "we")) == NULL) {
        (void)fprintf(stderr, "weir-bench report: %s: %s\n", path, strerror(errno));
        rc = WEIR_SYS;
    }
    if (rc == WEIR_OK) {
        sort_results(b);
        page_begin(&g);
        short_table(&g, b->chapters, b->n_chapters);
        for (size_t i = 0; i < b->n_chapters; i++)
            put_chapter(&g, &b->chapters[i]);
        put_others(&g, b);
        page_end(&g);
        (void)fwrite(g.p, 1, g.len, f);
        (void)fclose(f);
        (void)fprintf(stderr, "report: %s\n", path);
    }
    for (size_t i = 0; b != NULL && i < b->n_files; i++)
        json_decref(b->files[i]);
    grow_free(&g);
    free(b);
    return rc;
}

static const struct cli cli = {.name = "report",
                               .usage = "FOLDER",
                               .summary =
                                   "Makes FOLDER/report.html from the results (*.json) in it.",
                               .opts = NULL,
                               .n_opts = 0};

int cmd_report(int argc, char **argv)
{
    char **words;
    int n;

    switch (cli_parse(&cli, argc, argv, NULL, &words, &n)) {
    case CLI_HELP:
        return 0;
    case CLI_WRONG:
        return 2;
    case CLI_RUN:
        break;
    }
    if (n != 1)
        return cli_wrong(&cli, "wanted one folder");
    return report_folder(words[0]) == WEIR_OK ? 0 : 1;
}
