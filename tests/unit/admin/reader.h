/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_TESTS_READER_H
#define WEIR_TESTS_READER_H

#include <stdbool.h>

/*
 * Looks into a JSON document by a path such as "pools.0.upstreams.1.state" and gives the value as
 * JSON ("\"open\"", "0.3", "null"), "missing" where there is none, "broken" when the document is
 * not JSON.  The document ends where its first value does.  jansson is behind it: its names and
 * those of http/ do not go into one file.
 */
const char *read_json(const char *document, const char *path);

#endif
