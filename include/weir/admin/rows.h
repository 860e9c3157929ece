/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_ADMIN_ROWS_H
#define WEIR_ADMIN_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/slice.h"
#include "weir/base/status.h"
#include "weir/base/text.h"

/*
 * The commands of the admin socket.  A row is one form of a command; name, arguments, right, help,
 * checking, completion and dispatch come from it.  Shared by weir (which runs them) and weirctl
 * (which checks and helps before it asks): nothing here knows the daemon.
 *
 * X(id, name, arguments, right, handler, parameter, help)
 *
 * Arguments are words separated by blanks: small letters stand for themselves ("on|off" for
 * either), capitals for a value (arg_rows in rows.c), [ ] for what may be left out, at the end
 * only. handler and parameter are proxy/admin's: run_<handler>(call, parameter).
 */
#define WEIR_COMMANDS(X)                                                                           \
    X(STATUS, "status", "", READ, status, 0,                                                       \
      "One screen: state, share, load, limits, queue, causes of the last minute")                  \
    X(STATUS_FLEET, "status", "--fleet", READ, status_fleet, 0,                                    \
      "The fleet as one: who answers, the worst state, sums over the nodes by pool and upstream")  \
    X(UPSTREAMS, "upstreams", "[POOL[/UPSTREAM]]", READ, upstreams, 0,                             \
      "Every upstream with its windows, limits, overrides and addresses")                          \
    X(FLEET, "fleet", "", READ, fleet, 0,                                                          \
      "The nodes of the fleet: age of their news, round trip, version, permits, who leads")        \
    X(DOCTOR, "doctor", "", READ, doctor, 0,                                                       \
      "What an expert would say: settings that do not fit what is seen, and what to do")           \
    X(SESSIONS, "sessions", "", READ, sessions, 0, "The requests under way now, oldest first")     \
    X(USERS, "users", "[COUNT]", READ, users, 0,                                                   \
      "Who has used most of the limits, and how much; the fullest first")                          \
    X(EVENTS, "events", "[COUNT]", READ, events, 0,                                                \
      "The last changes of state, commands and lapses, with their numbers; newest last")           \
    X(CONFIG, "config", "[KEY]", READ, config, 0,                                                  \
      "The settings in force and where each came from; with KEY, those whose name has it")         \
    X(METRICS, "metrics", "", READ, metrics, 0, "What /metrics serves (Prometheus text)")          \
    X(WHY, "why", "REQUEST-ID", READ, why, 0,                                                      \
      "What was decided about a recent request, by which rule, on which numbers")                  \
    X(CANARY, "canary", "[POOL[/UPSTREAM]]", READ, canary, 0,                                      \
      "The canary of each pool: its share, the evidence, and why it was promoted or rolled back")  \
    X(CANARY_START, "canary", "POOL/UPSTREAM start [to PERCENT] [for TIME]", WRITE, canary_start,  \
      0, "Give it a growing share by lot, compare it with its peers, promote it or roll it back")  \
    X(CANARY_PROMOTE, "canary", "POOL/UPSTREAM promote", WRITE, canary_end, 1,                     \
      "Take it for an upstream like its peers, whatever was shown")                                \
    X(CANARY_ROLLBACK, "canary", "POOL/UPSTREAM rollback", WRITE, canary_end, 0,                   \
      "Drain it; what runs there goes on")                                                         \
    X(RAMP_START, "ramp", "POOL[/UPSTREAM] start", WRITE, operator, OPERATOR_RAMP_START,           \
      "Begin the ramp at ramp.start, whatever the state")                                          \
    X(RAMP_HOLD, "ramp", "POOL[/UPSTREAM] hold [for TIME]", WRITE, operator, OPERATOR_RAMP_HOLD,   \
      "Freeze the share where it is")                                                              \
    X(RAMP_RESUME, "ramp", "POOL[/UPSTREAM] resume", WRITE, operator, OPERATOR_RAMP_RESUME,        \
      "Let the share go on by the rules")                                                          \
    X(RAMP_SET, "ramp", "POOL[/UPSTREAM] set PERCENT [for TIME]", WRITE, operator,                 \
      OPERATOR_RAMP_SET, "Put the share at PERCENT of the known-good load and hold it there")      \
    X(RAMP_FINISH, "ramp", "POOL[/UPSTREAM] finish", WRITE, operator, OPERATOR_RAMP_FINISH,        \
      "All the way to 100 % at once")                                                              \
    X(RAMP_ABORT, "ramp", "POOL[/UPSTREAM] abort", WRITE, operator, OPERATOR_RAMP_ABORT,           \
      "Back to open; the rules try again by probes")                                               \
    X(BREAKER_OPEN, "breaker", "POOL/UPSTREAM open [for TIME]", WRITE, operator,                   \
      OPERATOR_BREAKER_OPEN, "Hold the breaker open: nothing new goes there")                      \
    X(BREAKER_CLOSE, "breaker", "POOL/UPSTREAM close [for TIME]", WRITE, operator,                 \
      OPERATOR_BREAKER_CLOSE, "Force the breaker closed: its trip rules are off")                  \
    X(BREAKER_AUTO, "breaker", "POOL/UPSTREAM auto", WRITE, operator, OPERATOR_BREAKER_AUTO,       \
      "Give the breaker back to the rules")                                                        \
    X(UPSTREAM_DRAIN, "upstream", "POOL/UPSTREAM drain", WRITE, operator, OPERATOR_DRAIN,          \
      "Take the upstream out without cutting a stream")                                            \
    X(UPSTREAM_UNDRAIN, "upstream", "POOL/UPSTREAM undrain", WRITE, operator, OPERATOR_UNDRAIN,    \
      "Take it in again, through the ramp")                                                        \
    X(LIMIT_STREAMS, "limit", "POOL/UPSTREAM streams STREAMS [for TIME]", WRITE, operator,         \
      OPERATOR_LIMIT_STREAMS, "Override the limit of open streams")                                \
    X(LIMIT_AUTO, "limit", "POOL/UPSTREAM auto", WRITE, limit_auto, 0,                             \
      "Give the limit back to the rules")                                                          \
    X(MODE, "mode", "POOL breaker|limiter|ramp|queue observe|enforce [for TIME]", WRITE, mode, 0,  \
      "Switch a rule to looking on only, or back")                                                 \
    X(INCIDENT_SET, "incident", "POOL set TEXT [for TIME]", WRITE, incident, 1,                    \
      "The text on pages, status page and in JSON errors")                                         \
    X(INCIDENT_CLEAR, "incident", "POOL clear", WRITE, incident, 0, "Take the text away")          \
    X(WATCH, "watch", "", READ, watch, 0,                                                          \
      "Events as they happen, until the connection closes or sends a line")                        \
    X(RELOAD, "reload", "", WRITE, reload, 0,                                                      \
      "Read the settings file again; a file with errors changes nothing")                          \
    X(RELOAD_DRY_RUN, "reload", "--dry-run", WRITE, reload_dry_run, 0,                             \
      "Read it, tell what would change and what that does to running traffic; change nothing")     \
    X(UPGRADE, "upgrade", "", WRITE, upgrade, 0,                                                   \
      "Start the next weir from the file this one was started from; it takes over, none is cut")   \
    X(DRAIN, "drain", "", WRITE, drain, 0, "No new requests, streams end, then the process ends")  \
    X(STOP, "stop", "", WRITE, stop, 0, "End the process at once; open streams break")             \
    X(LOG_LEVEL, "log-level", "debug|info|warn|error", WRITE, log_level, 0,                        \
      "How much the event log says, until the next start or reload")                               \
    X(HELP, "help", "[COMMAND]", READ, help, 0, "The commands, or one of them")

/* What weirctl does on its own; same columns. */
#define WEIR_LOCAL_COMMANDS(X)                                                                     \
    X(TOP, "top", "", READ, top, 0,                                                                \
      "A live screen (keys: h hold, r resume, d drain, q leave); without a terminal, once")        \
    X(COMPLETION, "completion", "bash|zsh", READ, completion, 0,                                   \
      "Print a completion script for the shell")

enum command_right { RIGHT_READ, RIGHT_WRITE };

enum command_id {
#define WEIR_COMMAND_ID_ROW(id, name, args, right, handler, param, help) COMMAND_##id,
    WEIR_COMMANDS(WEIR_COMMAND_ID_ROW) COMMAND_COUNT,
    COMMAND_BEFORE_LOCAL = COMMAND_COUNT - 1,
    WEIR_LOCAL_COMMANDS(WEIR_COMMAND_ID_ROW) COMMAND_ALL_COUNT,
#undef WEIR_COMMAND_ID_ROW
};

struct command_row {
    enum command_id id;
    const char *name, *args;
    enum command_right right;
    const char *help;
};
/* All rows, weirctl's own last; COMMAND_ALL_COUNT of them. */
extern const struct command_row command_rows[];

enum {
    COMMAND_LINE_MAX = 4096, /* bytes of a line, without its end */
    COMMAND_TEXT_MAX = 500,  /* bytes of TEXT */
    COMMAND_CHOICES_MAX = 2,
};
#define COMMAND_FOR_DEFAULT_NS (UINT64_C(1800) * 1000000000) /* 30 minutes */

/* A command as understood.  The slices point into the line or into scratch. */
struct command_args {
    const struct command_row *row;
    bool json;
    bool here;                   /* "--here": for this node alone, not for its fleet */
    struct slice pool, upstream; /* of POOL, POOL/UPSTREAM; upstream empty = all */
    struct slice choices[COMMAND_CHOICES_MAX]; /* of a|b, in order */
    int n_choices;
    uint64_t number;   /* PERCENT, STREAMS, COUNT; 0 = left out */
    struct slice text; /* TEXT, REQUEST-ID, KEY, COMMAND; empty = left out */
    uint64_t for_ns;   /* of [for TIME]; the default where it was left out; else 0 */
    char scratch[COMMAND_LINE_MAX + 1];
};

enum command_parse {
    COMMAND_OK,
    COMMAND_EMPTY,   /* nothing but blanks */
    COMMAND_UNKNOWN, /* no such command */
    COMMAND_USAGE,   /* wrong arguments */
};
/*
 * Understands one line (without its end).  Words may be put in double quotes, with \" and
 * \\ inside;
 * "--json" and "--here" may stand anywhere before a TEXT.  Anything but COMMAND_OK: a sentence in
 * why. `local`: weirctl's own commands too.
 */
enum command_parse command_parse(struct slice line, bool local, struct command_args *out,
                                 struct text *why);

/* "for 30m", "90s" ...: a positive whole number and ms s m h d; WEIR_BAD, or WEIR_LIMIT above 30d.
 */
enum weir_status command_duration(struct slice s, uint64_t *ns) WEIR_MUST_CHECK;

/* The list of commands, or every form of one of them.  WEIR_NOT_FOUND: no such command. */
void command_help(struct text *t, bool local);
enum weir_status command_help_one(struct text *t, struct slice name, bool local) WEIR_MUST_CHECK;

/* Walks a pattern's words; for completion.  False at the end. */
bool command_pattern_next(const char **at, struct slice *word);

#endif
