/* SPDX-License-Identifier: Apache-2.0 */
/* seed_handed FOLDER: writes what a fresh weir hands over, as a seed for fuzz_handed. */
#include <stdio.h>

#include "../unit/flow/handed.h"

int main(int argc, char **argv)
{
    struct control *c = handed_control();
    struct buf b = BUF_INIT;
    char path[4096];
    FILE *f;
    bool ok = argc == 2 && handed_state_write(c, &b);

    (void)snprintf(path, sizeof path, "%s/fresh", argc == 2 ? argv[1] : ".");
    f = ok ? fopen(path, "wb") : NULL;
    ok = f != NULL && fwrite(buf_slice(&b).p, b.len, 1, f) == 1;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    buf_free(&b);
    handed_control_free(&c);
    return ok ? 0 : 1;
}
