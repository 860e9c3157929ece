/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin side remembers, on its way into the next process. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_control.h"
#include "metrics/tally.h"
#include "reader.h"
#include "web/history.h"
#include "weir/base/clock.h"

static struct control control;
static struct history *old, *new;
static struct buf bytes;

static void start(void)
{
    fake_control_init(&control);
    old = history_create();
    new = history_create();
    bytes = BUF_INIT;
}

static void stop(void)
{
    history_destroy(&old);
    history_destroy(&new);
    buf_free(&bytes);
    fake_control_fini(&control);
}

TestSuite(kept, .init = start, .fini = stop);

/* Each second one request in flight more and one answer. */
static void live(struct history *h, int seconds)
{
    struct upstream_status *u = &control.upstream_status[0];

    for (int i = 0; i < seconds; i++) {
        u->v.inflight++;
        u->sum.outcomes[OUTCOME_OK]++;
        control.view.now_wall_ns += NS_PER_S;
        history_tick(h, &control.view);
    }
}

static void keep(void)
{
    struct packer p = {&bytes, 1 << 24, true};

    history_keep(old, &p);
    cr_assert(p.ok);
}

/* From memory that ends where the bytes end.  True: all of it was understood. */
static bool restore(const char *from, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    struct unpacker u = {slice_of(copy, len), false};
    bool whole;

    cr_assert_not_null(copy);
    if (len > 0)
        memcpy(copy, from, len);
    history_restore(&new, &u);
    whole = !u.bad && u.rest.len == 0;
    free(copy);
    return whole;
}

static const char *text_of(const struct history *h)
{
    static char mem[2][400000];
    static int turn;
    struct json_out j;
    struct text t;

    turn = !turn;
    text_init(&t, mem[turn], sizeof mem[turn]);
    json_begin(&j, &t);
    json_open_object(&j, NULL);
    history_json(&j, h);
    json_close(&j);
    cr_assert(!t.full);
    return mem[turn];
}

Test(kept, a_history_goes_on_as_if_nothing_had_been)
{
    live(old, 40);
    keep();
    cr_assert(restore(buf_slice(&bytes).p, bytes.len));
    cr_assert_str_eq(text_of(new), text_of(old));
    control.upstream_status[0].sum = (struct upstream_sum){0}; /* another process counts anew */
    live(new, 2);
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.inflight.0"), "13");
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.inflight.41"), "54");
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.ok.39"), "1");
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.ok.40"), "0");
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.ok.41"), "1");
}

Test(kept, a_history_that_has_gone_round_keeps_its_newest_ten_minutes)
{
    live(old, HISTORY_POINTS + 77);
    keep();
    cr_assert(restore(buf_slice(&bytes).p, bytes.len));
    cr_assert_str_eq(text_of(new), text_of(old));
    live(new, 3);
    live(old, 0);
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.inflight.599"), "692");
}

Test(kept, of_very_many_upstreams_the_newest_minutes_are_carried_over)
{
    enum { MANY = 256 };
    static struct upstream_status many[MANY];
    static char names[MANY][8];
    const char *newest;

    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%zu", i);
        many[i].name = names[i];
    }
    control.pool_status.upstreams = many;
    control.pool_status.n_upstreams = MANY;
    for (int i = 0; i < HISTORY_POINTS; i++) {
        control.view.now_wall_ns += NS_PER_S;
        many[MANY - 1].v.inflight = (uint32_t)i;
        history_tick(old, &control.view);
    }
    keep();
    cr_assert_lt(bytes.len, 4 * 1024 * 1024);
    cr_assert(restore(buf_slice(&bytes).p, bytes.len));
    control.pool_status.upstreams = &many[MANY - 1];
    control.pool_status.n_upstreams = 1;
    history_tick(new, &control.view); /* one series is enough to look at */
    newest = text_of(new);
    cr_assert_str_eq(read_json(newest, "upstreams.0.inflight.0"), "397");
    cr_assert_str_eq(read_json(newest, "upstreams.0.inflight.202"), "599");
    cr_assert_str_eq(read_json(newest, "upstreams.1"), "missing");
}

Test(kept, an_upstream_that_the_new_settings_lack_is_forgotten)
{
    live(old, 5);
    keep();
    cr_assert(restore(buf_slice(&bytes).p, bytes.len));
    control.pool_status.n_upstreams = 1;
    live(new, 1);
    cr_assert_str_eq(read_json(text_of(new), "upstreams.0.inflight.5"), "18");
    cr_assert_str_eq(read_json(text_of(new), "upstreams.1"), "missing");
}

Test(kept, a_history_cut_short_is_left_out, .timeout = 60)
{
    const char *from;

    live(old, 3);
    live(new, 1);
    keep();
    from = buf_slice(&bytes).p;
    for (size_t len = 0; len < bytes.len; len++) {
        cr_assert(!restore(from, len));
        cr_assert_str_eq(read_json(text_of(new), "upstreams.0.inflight"), "[16]");
    }
}

Test(kept, no_byte_of_a_history_does_harm, .timeout = 60)
{
    char *from;

    live(old, 3);
    keep();
    from = (char *)bytes.mem + bytes.at;
    for (size_t i = 0; i < bytes.len; i++) {
        from[i] = (char)(from[i] ^ 0xff);
        (void)restore(from, bytes.len);
        (void)text_of(new);
        live(new, 1);
        from[i] = (char)(from[i] ^ 0xff);
    }
}

Test(kept, a_history_of_another_version_is_left_out)
{
    live(old, 3);
    keep();
    bytes.mem[bytes.at] = 77;
    (void)restore(buf_slice(&bytes).p, bytes.len);
    cr_assert_str_eq(read_json(text_of(new), "at"), "[]");
}

Test(kept, transitions_are_counted_on)
{
    const struct control_event e = {.pool = "chat",
                                    .upstream = "a",
                                    .from = BREAKER_CLOSED,
                                    .to = BREAKER_OPEN,
                                    .cause = "consecutive"};
    struct tally *a = tally_create(), *b = tally_create();
    struct packer p = {&bytes, 100000, true};
    struct unpacker u;
    const struct tally_row *rows;

    tally_count(a, &e);
    tally_count(a, &e);
    tally_keep(a, &p);
    u = (struct unpacker){buf_slice(&bytes), false};
    tally_restore(b, &u);
    cr_assert(!u.bad && u.rest.len == 0);
    tally_count(b, &e);
    cr_assert_eq(tally_rows(b, &rows), 1);
    cr_assert_eq(rows[0].n, 3);
    cr_assert_str_eq(rows[0].cause, "consecutive");
    u = (struct unpacker){slice_of(buf_slice(&bytes).p, bytes.len - 1), false};
    tally_restore(b, &u);
    cr_assert_eq(tally_rows(b, &rows), 0, "a row that is cut short counts nothing");
    tally_destroy(&a);
    tally_destroy(&b);
}
