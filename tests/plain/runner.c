/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the tests of criterion/criterion.h beside it, one process each. */
#include <sys/wait.h>
#include <unistd.h>

#include "criterion/criterion.h"
#include "criterion/redirect.h"

static struct plain_suite *suites;
static struct plain_test *tests;

void plain_add_suite(struct plain_suite *s)
{
    s->next = suites;
    suites = s;
}

void plain_add_test(struct plain_test *t)
{
    t->next = tests;
    tests = t;
}

void plain_fail(const char *file, int line, const char *claim, ...)
{
    va_list ap;
    const char *format;

    (void)fprintf(stderr, "%s:%d: %s: ", file, line, claim);
    va_start(ap, claim);
    format = va_arg(ap, const char *);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fprintf(stderr, "\n");
    exit(1);
}

void plain_log(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fprintf(stderr, "\n");
}

void cr_redirect_stderr(void)
{
    if (freopen("/dev/null", "w", stderr) == NULL)
        exit(1);
}

static const struct plain_suite *suite_of(const struct plain_test *t)
{
    static const struct plain_suite bare;

    for (const struct plain_suite *s = suites; s != NULL; s = s->next) {
        if (strcmp(s->name, t->suite) == 0)
            return s;
    }
    return &bare;
}

static void run_here(const struct plain_test *t)
{
    const struct plain_suite *s = suite_of(t);

    if (s->init != NULL)
        s->init();
    t->run();
    if (s->fini != NULL)
        s->fini();
    exit(0);
}

static bool passes(const struct plain_test *t)
{
    int status = 0;
    pid_t child;

    (void)fflush(stderr);
    child = fork();
    if (child == 0)
        run_here(t);
    if (child == -1 || waitpid(child, &status, 0) != child)
        return false;
    return t->signal == 0 ? status == 0 : WIFSIGNALED(status) && WTERMSIG(status) == t->signal;
}

int main(void)
{
    int n = 0, failed = 0;

    for (const struct plain_test *t = tests; t != NULL; t = t->next, n++) {
        if (passes(t))
            continue;
        failed++;
        (void)fprintf(stderr, "FAIL %s::%s\n", t->suite, t->name);
    }
    (void)fprintf(stderr, "%d tests, %d failed\n", n, failed);
    return failed == 0 ? 0 : 1;
}
