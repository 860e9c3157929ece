/* SPDX-License-Identifier: Apache-2.0 */
#include "pages_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of templates for one test; files are removed with it. */
struct directory {
    char path[64], files[8][128];
    int n;
};

static struct directory make_directory(void)
{
    struct directory d = {.n = 0};

    strcpy(d.path, "/tmp/weir-pages-XXXXXX");
    cr_assert_not_null(mkdtemp(d.path));
    return d;
}

static void add_file(struct directory *d, const char *name, const char *text)
{
    char path[sizeof d->files[0]];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", d->path, name);
    strcpy(d->files[d->n++], path);
    f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void remove_directory(struct directory *d)
{
    for (int i = 0; i < d->n; i++)
        unlink(d->files[i]);
    rmdir(d->path);
}

static struct page_set *load(const struct directory *d)
{
    char why[256] = "";
    struct page_set *s = page_set_load(d->path, NULL, 0, why, sizeof why);

    cr_assert_not_null(s, "%s", why);
    cr_assert_str_eq(why, "");
    return s;
}

static void check_page_is(const struct page_set *s, enum cause c, const char *pool,
                          const char *language, const char *wanted)
{
    struct answer_wish w = {.format = FORMAT_HTML,
                            .language = language_choose(slice_str(language), LANGUAGES_ALL)};
    struct refusal r = some_refusal(c);
    struct buf out = BUF_INIT;

    r.pages = s;
    r.pool = pool;
    cr_assert_eq(refusal_body(&r, &w, &out, 1 << 16), WEIR_OK);
    cr_assert(wanted == NULL ? slice_has(buf_slice(&out), "<main>")
                             : slice_eq(buf_slice(&out), slice_str(wanted)),
              "%s %s %s: %.*s", cause_name(c), pool, language, (int)out.len, out.mem);
    buf_free(&out);
}

Test(page_set, the_closest_page_is_taken)
{
    struct directory d = make_directory();
    struct page_set *s;

    add_file(&d, "overloaded.html", "overloaded");
    add_file(&d, "overloaded.fr.html", "overloaded fr");
    add_file(&d, "chat.overloaded.html", "chat overloaded");
    add_file(&d, "chat.default.html", "chat default {{cause}}");
    add_file(&d, "chat.recovering.de.html", "chat recovering de");
    add_file(&d, "README.txt", "{{not a page");
    s = load(&d);
    check_page_is(s, CAUSE_OVERLOADED, "other", "en", "overloaded");
    check_page_is(s, CAUSE_OVERLOADED, NULL, "fr", "overloaded fr");
    check_page_is(s, CAUSE_OVERLOADED, "chat", "en", "chat overloaded");
    check_page_is(s, CAUSE_OVERLOADED, "chat", "fr", "chat overloaded");
    check_page_is(s, CAUSE_RECOVERING, "chat", "de", "chat recovering de");
    check_page_is(s, CAUSE_RECOVERING, "chat", "en", "chat default recovering");
    check_page_is(s, CAUSE_RECOVERING, "other", "de", NULL);
    page_set_destroy(&s);
    cr_assert_null(s);
    remove_directory(&d);
}

Test(page_set, values_are_escaped_and_the_policy_allows_the_operator_s_style)
{
    struct directory d = make_directory();
    struct answer_wish w = {.format = FORMAT_HTML};
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct written written;
    struct page_set *s;

    add_file(&d, "default.html", "<style>p{}</style><p title=\"{{incident}}\">{{request_id}}");
    s = load(&d);
    r.pages = s;
    r.incident = "\"><script>";
    written = write_refusal(&r, &w);
    cr_assert(slice_has(written.body, "title=\"&#34;&gt;&lt;script&gt;\">req-1"));
    cr_assert(strstr(field_of(&written, "Content-Security-Policy"), "style-src 'unsafe-inline'"));
    cr_assert_null(strstr(field_of(&written, "Content-Security-Policy"), "script-src"));
    buf_free(&written.bytes);
    page_set_destroy(&s);
    remove_directory(&d);
}

Test(page_set, a_page_that_does_not_fit_gives_way_to_the_built_in_one)
{
    struct directory d = make_directory();
    char big[12000];
    struct answer_wish w = {.format = FORMAT_HTML};
    struct refusal r = some_refusal(CAUSE_OVERLOADED);
    struct buf out = BUF_INIT;
    struct page_set *s;

    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    add_file(&d, "default.html", big);
    s = load(&d);
    r.pages = s;
    cr_assert_eq(refusal_body(&r, &w, &out, 8192), WEIR_OK);
    cr_assert(slice_has(buf_slice(&out), "<main>"));
    buf_free(&out);
    page_set_destroy(&s);
    remove_directory(&d);
}

Test(page_set, the_status_page_can_be_replaced_too)
{
    struct directory d = make_directory();
    struct status_facts f = {.state = "down", .expected_full_s = -1};
    struct buf out = BUF_INIT;
    struct page_set *s;

    add_file(&d, "status.fr.html", "{{state}}: {{title}}");
    s = load(&d);
    f.pages = s;
    cr_assert_eq(status_page_body(&f, 1, &out, 8192), WEIR_OK);
    cr_assert(slice_eq(buf_slice(&out), SLICE_LIT("down: Hors service")));
    buf_free(&out);
    cr_assert_eq(status_page_body(&f, 0, &out, 8192), WEIR_OK);
    cr_assert(slice_has(buf_slice(&out), "<main>"));
    buf_free(&out);
    page_set_destroy(&s);
    remove_directory(&d);
}

Test(page_set, without_a_directory_nothing_is_replaced)
{
    char why[256];
    struct page_set *s = page_set_load("", NULL, 0, why, sizeof why);

    cr_assert_not_null(s);
    check_page_is(s, CAUSE_OVERLOADED, "chat", "en", NULL);
    page_set_destroy(&s);
}

static void check_complaint(const char *file, const char *text, const char *wanted)
{
    struct directory d = make_directory();
    static const char *const languages[] = {"en", "de"};
    char why[512] = "", whole[512];

    add_file(&d, file, text);
    cr_assert_null(page_set_load(d.path, languages, 2, why, sizeof why), "%s", file);
    snprintf(whole, sizeof whole, "%s/%s", d.path, wanted);
    cr_assert_str_eq(why, whole);
    remove_directory(&d);
}

Test(page_set, diagnostics_are_told_with_file_and_line)
{
    char big[16386], heavy[16000] = "";

    check_complaint("overloaded.html", "a\n{{requestid}}\n",
                    "overloaded.html:2: there is no placeholder {{requestid}}");
    check_complaint("overload.html", "a",
                    "overload.html: the name holds no cause, `default` or "
                    "`status`");
    check_complaint("chat.en.html", "a",
                    "chat.en.html: the name holds no cause, `default` or "
                    "`status`");
    check_complaint("a.b.overloaded.en.html", "a",
                    "a.b.overloaded.en.html: the name is not of the form "
                    "[POOL.]CAUSE[.LANGUAGE].html");
    check_complaint("chat.status.html", "a",
                    "chat.status.html: the status page is one for all pools");
    check_complaint("overloaded.fr.html", "a",
                    "overloaded.fr.html: this language is not among pages.languages");
    check_complaint("default.html", "", "default.html: the file is empty");
    check_complaint("default.html", "ok\n\xff\n", "default.html:2: this is not UTF-8");
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    check_complaint("default.html", big, "default.html: a page may have 16 KiB at most");
    while (strlen(heavy) < 600)
        strcat(heavy, "{{incident}}");
    check_complaint("default.html", heavy, "default.html: filled in, this page could pass 32 KiB");
    check_complaint("status.html", heavy, "status.html: filled in, this page could pass 32 KiB");
}

Test(page_set, a_directory_that_is_not_there_is_a_diagnostic)
{
    static const char *const languages[] = {"xx"};
    char why[256];

    cr_assert_null(page_set_load("/nonexistent/pages", NULL, 0, why, sizeof why));
    cr_assert_str_eq(why, "/nonexistent/pages: No such file or directory");
    cr_assert_null(page_set_load("", languages, 1, why, sizeof why));
    cr_assert_str_eq(why, "pages.languages: there are no texts in \"xx\", only in en, fr, de, es");
}

Test(page_set, a_name_that_is_a_directory_is_a_diagnostic)
{
    struct directory d = make_directory();
    char sub[128], why[256];

    snprintf(sub, sizeof sub, "%s/default.html", d.path);
    cr_assert_eq(mkdir(sub, 0700), 0);
    cr_assert_null(page_set_load(d.path, NULL, 0, why, sizeof why));
    cr_assert(strstr(why, "default.html: Is a directory") != NULL, "%s", why);
    rmdir(sub);
    remove_directory(&d);
}

Test(page_set, each_file_with_a_diagnostic_is_told)
{
    struct directory d = make_directory();
    char why[512], whole[512];

    add_file(&d, "default.html", "{{nope}}");
    add_file(&d, "overloaded.html", "fine");
    add_file(&d, "status.html", "a\n{{cause}}");
    cr_assert_null(page_set_load(d.path, NULL, 0, why, sizeof why));
    snprintf(whole, sizeof whole,
             "%s/default.html:1: there is no placeholder {{nope}}; %s/status.html:2: ", d.path,
             d.path);
    cr_assert_eq(strncmp(why, whole, strlen(whole)), 0, "%s", why);
    remove_directory(&d);
}

Test(page_set, tells_a_page_for_a_pool_that_is_not_there)
{
    static const char *const pools[] = {"chat", "api"};
    struct directory d = make_directory();
    struct page_set *s;

    add_file(&d, "default.html", "fine");
    add_file(&d, "chat.default.html", "fine");
    s = load(&d);
    cr_assert_null(page_set_strange_pool(s, pools, 2));
    page_set_destroy(&s);
    add_file(&d, "chatt.default.html", "fine");
    s = load(&d);
    cr_assert_str_eq(page_set_strange_pool(s, pools, 2), "chatt");
    page_set_destroy(&s);
    remove_directory(&d);
}
