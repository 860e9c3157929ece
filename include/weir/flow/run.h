/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_FLOW_RUN_H
#define WEIR_FLOW_RUN_H

#include <signal.h>

#include "weir/flow/control.h"
#include "weir/flow/takeover.h"

/*
 * Starting and running weir, for main.  On the main thread, which becomes the control thread.
 *
 *     control_create (keys are read → settle: flow_bind, privileges are dropped) → control_run →
 *     control_destroy
 */
enum { FLOW_LISTENERS_MAX = 64 };

/* The listening sockets, one per listener and worker, unix ones shared. */
struct flow_sockets {
    int *fds; /* [listener * workers + worker] */
    size_t n_listeners, n_workers;
    bool skipped[FLOW_LISTENERS_MAX]; /* the default port was taken: a warning, not an error */
};
/*
 * Sockets in `in` (NULL: none) are taken instead of binding anew.  False: a sentence in why;
 * nothing stays open.
 */
bool flow_bind(const struct settings *s, struct inherited *in, struct flow_sockets *out, char *why,
               size_t room);
void flow_unbind(struct flow_sockets *f);
/* One listener of s, fds has room for s->workers; false: a sentence in why, nothing stays open. */
bool flow_bind_listener(const struct settings *s, size_t index, int *fds, char *why, size_t room);

/* Could it be opened now?  Binds for a moment, listens never.  False: a sentence in why. */
bool flow_probe_listener(const struct settings *s, size_t index, char *why, size_t room);

/* The admin side's listening sockets and their names, for a process that takes over. */
struct control_admin_sockets {
    int socket_fd, http_fd; /* borrowed; -1 = none */
    const char *socket_path, *http_address;
};

struct control_start {
    struct flow_sockets *sockets; /* taken over by control_create, in any case */
    /*
     * How to read the settings anew for a reload; NULL and diagnostics when they are bad.
     */
    struct settings *(*reread)(struct conf_diagnostics *m, void *arg);
    void *arg;
    /*
     * Called once keys and certificates are read: binds (into `sockets`), gives up privileges.
     * False: a sentence in why.  NULL: all of that has been done.
     */
    bool (*settle)(const struct settings *s, char *why, size_t room, void *arg);
    /* Called on the control thread: `what` is "READY", "RELOADING", "STOPPING". */
    void (*notify)(const char *what, void *arg);
    void (*second)(void *arg); /* once a second, on the control thread; or NULL */
    int launcher;              /* to the launcher (flow/launch.h), borrowed; -1 = none */
    struct takeover *takeover; /* borrowed; NULL: an ordinary start */
    /* For a hot restart, on the control thread, or NULL: what is handed over of the admin side ...
     */
    void (*admin_sockets)(struct control_admin_sockets *out, void *arg);
    /* ... what the admin side remembers, in a form of its own, added to b; false: no memory ... */
    bool (*admin_keep)(struct buf *b, void *arg);
    /* ... such bytes of the process before this one, before anything runs: a stranger's ... */
    void (*admin_restore)(struct slice bytes, void *arg);
    /* ... and it was: `pid` serves now, and has the admin socket or one of its own. */
    void (*handed_over)(int pid, bool admin_socket, void *arg);
};

/*
 * The signals that control reads are blocked from the start of main on, so that one that comes
 * early waits for it.  Returns their set.
 */
sigset_t flow_block_signals(void);

/*
 * Everything a start needs besides sockets: certificates, keys, pages.  fn is called with a
 * sentence for each diagnostic; returns how many.
 */
size_t flow_verify(const struct settings *s, void (*fn)(const char *sentence, void *arg),
                   void *arg);

/* Takes the settings over on success; NULL and a sentence in why otherwise. */
struct control *control_create(struct settings **s, const struct control_start *start, char *why,
                               size_t room);
/* Starts the workers and runs until the process is to end.  Returns the exit status. */
int control_run(struct control *c);
/* Has every worker thread gone round its loop within this time (a second is the least)?  Control's
 * thread; the one that has not is logged, once. */
bool control_workers_live(struct control *c, uint64_t within_ns);
/* How the service is, for its manager: "serving", or the state and its most telling number. */
void control_say_state(struct control *c, char *text, size_t room);
void control_destroy(struct control **c);

/* False: the descriptor limit is too small for these settings; a sentence in why. */
bool flow_descriptors_fit(const struct settings *s, char *why, size_t room);

/* The most memory the settings allow, in bytes, and a sentence that tells where it goes. */
uint64_t flow_memory_ceiling(const struct settings *s, char *text, size_t room);

#endif
