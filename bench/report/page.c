/* SPDX-License-Identifier: Apache-2.0 */
/* The page around the results: one file, no script, nothing from elsewhere, readable on paper. */
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/report/report_priv.h"

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;color:#1c1c1c;background:#fff;max-width:1000px;"
    "margin:2em auto;padding:0 1em}"
    "h1{font-size:1.7em;margin:0 0 .2em}h2{font-size:1.3em;margin:2em 0 .3em;"
    "border-top:2px solid #ccc;padding-top:.8em}"
    "table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums;width:100%}"
    "th,td{padding:.22em .6em;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}"
    "td{white-space:nowrap}"
    "tbody th{text-align:left;font-weight:normal}thead th{border-bottom:2px solid #999}"
    "thead th.l{text-align:left}a{color:inherit}"
    "th.sub{padding-top:1em;font-style:italic}td.u{color:#666;text-align:left}"
    "td.held{color:#00603f}td.broken{color:#a02000;font-weight:bold}"
    "figure{margin:1.2em 0;break-inside:avoid}"
    "figcaption{font-weight:bold;margin-bottom:.2em}"
    "figure svg{width:100%;height:auto;display:block;margin-bottom:.3em}"
    "svg text{fill:#333;font-family:system-ui,sans-serif}svg .t{font-weight:600}"
    "svg .m{font-size:9px;fill:#555}"
    "svg .grid{stroke:#ddd;stroke-width:.7}svg .frame{fill:none;stroke:#888;stroke-width:.8}"
    "svg .mark{stroke:#777;stroke-width:.7;stroke-dasharray:1 3}"
    ".legend span{white-space:nowrap;margin-right:1.2em}.legend{font-size:.9em}"
    ".legend i{display:inline-block;width:1.2em;height:.8em;border:1px solid #aaa}"
    "ol.steps{font-size:.9em;columns:2;margin:.5em 0}.meta{color:#555}"
    "@media print{figure "
    "svg{width:84%}body{max-width:none;margin:0;font-size:10.5pt}h2{break-before:page}"
    "h2:first-of-type{break-before:auto}}";

void put_html(struct grow *g, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '&':
            grow_str(g, "&amp;");
            break;
        case '<':
            grow_str(g, "&lt;");
            break;
        case '>':
            grow_str(g, "&gt;");
            break;
        case '"':
            grow_str(g, "&quot;");
            break;
        default:
            grow_put(g, slice_of(s, 1));
        }
    }
}

void page_begin(struct grow *g)
{
    struct utsname u = {.release = "?"};
    time_t now = time(NULL);
    struct tm tm;
    char date[32];

    (void)uname(&u);
    (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &tm));
    grow_printf(g,
                "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                "<title>weir-bench report</title><style>%s</style></head><body>\n"
                "<h1>weir-bench report</h1>\n<p class=\"meta\">%s &middot; weir-bench %s &middot; "
                "%ld processors, Linux %s</p>\n",
                style, date, WEIR_VERSION, sysconf(_SC_NPROCESSORS_ONLN), u.release);
    grow_str(g, "<p>A good answer is complete, its first token came within the promise (counted "
                "from the moment the attempt was meant to be sent), and its mean pace kept the "
                "promise. Every target is asked the same, by people drawn from the same seed. "
                "Plots are means over five seconds. docs/benchmarks.md explains every "
                "figure.</p>\n");
}

void page_end(struct grow *g)
{
    grow_str(g, "</body></html>\n");
}
