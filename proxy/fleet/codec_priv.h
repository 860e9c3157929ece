/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLEET_CODEC_PRIV_H
#define WEIR_FLEET_CODEC_PRIV_H

#include "codec.h"

/* What the files of the codec share. */

/* What stands before the next blank, or before the line's end; it and its end are taken off *s. */
struct slice codec_word(struct slice *s);
struct slice codec_whole_line(struct slice *s);
/* a-z0-9_-, of at most so many bytes, one at least */
bool codec_is_name(struct slice s, size_t most);
/* Numbers by their table, a blank before each. */
void codec_put_rows(struct text *t, const struct fleet_row *rows, size_t n, const void *of);
/* What follows them stays in *s. */
bool codec_take_rows(struct slice *s, const struct fleet_row *rows, size_t n, void *of);

#endif
