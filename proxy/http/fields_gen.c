/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs while building: finds a multiplier under which the names of WEIR_FIELDS fall into different
 * slots, and prints the table that fields.c looks names up in.  A new name is one row in head.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields_hash.h"
#include "weir/http/head.h"

#define NAME_ROW(e, name) name,
static const char *const names[] = {"", WEIR_FIELDS(NAME_ROW)};
#undef NAME_ROW

static int fits(uint32_t mul, unsigned char slots[FIELD_SLOTS])
{
    memset(slots, 0, FIELD_SLOTS);
    for (int id = 1; id < FIELD_ID_COUNT; id++) {
        unsigned slot = field_slot(names[id], strlen(names[id]), mul);

        if (slots[slot] != 0)
            return 0;
        slots[slot] = (unsigned char)id;
    }
    return 1;
}

int main(void)
{
    unsigned char slots[FIELD_SLOTS];
    uint32_t mul = 1;

    for (int tries = 0; !fits(mul, slots); tries++) {
        if (tries == 10000000) {
            fprintf(stderr, "fields_gen: no multiplier; change field_slot() in fields_hash.h\n");
            return EXIT_FAILURE;
        }
        mul = mul * UINT32_C(1664525) + UINT32_C(1013904223);
    }
    printf("/* made by fields_gen from WEIR_FIELDS */\n");
    printf("enum { FIELD_ID_MAX = %d };\n", FIELD_ID_COUNT - 1);
    printf("#define FIELD_MUL UINT32_C(0x%08x)\n", (unsigned)mul);
    printf("static const unsigned char field_slots[FIELD_SLOTS] = {");
    for (int i = 0; i < FIELD_SLOTS; i++)
        printf("%s%d,", i % 16 == 0 ? "\n    " : " ", slots[i]);
    printf("\n};\n");
    return EXIT_SUCCESS;
}
