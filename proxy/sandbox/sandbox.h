/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEIR_SANDBOX_H
#define WEIR_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Gives up for good what a proxy never needs: new privileges, capabilities, other programs, system
 * calls it has no use for, files that its settings do not name.  On the main thread, when sockets
 * are bound and keys are read; threads inherit it.
 */

/* A folder, with all that is below it. */
struct sandbox_folder {
    const char *path;
    bool write; /* files may be made and written there, sockets made and removed; else only read */
};

/*
 * False: the kernel took a part of it only, which was logged; the caller decides.  A folder that is
 * not there is left out.
 */
bool sandbox_enter(const struct sandbox_folder *folders, size_t n);

/*
 * Logs the system calls that were denied since the last time, each once.  The control thread, once
 * a second: the place of the denial may not log.
 */
void sandbox_tell_denied(void);

/* The folders that settings name, beside those of the system's libraries; and the admin socket's,
 * as it was bound. */
struct settings;
struct sandbox_folder *sandbox_folders(const struct settings *s, const char *admin_socket,
                                       size_t *n);
void sandbox_folders_free(struct sandbox_folder *folders, size_t n);

/* The parts of sandbox_enter; each false, with a word in the log, where the kernel refuses. */
bool sandbox_filter_calls(void);                                            /* calls.c: seccomp */
bool sandbox_confine_files(const struct sandbox_folder *folders, size_t n); /* files.c: Landlock */

#endif
