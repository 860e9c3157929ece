/* SPDX-License-Identifier: Apache-2.0 */
/* seed_kept FOLDER: writes what an admin side remembers after some seconds, for fuzz_kept. */
#include <stdio.h>

#include "../unit/admin/fake_control.h"
#include "metrics/tally.h"
#include "web/history.h"

int main(int argc, char **argv)
{
    const struct control_event e = {.pool = "chat", .upstream = "a", .to = BREAKER_OPEN};
    struct history *h = history_create();
    struct tally *t = tally_create();
    struct buf b = BUF_INIT;
    struct packer p = {&b, 1 << 24, true};
    struct control control;
    char path[4096];
    FILE *f;
    bool ok;

    fake_control_init(&control);
    for (int i = 0; i < 5; i++)
        history_tick(h, &control.view);
    tally_count(t, &e);
    tally_keep(t, &p);
    history_keep(h, &p);
    (void)snprintf(path, sizeof path, "%s/some", argc == 2 ? argv[1] : ".");
    f = argc == 2 && p.ok ? fopen(path, "wb") : NULL;
    ok = f != NULL && fwrite(buf_slice(&b).p, b.len, 1, f) == 1;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    buf_free(&b);
    history_destroy(&h);
    tally_destroy(&t);
    fake_control_fini(&control);
    return ok ? 0 : 1;
}
