/* SPDX-License-Identifier: Apache-2.0 */
/* What the manual promises is what the program has: every metric and every command is there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "metrics/metrics.h"
#include "weir/admin/rows.h"

static char *read_doc(const char *name)
{
    char path[512];
    char *mem = calloc(1, 1 << 20);
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/docs/%s", WEIR_SOURCE_ROOT, name);
    f = fopen(path, "re");
    cr_assert_not_null(f, "%s", path);
    cr_assert_gt(fread(mem, 1, (1 << 20) - 1, f), 0);
    (void)fclose(f);
    return mem;
}

/* "| `weir_x` | gauge | `pool` `upstream` | help |" */
static void expect_row(const char *doc, const char *name, const char *type, const char *labels,
                       const char *help)
{
    char mem[512];
    struct text t;

    text_init(&t, mem, sizeof mem);
    text_printf(&t, "| `%s` | %s | ", name, type);
    for (const char *at = labels; *at != '\0';) {
        size_t n = strcspn(at, ",");
        text_printf(&t, "%s`%.*s`", at == labels ? "" : " ", (int)n, at);
        at += n + (at[n] == ',');
    }
    text_printf(&t, "%s| %s |\n", labels[0] == '\0' ? "" : " ", help);
    cr_expect(strstr(doc, mem) != NULL, "docs/metrics.md lacks: %s", mem);
}

Test(docs, every_metric_is_in_the_manual_as_it_is)
{
    char *doc = read_doc("metrics.md");
    char name[128], label[32] = "";

#define ROW(writer, name, type, labels, help) expect_row(doc, name, type, labels, help);
    WEIR_METRICS(ROW)
    WEIR_FLEET_METRICS(ROW)
    WEIR_PROCESS_METRICS(ROW)
#undef ROW
#define ROW(field, metric, type, help)                                                             \
    label[0] = '\0';                                                                               \
    (void)snprintf(name, sizeof name, "weir_%.*s", (int)strcspn(metric, "{"), metric);             \
    (void)sscanf(metric + strcspn(metric, "{"), "{%31[a-z_]", label);                              \
    expect_row(doc, name, type, label, help);
    WEIR_WORKER_COUNTERS(ROW)
#undef ROW
#define ROW(shape, field, metric, labels, help)                                                    \
    expect_row(doc, metric, SHAPE_##shape == SHAPE_HISTOGRAM ? "histogram" : "counter", labels,    \
               help);
    WEIR_POOL_COUNTERS(ROW)
    WEIR_UPSTREAM_COUNTERS(ROW)
#undef ROW
    free(doc);
}

/* "| `stall` | warning | why |" */
Test(docs, every_rule_of_the_doctor_is_in_the_manual)
{
    char *doc = read_doc("operations.md");

    for (size_t i = 0; i < doctor_row_count; i++) {
        const struct doctor_row *row = &doctor_rows[i];
        char line[512];
        (void)snprintf(line, sizeof line, "| `%s` | %s | %s |", row->name,
                       row->is_warning ? "warning" : "hint", row->why);
        cr_expect(strstr(doc, line) != NULL, "docs/operations.md lacks %s", line);
    }
    free(doc);
}

Test(docs, every_command_is_in_the_manual)
{
    char *doc = read_doc("operations.md");

    for (int i = 0; i < COMMAND_ALL_COUNT; i++) {
        const struct command_row *row = &command_rows[i];
        char form[128];
        (void)snprintf(form, sizeof form, "`%s%s%s`", row->name, row->args[0] == '\0' ? "" : " ",
                       row->args);
        cr_expect(strstr(doc, form) != NULL, "docs/operations.md lacks %s", form);
    }
    free(doc);
}
