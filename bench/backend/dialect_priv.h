/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BACKEND_DIALECT_PRIV_H
#define BENCH_BACKEND_DIALECT_PRIV_H

/* What the files of the dialects share among themselves. */
#include "bench/backend/dialect.h"

void responses_begin(struct grow *g, const struct answer *a);
void responses_token(struct grow *g, const struct answer *a, uint32_t i);
void responses_end(struct grow *g, const struct answer *a);
void responses_error(struct grow *g, const struct answer *a, int code);
void responses_whole(struct grow *g, const struct answer *a);

#endif
