/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_CONF_TEST_H
#define WEIR_CONF_TEST_H

#include "weir/conf/settings.h"

/* The smallest file that is good. */
#define GOOD_POOLS                                                                                 \
    "pools = ( { name = \"p\"; upstreams = ( { name = \"u\"; url = \"http://h\"; } ); } );\n"

/* All diagnostics of a text as lines "LINE: TEXT"; "" if it loads.  Static storage. */
const char *diagnostics_of(const char *text);
/* Loads text and fails the test with its diagnostics if there are any. */
struct settings *must_parse_file(const char *text);
/* The value of a key as conf_dump writes it; NULL if there is no such key.  Static storage. */
const char *dumped(const struct settings *s, const char *key);
const char *dumped_origin(const struct settings *s, const char *key);

#endif
