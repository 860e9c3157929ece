/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_PLAIN_CRITERION_H
#define WEIR_TESTS_PLAIN_CRITERION_H

/*
 * Stands in for Criterion where Criterion cannot start: its shared arena finds no place beside the
 * thread sanitizer's shadow.  Only what our tests use; each test runs in a process of its own, as
 * there.  Chosen by tests/meson.build with -Db_sanitize=thread.
 */
#pragma GCC system_header /* comparisons in the tests are as lenient as under Criterion */

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_suite {
    const char *name;
    void (*init)(void), (*fini)(void);
    struct plain_suite *next;
};
struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    int signal; /* it has to end by */
    struct plain_test *next;
};
void plain_add_suite(struct plain_suite *s);
void plain_add_test(struct plain_test *t);
void plain_fail(const char *file, int line, const char *claim, ...) __attribute__((noreturn));
void plain_log(const char *format, ...);

#define TestSuite(suite_name, ...)                                                                 \
    __attribute__((constructor)) static void plain_suite_##suite_name(void)                        \
    {                                                                                              \
        static struct plain_suite s = {.name = #suite_name, __VA_ARGS__};                          \
        plain_add_suite(&s);                                                                       \
    }                                                                                              \
    struct plain_suite

#define Test(suite_name, test_name, ...)                                                           \
    static void suite_name##_##test_name(void);                                                    \
    __attribute__((constructor)) static void plain_test_##suite_name##_##test_name(void)           \
    {                                                                                              \
        static struct plain_test t = {.suite = #suite_name,                                        \
                                      .name = #test_name,                                          \
                                      .run = suite_name##_##test_name,                             \
                                      __VA_ARGS__};                                                \
        plain_add_test(&t);                                                                        \
    }                                                                                              \
    static void suite_name##_##test_name(void)

#define PLAIN_CLAIM(ok, claim, ...)                                                                \
    ((ok) ? (void)0 : plain_fail(__FILE__, __LINE__, claim, "" __VA_ARGS__))

#define cr_assert(e, ...)            PLAIN_CLAIM(e, #e, __VA_ARGS__)
#define cr_assert_not(e, ...)        PLAIN_CLAIM(!(e), "not " #e, __VA_ARGS__)
#define cr_assert_eq(a, b, ...)      PLAIN_CLAIM((a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)     PLAIN_CLAIM((a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)      PLAIN_CLAIM((a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)     PLAIN_CLAIM((a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)      PLAIN_CLAIM((a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)     PLAIN_CLAIM((a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(a, ...)       PLAIN_CLAIM((a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...)   PLAIN_CLAIM((a) != NULL, #a " is not NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)  PLAIN_CLAIM(strcmp(a, b) == 0, #a " equals " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) PLAIN_CLAIM(strcmp(a, b) != 0, #a " differs " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, by, ...)                                                          \
    PLAIN_CLAIM((a) - (b) <= (by) && (b) - (a) <= (by), #a " near " #b, __VA_ARGS__)
#define cr_assert_fail(...) PLAIN_CLAIM(false, "failed", __VA_ARGS__)
#define cr_log_error(...)   plain_log(__VA_ARGS__)

#endif
