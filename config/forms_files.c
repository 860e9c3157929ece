/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms that ask the system: files a start will read, folders it will write into, users.  Looked at
 * when the settings are loaded, so that `weir --check` finds what a start would.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf_priv.h"

static const char *because(char *room, size_t size, int error)
{
    struct text t;
    char reason[96];

    text_init(&t, room, size);
    text_str(&t, strerror_r(error, reason, sizeof reason));
    return room;
}

/* Regular files only are opened: opening a device or a fifo may do or wait for anything. */
static const char *wrong_file(const char *text, char *room, size_t size)
{
    struct stat st;
    int fd;

    if (stat(text, &st) != 0)
        return because(room, size, errno);
    if (!S_ISREG(st.st_mode))
        return "it is no regular file";
    if (st.st_size == 0)
        return "it is empty";
    fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1)
        return because(room, size, errno);
    (void)close(fd);
    return NULL;
}

static const char *wrong_directory(const char *text, char *room, size_t size)
{
    struct stat st;

    if (stat(text, &st) != 0)
        return because(room, size, errno);
    if (!S_ISDIR(st.st_mode))
        return "it is no folder";
    return access(text, R_OK | X_OK) == 0 ? NULL : because(room, size, errno);
}

static const char *wrong_anchor(const char *text, char *room, size_t size)
{
    struct stat st;

    if (stat(text, &st) == 0 && S_ISDIR(st.st_mode))
        return wrong_directory(text, room, size);
    return wrong_file(text, room, size);
}

static const char *wrong_folder_of(const char *text, char *room, size_t size)
{
    const char *slash = strrchr(text, '/');
    char folder[4096] = "/";
    size_t len = (size_t)(slash - text);

    if (len >= sizeof folder)
        return "it is too long";
    if (len > 0)
        memcpy(folder, text, len);
    return wrong_directory(folder, room, size) == NULL ? NULL : "its folder can not be used";
}

static const char *wrong_log(const char *text, char *room, size_t size)
{
    static const char *const places[] = {"stderr", "stdout", "off", "syslog"};
    struct nearest near;
    struct text t;

    nearest_begin(&near, text);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(text, places[i]) == 0)
            return NULL;
        nearest_offer(&near, places[i]);
    }
    if (strchr(text, '/') != NULL)
        return wrong_folder_of(text, room, size);
    if (nearest_found(&near) == NULL)
        return "a file is written with its folder";
    text_init(&t, room, size);
    text_printf(&t, "did you mean \"%s\"?", nearest_found(&near));
    return room;
}

/* A file that is replaced by a new one now and then: its folder is written to. */
static const char *wrong_kept(const char *text, char *room, size_t size)
{
    struct stat st;
    char folder[4096];
    const char *slash = strrchr(text, '/');

    if (text[0] != '/' || slash[1] == '\0')
        return "a file is written with its folder";
    if (stat(text, &st) == 0 && !S_ISREG(st.st_mode))
        return "it is no regular file";
    if ((size_t)(slash - text) >= sizeof folder)
        return "it is too long";
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - text + 1), text);
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
        return "its folder is not there";
    return access(folder, W_OK | X_OK) == 0 ? NULL : because(room, size, errno);
}

static const char *wrong_user(const char *text, char *room, size_t size)
{
    struct passwd pw, *found = NULL;
    char space[4096];
    uint64_t uid;

    (void)room, (void)size;
    if (parse_u64(slice_str(text), UINT32_MAX - 1, &uid) == WEIR_OK)
        return NULL;
    if (getpwnam_r(text, &pw, space, sizeof space, &found) != 0 || found == NULL)
        return "there is no such user here";
    return NULL;
}

/* Of the admin socket: "NAME:read" may look only. */
static const char *wrong_operator(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text);
    char name[256];

    if (slice_ends(s, SLICE_LIT(":read")))
        s.len -= sizeof ":read" - 1;
    (void)snprintf(name, sizeof name, "%.*s", (int)s.len, s.p);
    return wrong_user(name, room, size);
}

static const char *wrong_socket(const char *text, char *room, size_t size)
{
    (void)room, (void)size;
    if (text[0] != '/')
        return "it does not begin with a slash";
    return strlen(text) < sizeof((struct sockaddr_un *)0)->sun_path ? NULL
                                                                    : "it is longer than 107 bytes";
}

const struct conf_form conf_form_file = {"a readable file", "/path/to/file.pem", wrong_file};
const struct conf_form conf_form_anchor = {"a readable file or folder",
                                           "/etc/ssl/certs/ca-certificates.crt", wrong_anchor};
const struct conf_form conf_form_directory = {"a folder", "/etc/weir/pages", wrong_directory};
const struct conf_form conf_form_log = {
    "a place for the log", "stderr, stdout, off, syslog or /var/log/weir/access.log", wrong_log};
const struct conf_form conf_form_kept = {"a file in a folder that can be written to",
                                         "/var/lib/weir/learnt", wrong_kept};
const struct conf_form conf_form_user = {"a user", "a name or a number", wrong_user};
const struct conf_form conf_form_operator = {"a user", "a name or a number, or NAME:read",
                                             wrong_operator};
const struct conf_form conf_form_socket = {"a socket", "/run/weir/admin.sock", wrong_socket};
