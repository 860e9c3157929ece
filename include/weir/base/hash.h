/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit hash that strangers cannot steer. */
struct hash_key {
    uint64_t k0, k1;
};
uint64_t hash_keyed(struct hash_key key, struct slice bytes);

/* A key from the kernel's generator; aborts if the kernel has none to give. */
struct hash_key hash_key_random(void);

/* xoshiro256** (Blackman and Vigna, 2018): fast, not for secrets.  One owner, no lock. */
struct rng {
    uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* Uniform in [0, 1). */
double rng_unit(struct rng *r);

/* Fills out with bytes of the kernel's generator; for ids that must not be guessable. */
void random_bytes(void *out, size_t n);

/* The same by the word, for ids: fetched 256 bytes at a time.  One owner; zeroed is ready. */
struct entropy {
    uint64_t words[32];
    uint32_t left;
};
uint64_t entropy_next(struct entropy *e);

#endif
