/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir: reads the command line and the settings, binds, drops privileges, runs.  The main thread
 * becomes the control thread.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "weir/admin/admin.h"
#include "weir/base/log.h"
#include "weir/conf/cmdline.h"
#include "weir/flow/online.h"
#include "weir/flow/run.h"

#include "activation.h"
#include "launcher.h"
#include "linked.h"
#include "sandbox/sandbox.h"
#include "service.h"

struct run {
    struct cmdline cmdline;
    struct control *control;
    struct service service;
    int launcher;              /* -1 = none */
    struct takeover *takeover; /* NULL: an ordinary start */
    struct admin *admin;
    const char *admin_http;
    struct flow_sockets sockets;
    struct admin_listen admin_listen;
};

static void notify(const char *what, void *arg)
{
    (void)arg;
    service_notify(what);
}

/* --- a hot restart */

static void admin_sockets(struct control_admin_sockets *out, void *arg)
{
    struct run *r = arg;

    *out = (struct control_admin_sockets){
        .socket_fd = r->admin_listen.socket_fd,
        .http_fd = r->admin_listen.http_fd,
        .socket_path = r->admin_listen.socket_path,
        .http_address = r->admin_http,
    };
}

/* The service goes on under another number: its manager is told before this process ends. */
static void handed_over(int pid, bool admin_socket, void *arg)
{
    struct run *r = arg;

    service_moved(pid);
    admin_retire(r->admin, admin_socket);
}

static bool keep_admin(struct buf *b, void *arg)
{
    const struct run *r = arg;

    return admin_keep(r->admin, b);
}

static void restore_admin(struct slice bytes, void *arg)
{
    struct run *r = arg;

    admin_restore(r->admin, bytes);
}

static struct settings *reread(struct conf_diagnostics *m, void *arg)
{
    const struct run *r = arg;

    if (r->cmdline.file != NULL)
        return conf_load(r->cmdline.file, m);
    return conf_from_upstream(r->cmdline.upstream, r->cmdline.listen, m);
}

/* As many descriptors as the hard limit allows: each request needs two. */
static void raise_descriptor_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= r.rlim_max)
        return;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) != 0)
        log_warn("the descriptor limit cannot be raised: %s", strerror(errno));
}

static bool drop_privileges(const char *user)
{
    const struct passwd *pw;

    if (user[0] == '\0')
        return true;
    errno = 0;
    pw = getpwnam(user);
    if (pw == NULL) {
        log_error("user: there is no user \"%s\"", user);
        return false;
    }
    if (getuid() == pw->pw_uid)
        return true;
    if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0) {
        log_error("user: cannot become \"%s\": %s", user, strerror(errno));
        return false;
    }
    return true;
}

static void say_start(const struct settings *s, const struct run *r)
{
    char text[400];
    uint64_t most = flow_memory_ceiling(s, text, sizeof text);

    log_info("weir %s starts: %u workers, %zu pools, memory at most %llu MiB (%s)", WEIR_VERSION,
             s->workers, s->n_pools, (unsigned long long)(most >> 20), text);
    for (size_t i = 0; i < s->n_listeners; i++) {
        if (!r->sockets.skipped[i])
            log_info("listening on %s%s", s->listeners[i].address,
                     s->listeners[i].tls ? " (TLS)" : "");
    }
    if (r->admin_listen.socket_fd != -1)
        log_info("admin socket: %s", r->admin_listen.socket_path);
    if (r->admin_listen.http_fd != -1)
        log_info("metrics and live page: http://%s/", s->admin.http);
}

static const char root_words[] =
    "weir runs as root: whoever finds a hole in it has the machine; set `user` in the settings";

static void enter_sandbox(const struct settings *s, const char *admin_socket)
{
    size_t n;
    struct sandbox_folder *folders = sandbox_folders(s, admin_socket, &n);

    if (!sandbox_enter(folders, n))
        log_warn(
            "weir goes on without its whole sandbox; `sandbox = false` says that this is meant");
    sandbox_folders_free(folders, n);
}

static void on_second(void *arg)
{
    struct run *r = arg;

    service_second(&r->service, r->control);
    sandbox_tell_denied();
}

/* With the sockets that the process before this one had, or the service manager opened. */
static bool bind_all(struct run *r, const struct settings *s, char *why, size_t room)
{
    struct inherited activated = {0};
    struct inherited *in = takeover_inherited(r->takeover);
    bool bound;

    if (!takeover_sockets(r->takeover, why, room))
        return false;
    if (in == NULL) {
        activation_take(s, &activated);
        in = &activated;
    }
    r->admin_listen.socket_stays = activation_was();
    bound = flow_bind(s, in, &r->sockets, why, room) &&
            admin_bind(s, in, &r->admin_listen, why, room) == WEIR_OK;
    inherited_free(&activated);
    return bound;
}

/* Keys are read: what else takes privileges is done, then they go. */
static bool settle(const struct settings *s, char *why, size_t room, void *arg)
{
    struct run *r = arg;

    if (!bind_all(r, s, why, room))
        return false;
    if (!drop_privileges(s->user)) {
        (void)snprintf(why, room, "nothing is started with more privileges than `user` has");
        return false;
    }
    if (s->sandbox)
        enter_sandbox(s, r->admin_listen.socket_path);
    /* a thread, so it begins inside */
    if (!log_start())
        log_warn("no memory for a log of its own thread: a log nobody reads may hold weir up");
    if (getuid() == 0)
        log_warn("%s", root_words);
    say_start(s, r);
    return true;
}

static int run(struct run *r, struct settings **s)
{
    struct control_start start = {.sockets = &r->sockets,
                                  .reread = reread,
                                  .notify = notify,
                                  .second = on_second,
                                  .settle = settle,
                                  .launcher = r->launcher,
                                  .takeover = r->takeover,
                                  .admin_sockets = admin_sockets,
                                  .admin_keep = keep_admin,
                                  .admin_restore = restore_admin,
                                  .handed_over = handed_over,
                                  .arg = r};
    char why[600];
    struct control *c = NULL;
    int status = 1;

    if (!flow_descriptors_fit(*s, why, sizeof why)) {
        log_error("%s", why);
        takeover_fail(r->takeover, why);
        return status;
    }
    service_begin(&r->service, r->takeover != NULL);
    r->admin_http = (*s)->admin.http;
    r->admin_listen = (struct admin_listen){.socket_fd = -1, .http_fd = -1};
    c = control_create(s, &start, why, sizeof why);
    if (c == NULL) {
        log_error("%s", why);
        takeover_fail(r->takeover, why);
        goto out;
    }
    r->admin = admin_open(c, &r->admin_listen);
    if (r->admin == NULL) {
        log_error("the admin side cannot be opened: out of memory");
        takeover_fail(r->takeover, "the admin side cannot be opened: out of memory");
        goto out;
    }
    r->control = c;
    status = control_run(c);
out:
    admin_close(&r->admin);
    sandbox_tell_denied();
    control_destroy(&c);
    takeover_end(&r->takeover);
    flow_unbind(&r->sockets);
    log_stop();
    return status;
}

static void complain(const char *sentence, void *arg)
{
    (void)fprintf(stderr, "%s: %s\n", (const char *)arg, sentence);
}

static int check(const struct settings *s)
{
    char text[400];
    uint64_t most = flow_memory_ceiling(s, text, sizeof text);

    if (!flow_descriptors_fit(s, text, sizeof text)) {
        complain(text, s->file);
        return CMDLINE_EXIT_SETTINGS;
    }
    if (flow_verify(s, complain, s->file) > 0)
        return CMDLINE_EXIT_SETTINGS;

    conf_print_check(s, stdout);
    if (getuid() == 0 && s->user[0] == '\0')
        (void)printf("warning: %s\n", root_words);
    (void)printf("memory at most %llu MiB (%s)\n", (unsigned long long)(most >> 20), text);
    return 0;
}

/* The upstreams as they are now; what the file alone can tell has been checked. */
static int check_online(const struct cmdline *c, struct settings **s)
{
    struct online_ask ask = {c->generate, getenv("WEIR_AUTHORIZATION")};
    char why[600];
    int failed = flow_check_online(s, &ask, stdout, why, sizeof why);

    if (failed < 0)
        (void)fprintf(stderr, "weir: the upstreams cannot be tried: %s\n", why);
    return failed == 0 ? 0 : CMDLINE_EXIT_SETTINGS;
}

static int run_or_check(const struct cmdline *c, struct run *r, struct settings **s)
{
    int status;

    if (c->action == CMDLINE_RUN)
        return run(r, s);
    status = check(*s);
    return status == 0 && c->online ? check_online(c, s) : status;
}

/* Whoever waits for this process to take over hears what is wrong, too. */
static struct settings *read_settings(struct run *r)
{
    char *said = NULL;
    size_t n = 0;
    FILE *f = r->takeover == NULL ? NULL : open_memstream(&said, &n);
    struct settings *s = cmdline_settings(&r->cmdline, f == NULL ? stderr : f);

    if (f == NULL)
        return s;
    (void)fclose(f);
    (void)fputs(said, stderr);
    if (n > 0 && said[n - 1] == '\n')
        said[n - 1] = '\0';
    if (s == NULL)
        takeover_fail(r->takeover, said);
    free(said);
    return s;
}

static int act(struct run *r)
{
    struct settings *s;
    int status;

    switch (r->cmdline.action) {
    case CMDLINE_HELP:
        cmdline_help(stdout);
        return 0;
    case CMDLINE_VERSION:
        (void)puts("weir " WEIR_VERSION);
        if (r->cmdline.verbose)
            linked_print(stdout);
        return 0;
    case CMDLINE_SETTINGS:
        cmdline_print_reference(stdout);
        return 0;
    case CMDLINE_RUN:
    case CMDLINE_CHECK:
        break;
    }
    s = read_settings(r);
    if (s == NULL)
        return CMDLINE_EXIT_SETTINGS;
    log_set_level(s->log.level);
    status = run_or_check(&r->cmdline, r, &s);
    settings_destroy(&s);
    return status;
}

/* Before anything is allocated, read or opened that it need not have. */
static int begin_launcher(char **argv, const sigset_t *mask)
{
    int fd = launcher_begin(argv, mask);

    if (fd == -1)
        log_warn("no launcher, so no hot restart of this process: %s", strerror(errno));
    return fd;
}

int main(int argc, char **argv)
{
    struct run r = {.launcher = -1, .takeover = takeover_begin()};
    char why[300];
    sigset_t mask;
    int status;

    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a log at its LimitFSIZE fails, and weir goes on */
    (void)flow_block_signals();
    raise_descriptor_limit();
    if (cmdline_parse(&r.cmdline, argc, argv, why, sizeof why) != WEIR_OK) {
        (void)fprintf(stderr, "weir: %s\n", why);
        cmdline_usage(stderr);
        return CMDLINE_EXIT_USAGE;
    }
    if (r.cmdline.action == CMDLINE_RUN)
        r.launcher = begin_launcher(argv, &mask);
    status = act(&r);
    takeover_end(&r.takeover);
    return status;
}
