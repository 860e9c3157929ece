/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `weir` (cmdline.h): options to a struct, help, complaints. */
#include <getopt.h>
#include <string.h>

#include "weir/base/assert.h"
#include "weir/conf/cmdline.h"

enum {
    OPT_UPSTREAM = 256,
    OPT_LISTEN,
    OPT_CHECK,
    OPT_SETTINGS,
    OPT_VERBOSE,
    OPT_ONLINE,
    OPT_GENERATE
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"upstream", required_argument, NULL, OPT_UPSTREAM},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"check", no_argument, NULL, OPT_CHECK},
    {"online", no_argument, NULL, OPT_ONLINE},
    {"generate", required_argument, NULL, OPT_GENERATE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"settings", no_argument, NULL, OPT_SETTINGS}, /* for docs/settings.md; not in the help */
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: weir [--check [--online [--generate MODEL]]] -c FILE\n"
    "       weir [--check [--online [--generate MODEL]]] --upstream URL [--listen ADDRESS]\n";

static const char help[] =
    "\n"
    "A load-shedding reverse proxy with circuit breaker for AI chat backends.\n"
    "\n"
    "  -c, --config FILE    settings; see weir.cfg(5), docs/settings.md, docs/weir.cfg\n"
    "      --upstream URL   run without a file: one pool with this upstream, all defaults\n"
    "                       (http://host:port, https://host:port or unix:/path)\n"
    "      --listen ADDRESS where clients are accepted, with --upstream; 127.0.0.1:8080 if not\n"
    "                       given (127.0.0.1:8080, [::1]:8080 or unix:/path)\n"
    "      --check          verify everything a start needs, print what would run, start nothing\n"
    "      --online         with --check: try each upstream as well (name, connect, TLS, answer)\n"
    "      --generate MODEL with --online: ask each for one token of this model, with the\n"
    "                       Authorization that the variable WEIR_AUTHORIZATION holds\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version; with --verbose also the libraries it runs with\n"
    "\n"
    "weir stays in the foreground. SIGTERM drains and ends it, a second one ends it at once,\n"
    "SIGHUP reads the file again, SIGUSR1 reopens the access log. weirctl talks to it while it\n"
    "runs. Exit status: 0 done, 1 an error in the settings or a failed start, 2 a bad command "
    "line.\n";

/* False for an option that is none. */
static bool take_option(struct cmdline *c, int opt)
{
    switch (opt) {
    case 'c':
        c->file = optarg;
        return true;
    case OPT_UPSTREAM:
        c->upstream = optarg;
        return true;
    case OPT_LISTEN:
        c->listen = optarg;
        return true;
    case OPT_CHECK:
        c->action = CMDLINE_CHECK;
        return true;
    case OPT_ONLINE:
        c->online = true;
        return true;
    case OPT_GENERATE:
        c->generate = optarg;
        return true;
    case 'h':
        c->action = CMDLINE_HELP;
        return true;
    case 'V':
        c->action = CMDLINE_VERSION;
        return true;
    case OPT_VERBOSE:
        c->verbose = true;
        return true;
    case OPT_SETTINGS:
        c->action = CMDLINE_SETTINGS;
        return true;
    default:
        return false;
    }
}

static const char *wrong_choice(const struct cmdline *c)
{
    if (c->action != CMDLINE_RUN && c->action != CMDLINE_CHECK)
        return NULL;
    if (c->file == NULL && c->upstream == NULL)
        return "neither -c FILE nor --upstream URL is given";
    if (c->file != NULL && c->upstream != NULL)
        return "-c and --upstream exclude each other";
    if (c->listen != NULL && c->upstream == NULL)
        return "--listen goes with --upstream; in a file, listeners say where clients are accepted";
    if (c->online && c->action != CMDLINE_CHECK)
        return "--online goes with --check";
    if (c->generate != NULL && !c->online)
        return "--generate goes with --check --online";
    return NULL;
}

static void complain_option(int opt, char *const *argv, char *why, size_t room)
{
    if (opt == ':')
        (void)snprintf(why, room, "%s needs a value", argv[optind - 1]);
    else if (optopt != 0 && strncmp(argv[optind - 1], "--", 2) == 0)
        (void)snprintf(why, room, "%s: this option takes no value", argv[optind - 1]);
    else if (optopt != 0)
        (void)snprintf(why, room, "there is no option -%c", optopt);
    else
        (void)snprintf(why, room, "there is no option %s, or it is not the only one that begins so",
                       argv[optind - 1]);
}

enum weir_status cmdline_parse(struct cmdline *c, int argc, char *const *argv, char *why,
                               size_t why_room)
{
    struct cmdline read = {.action = CMDLINE_RUN};
    const char *wrong;
    int opt;

    optind = 0; /* glibc: begin anew, whoever parsed before */
    while ((opt = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1) {
        if (take_option(&read, opt))
            continue;
        complain_option(opt, argv, why, why_room);
        return WEIR_BAD;
    }
    wrong = wrong_choice(&read);
    if (optind < argc)
        (void)snprintf(why, why_room, "\"%s\" is no option", argv[optind]);
    else if (wrong != NULL)
        (void)snprintf(why, why_room, "%s", wrong);
    if (optind < argc || wrong != NULL)
        return WEIR_BAD;
    *c = read;
    return WEIR_OK;
}

void cmdline_help(FILE *out)
{
    (void)fputs(usage, out);
    (void)fputs(help, out);
}

void cmdline_usage(FILE *out)
{
    (void)fputs(usage, out);
}

struct settings *cmdline_settings(const struct cmdline *c, FILE *err)
{
    struct conf_diagnostics m;
    struct settings *s;

    WEIR_ASSERT(c->file != NULL || c->upstream != NULL);
    s = c->file != NULL ? conf_load(c->file, &m) : conf_from_upstream(c->upstream, c->listen, &m);
    for (size_t i = 0; i < m.n; i++) {
        (void)fprintf(err, "%s:", m.list[i].file);
        if (m.list[i].line > 0)
            (void)fprintf(err, "%d:", m.list[i].line);
        (void)fprintf(err, " %s\n", m.list[i].text);
    }
    if (m.n > 0)
        (void)fprintf(err, "weir: %zu error%s, nothing started\n", m.n, m.n == 1 ? "" : "s");
    conf_diagnostics_free(&m);
    return s;
}

static void put_reference_line(const char *line, void *arg)
{
    (void)fprintf(arg, "%s\n", line);
}

void cmdline_print_reference(FILE *out)
{
    conf_reference(put_reference_line, out);
}
