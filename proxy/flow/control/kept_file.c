/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the state file: written whole, and believed only if the checksum is right. */
#include "control/kept_file.h"

#include <string.h>

#include "weir/base/assert.h"
#include "weir/base/hash.h"
#include "weir/base/le.h"

/*
 * - head: magic, version and numbers an entry (u32 each), bytes of the file and time (u64 each),
 *   entries (u32)
 * - entry: lengths of pool and name (u16 each), both, hash of the URL (u64), the numbers (IEEE 754)
 * - end: checksum (u64)
 */
static const char magic[8] = {'w', 'e', 'i', 'r', 'k', 'e', 'p', 't'};
enum { VERSION = 1, AT_BYTES = 16, AT_ENTRIES = 32, HEAD = 36, CHECKSUM = 8 };

/* Against damage, not against somebody who may write the file. */
static const struct hash_key fixed_key = {UINT64_C(0x77656972), UINT64_C(0x6b657074)};

uint64_t kept_url(const char *url)
{
    return hash_keyed(fixed_key, slice_str(url));
}

static bool add(struct buf *b, const void *bytes, size_t n)
{
    return buf_append(b, slice_of(bytes, n), KEPT_FILE_MAX) == WEIR_OK;
}

static bool add_number(struct buf *b, uint64_t x, size_t bytes)
{
    unsigned char at[8];

    le_put(at, x, bytes);
    return add(b, at, bytes);
}

bool kept_file_begin(struct buf *b, uint64_t wall_ns)
{
    return add(b, magic, sizeof magic) && add_number(b, VERSION, 4) &&
           add_number(b, KEPT_NUMBERS, 4) && add_number(b, 0, 8) && add_number(b, wall_ns, 8) &&
           add_number(b, 0, 4);
}

static unsigned char *written(struct buf *b, size_t at)
{
    return (unsigned char *)b->mem + b->at + at;
}

bool kept_file_add(struct buf *b, const struct kept_entry *e)
{
    if (e->pool.len > UINT16_MAX || e->name.len > UINT16_MAX || !add_number(b, e->pool.len, 2) ||
        !add_number(b, e->name.len, 2) || !add(b, e->pool.p, e->pool.len) ||
        !add(b, e->name.p, e->name.len) || !add_number(b, e->url, 8))
        return false;
    for (size_t i = 0; i < KEPT_NUMBERS; i++) {
        uint64_t bits;

        memcpy(&bits, &e->kept.number[i], sizeof bits);
        if (!add_number(b, bits, 8))
            return false;
    }
    le_put(written(b, AT_ENTRIES), le_get((const char *)written(b, AT_ENTRIES), 4) + 1, 4);
    return true;
}

bool kept_file_end(struct buf *b)
{
    le_put(written(b, AT_BYTES), b->len + CHECKSUM, 8);
    return add_number(b, hash_keyed(fixed_key, buf_slice(b)), 8);
}

const char *kept_file_open(struct kept_reader *r, struct slice bytes)
{
    if (bytes.len < HEAD + CHECKSUM)
        return "is cut short";
    if (memcmp(bytes.p, magic, sizeof magic) != 0)
        return "is no state file of weir";
    if (le_get(bytes.p + 8, 4) != VERSION || le_get(bytes.p + 12, 4) != KEPT_NUMBERS)
        return "was written by another version of weir";
    if (bytes.len < le_get(bytes.p + AT_BYTES, 8))
        return "is cut short";
    bytes.len -= CHECKSUM;
    if (le_get(bytes.p + bytes.len, 8) != hash_keyed(fixed_key, bytes))
        return "is damaged: its checksum is wrong";
    r->wall_ns = le_get(bytes.p + 24, 8);
    r->left = (uint32_t)le_get(bytes.p + AT_ENTRIES, 4);
    r->rest = slice_of(bytes.p + HEAD, bytes.len - HEAD);
    return NULL;
}

static struct slice take(struct kept_reader *r, size_t n)
{
    struct slice s = slice_of(r->rest.p, n);

    r->rest = slice_of(r->rest.p + n, r->rest.len - n);
    return s;
}

bool kept_file_next(struct kept_reader *r, struct kept_entry *e)
{
    size_t pool, name;

    if (r->left == 0 || r->rest.len < 4)
        return false;
    pool = (size_t)le_get(r->rest.p, 2);
    name = (size_t)le_get(r->rest.p + 2, 2);
    if (r->rest.len < 4 + pool + name + 8 + sizeof e->kept)
        return false;
    (void)take(r, 4);
    e->pool = take(r, pool);
    e->name = take(r, name);
    e->url = le_get(take(r, 8).p, 8);
    for (size_t i = 0; i < KEPT_NUMBERS; i++) {
        uint64_t bits = le_get(take(r, 8).p, 8);

        memcpy(&e->kept.number[i], &bits, sizeof bits);
    }
    r->left--;
    return true;
}
