/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_ASSERT_H
#define WEIR_BASE_ASSERT_H

/* "Cannot happen."  Stays on in release: prints the expression and its place on stderr, aborts. */
void weir_assert_fail(const char *expr, const char *file, int line) __attribute__((noreturn, cold));

#define WEIR_ASSERT(e)         ((e) ? (void)0 : weir_assert_fail(#e, __FILE__, __LINE__))
#define WEIR_UNREACHABLE(what) weir_assert_fail("unreachable: " what, __FILE__, __LINE__)

/* Proves that a callback was handed a live object of the type it expects. */
#define WEIR_CHECK(obj, wanted) WEIR_ASSERT((obj) != NULL && (obj)->magic == (wanted))

#endif
