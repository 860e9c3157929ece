/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_HTTP_FIELDS_HASH_H
#define WEIR_HTTP_FIELDS_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of a field name, shared by the lookup and by the program that makes its table. */
enum { FIELD_SLOT_BITS = 7, FIELD_SLOTS = 1 << FIELD_SLOT_BITS };

/* Length, first, middle and last letter tell the names apart; n > 0.  Bit 5 is the case of letters.
 */
static inline unsigned field_slot(const char *name, size_t n, uint32_t mul)
{
    uint32_t first = (unsigned char)name[0] | 32u, mid = (unsigned char)name[n / 2] | 32u;
    uint32_t last = (unsigned char)name[n - 1] | 32u;

    return (((uint32_t)n | first << 8 | mid << 16 | last << 24) * mul) >> (32 - FIELD_SLOT_BITS);
}

#endif
