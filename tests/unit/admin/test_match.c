/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weir/admin/rows.h"
#include "weir/base/clock.h"

static struct command_args args;
static char why_mem[512];

static enum command_parse parse(const char *line)
{
    struct text why;

    text_init(&why, why_mem, sizeof why_mem);
    return command_parse(slice_str(line), false, &args, &why);
}

static void expect_text(const char *want)
{
    cr_assert_eq(args.text.len, strlen(want), "got %.*s", (int)args.text.len, args.text.p);
    cr_assert_eq(memcmp(args.text.p, want, strlen(want)), 0);
}

Test(match, a_line_of_blanks_is_empty)
{
    cr_assert_eq(parse(" \t "), COMMAND_EMPTY);
    cr_assert_eq(parse(""), COMMAND_EMPTY);
}

Test(match, finds_the_form_of_a_command)
{
    cr_assert_eq(parse("ramp chat/a set 30%"), COMMAND_OK);
    cr_assert_eq(args.row->id, COMMAND_RAMP_SET);
    cr_assert(slice_eq(args.pool, SLICE_LIT("chat")));
    cr_assert(slice_eq(args.upstream, SLICE_LIT("a")));
    cr_assert_eq(args.number, 30);
    cr_assert_eq(args.for_ns, COMMAND_FOR_DEFAULT_NS);
    cr_assert_eq(parse("ramp chat hold for 2h"), COMMAND_OK);
    cr_assert_eq(args.row->id, COMMAND_RAMP_HOLD);
    cr_assert_eq(args.upstream.len, 0);
    cr_assert_eq(args.for_ns, 7200 * NS_PER_S);
    cr_assert_eq(parse("ramp chat start"), COMMAND_OK);
    cr_assert_eq(args.for_ns, 0);
}

Test(match, a_share_and_a_time_may_be_left_out_each)
{
    cr_assert_eq(parse("canary chat/a start"), COMMAND_OK);
    cr_assert_eq(args.row->id, COMMAND_CANARY_START);
    cr_assert_eq(args.number, 0);
    cr_assert_eq(args.for_ns, COMMAND_FOR_DEFAULT_NS);
    cr_assert_eq(parse("canary chat/a start to 10% for 2h"), COMMAND_OK);
    cr_assert_eq(args.number, 10);
    cr_assert_eq(args.for_ns, 7200 * NS_PER_S);
    cr_assert_eq(parse("canary chat/a start for 2h"), COMMAND_OK);
    cr_assert_eq(args.number, 0);
    cr_assert_eq(args.for_ns, 7200 * NS_PER_S);
    cr_assert_eq(parse("canary chat/a start to"), COMMAND_USAGE);
    cr_assert_eq(parse("canary chat/a start to 0"), COMMAND_USAGE);
    cr_assert_eq(parse("canary chat/a start 10"), COMMAND_USAGE);
    cr_assert_eq(parse("canary chat/a start for 2h to 10"), COMMAND_USAGE);
    cr_assert_eq(parse("canary chat start"), COMMAND_USAGE);
    cr_assert_eq(parse("canary chat/a"), COMMAND_OK);
    cr_assert_eq(args.row->id, COMMAND_CANARY);
    cr_assert_eq(parse("canary"), COMMAND_OK);
}

Test(match, keeps_choices_in_order)
{
    cr_assert_eq(parse("mode chat breaker observe for 90s"), COMMAND_OK);
    cr_assert_eq(args.n_choices, 2);
    cr_assert(slice_eq(args.choices[0], SLICE_LIT("breaker")));
    cr_assert(slice_eq(args.choices[1], SLICE_LIT("observe")));
    cr_assert_eq(args.for_ns, 90 * NS_PER_S);
}

Test(match, json_is_asked_for_after_the_command_or_at_the_end)
{
    cr_assert_eq(parse("status --json"), COMMAND_OK);
    cr_assert(args.json);
    cr_assert_eq(parse("why --json abc"), COMMAND_OK);
    cr_assert(args.json);
    expect_text("abc");
    cr_assert_eq(parse("why abc --json"), COMMAND_OK);
    cr_assert(args.json);
    cr_assert_eq(parse("status"), COMMAND_OK);
    cr_assert(!args.json);
    cr_assert_eq(parse("status \"--json\""), COMMAND_USAGE);
}

Test(match, a_text_is_the_rest_of_the_line)
{
    cr_assert_eq(parse("incident chat set  We are   on it --json"), COMMAND_OK);
    expect_text("We are   on it --json");
    cr_assert(!args.json);
    cr_assert_eq(args.for_ns, COMMAND_FOR_DEFAULT_NS);
    cr_assert_eq(parse("incident --json chat set one two three four five six seven eight nine ten "
                       "eleven twelve thirteen fourteen fifteen sixteen for 2h"),
                 COMMAND_OK);
    cr_assert(args.json);
    cr_assert_eq(args.for_ns, 7200 * NS_PER_S);
    expect_text("one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
                "fifteen sixteen");
}

Test(match, a_quoted_text_may_say_anything)
{
    cr_assert_eq(parse("incident chat set \"back \\\"soon\\\" for 2h\" for 45m"), COMMAND_OK);
    expect_text("back \"soon\" for 2h");
    cr_assert_eq(args.for_ns, 2700 * NS_PER_S);
    cr_assert_eq(parse("incident chat set \"a\" b"), COMMAND_USAGE);
    cr_assert_eq(parse("incident chat set \"\""), COMMAND_USAGE);
    cr_assert_eq(parse("incident chat set \"open"), COMMAND_USAGE);
    cr_assert(strstr(why_mem, "not closed") != NULL);
}

Test(match, a_text_is_bounded_and_utf8)
{
    char line[1024] = "incident chat set ";
    size_t n = strlen(line);

    memset(line + n, 'x', COMMAND_TEXT_MAX);
    cr_assert_eq(parse(line), COMMAND_OK);
    line[n + COMMAND_TEXT_MAX] = 'x';
    cr_assert_eq(parse(line), COMMAND_USAGE);
    cr_assert(strstr(why_mem, "501") != NULL, "%s", why_mem);
    cr_assert_eq(parse("incident chat set \xc3("), COMMAND_USAGE);
    cr_assert(strstr(why_mem, "UTF-8") != NULL);
    cr_assert_eq(parse("incident chat set Störung"), COMMAND_OK);
}

Test(match, says_what_was_expected)
{
    cr_assert_eq(parse("ramp chat sideways"), COMMAND_USAGE);
    cr_assert_str_eq(why_mem,
                     "ramp: expected start or hold or resume or set or finish or abort, but "
                     "\"sideways\" came (see: help ramp)");
    cr_assert_eq(parse("ramp chat set"), COMMAND_USAGE);
    cr_assert_str_eq(why_mem, "ramp: expected a share of 1 to 100 percent, but the line ends "
                              "(see: help ramp)");
    cr_assert_eq(parse("drain now"), COMMAND_USAGE);
    cr_assert_str_eq(why_mem, "drain: nothing may follow, but there is \"now\" (see: help drain)");
    cr_assert_eq(parse("status now"), COMMAND_USAGE);
    cr_assert_str_eq(why_mem, "status: expected --fleet, but \"now\" came (see: help status)");
    cr_assert_eq(parse("breaker chat open"), COMMAND_USAGE);
    cr_assert(strstr(why_mem, "expected POOL/UPSTREAM, but") != NULL, "%s", why_mem);
    cr_assert_eq(parse("stauts"), COMMAND_UNKNOWN);
    cr_assert_str_eq(why_mem, "there is no command \"stauts\" (see: help)");
}

Test(match, refuses_values_out_of_range)
{
    static const char *const lines[] = {
        "ramp chat set 0",
        "ramp chat set 101",
        "ramp chat set -1",
        "limit chat/a streams 0",
        "limit chat/a streams 65536",
        "limit chat/a streams",
        "ramp chat hold for 0s",
        "ramp chat hold for 31d",
        "ramp chat hold for 5",
        "ramp chat hold for 5m x",
        "ramp chat hold until 5m",
        "ramp chat/ hold",
        "ramp /a hold",
        "ramp chat/a/b hold",
        "breaker chat/a open close",
        "log-level loud",
        "mode chat breaker",
        "events 0",
        "help ramp set",
        "why",
        "top",
        "ramp chat hold for 99999999999999999999d",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_assert_neq(parse(lines[i]), COMMAND_OK, "%s", lines[i]);
}

Test(match, refuses_control_characters_and_long_lines)
{
    static char line[COMMAND_LINE_MAX + 2];

    cr_assert_eq(parse("status\x01"), COMMAND_USAGE);
    cr_assert_eq(parse("incident chat set a\x1b[2J"), COMMAND_USAGE);
    memset(line, 'a', COMMAND_LINE_MAX + 1);
    cr_assert_eq(parse(line), COMMAND_USAGE);
    cr_assert(strstr(why_mem, "4096") != NULL);
}

Test(match, own_commands_of_weirctl_are_known_only_there)
{
    struct text why;

    text_init(&why, why_mem, sizeof why_mem);
    cr_assert_eq(command_parse(SLICE_LIT("top"), true, &args, &why), COMMAND_OK);
    cr_assert_eq(args.row->id, COMMAND_TOP);
    cr_assert_eq(parse("top"), COMMAND_UNKNOWN);
}

/* Every form in the table, its values filled in, is understood as itself. */
Test(match, every_row_can_be_said)
{
    static const struct {
        const char *token, *value;
    } values[] = {
        {"POOL", "chat"},
        {"POOL/UPSTREAM", "chat/a"},
        {"POOL[/UPSTREAM]", "chat/a"},
        {"PERCENT", "30"},
        {"STREAMS", "8"},
        {"REQUEST-ID", "01J"},
        {"TEXT", "hello"},
    };
    for (int i = 0; i < COMMAND_COUNT; i++) {
        char line[256];
        const char *at = command_rows[i].args;
        struct slice token;
        struct text t;

        text_init(&t, line, sizeof line);
        text_str(&t, command_rows[i].name);
        while (command_pattern_next(&at, &token) && token.p[0] != '[') {
            const char *bar = memchr(token.p, '|', token.len);
            text_char(&t, ' ');
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
                if (slice_eq(token, slice_str(values[v].token)))
                    token = slice_str(values[v].value), bar = NULL;
            }
            text_put(&t, bar == NULL ? token : slice_of(token.p, (size_t)(bar - token.p)));
        }
        cr_assert_eq(parse(line), COMMAND_OK, "%s: %s", line, why_mem);
        cr_assert_eq((int)args.row->id, i, "%s", line);
    }
}

/* The line may end where the memory does. */
Test(match, reads_nothing_behind_the_line)
{
    static const char *const lines[] = {
        "ramp chat set 30% for 30m",
        "incident chat set \"x\\",
        "incident chat set a for",
        "why",
        "incident chat set \xc3",
        "status --json",
        "limit chat/",
    };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct text why;

    cr_assert_neq(mem, MAP_FAILED);
    cr_assert_eq(mprotect(mem + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (size_t n = 0; n <= strlen(lines[i]); n++) {
            memcpy(mem + page - n, lines[i], n);
            text_init(&why, why_mem, sizeof why_mem);
            (void)command_parse(slice_of(mem + page - n, n), true, &args, &why);
        }
    }
    cr_assert_eq(munmap(mem, 2 * page), 0);
}

Test(match, durations_have_units_and_an_end)
{
    uint64_t ns = 1;

    cr_assert_eq(command_duration(SLICE_LIT("250ms"), &ns), WEIR_OK);
    cr_assert_eq(ns, 250 * NS_PER_MS);
    cr_assert_eq(command_duration(SLICE_LIT("30d"), &ns), WEIR_OK);
    cr_assert_eq(command_duration(SLICE_LIT("721h"), &ns), WEIR_LIMIT);
    cr_assert_eq(command_duration(SLICE_LIT("m"), &ns), WEIR_BAD);
    cr_assert_eq(command_duration(SLICE_LIT(""), &ns), WEIR_BAD);
    cr_assert_eq(command_duration(SLICE_LIT("5 m"), &ns), WEIR_BAD);
}

Test(match, help_names_every_command)
{
    char mem[8192];
    struct text t;

    text_init(&t, mem, sizeof mem);
    command_help(&t, true);
    cr_assert(!t.full);
    for (int i = 0; i < COMMAND_ALL_COUNT; i++)
        cr_assert(strstr(mem, command_rows[i].help) != NULL, "%s", command_rows[i].name);
    cr_assert(strstr(mem, "\n\n") == NULL, "an empty line would end the answer");
    text_init(&t, mem, sizeof mem);
    cr_assert_eq(command_help_one(&t, SLICE_LIT("ramp"), false), WEIR_OK);
    cr_assert(strstr(mem, "ramp POOL[/UPSTREAM] set PERCENT [for TIME]") != NULL);
    cr_assert_eq(command_help_one(&t, SLICE_LIT("rmap"), false), WEIR_NOT_FOUND);
}
