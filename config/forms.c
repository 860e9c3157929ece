/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms that strings of a settings file have: addresses, URLs, names.  Each test says what is
 * wrong in a few words.  Meaning is the business of the layer that uses the string; files:
 * forms_files.c.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include <stdio.h>

#include "conf_priv.h"

#define LOWER      "abcdefghijklmnopqrstuvwxyz"
#define UPPER      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS     "0123456789"
#define TOKEN      LOWER UPPER DIGITS "!#$%&'*+-.^_`|~" /* RFC 9110, 5.6.2 */
#define HOST_CHARS LOWER UPPER DIGITS "-._"

static bool only(struct slice s, const char *allowed)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == '\0' || strchr(allowed, s.p[i]) == NULL)
            return false;
    return true;
}

static bool is_numeric(int family, struct slice s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr room;

    if (s.len >= sizeof text)
        return false;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    return inet_pton(family, text, &room) == 1;
}

static bool is_port(struct slice s, uint64_t least)
{
    uint64_t port;

    return parse_u64(s, 65535, &port) == WEIR_OK && port >= least;
}

/* "host:port" at the last colon; false without one.  Brackets of an IPv6 address stay with it. */
static bool split_port(struct slice s, struct slice *host, struct slice *port)
{
    for (size_t i = s.len; i > 0 && s.p[i - 1] != ']'; i--) {
        if (s.p[i - 1] != ':')
            continue;
        *host = slice_of(s.p, i - 1);
        *port = slice_from(s, i);
        return true;
    }
    return false;
}

static bool is_bracketed_v6(struct slice s)
{
    return s.len > 2 && s.p[0] == '[' && s.p[s.len - 1] == ']' &&
           is_numeric(AF_INET6, slice_of(s.p + 1, s.len - 2));
}

static const char *wrong_unix_path(struct slice path)
{
    if (path.len == 0)
        return "the path is missing";
    return path.len < sizeof((struct sockaddr_un *)0)->sun_path
               ? NULL
               : "the path is longer than 107 bytes";
}

static const char *wrong_address(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text), host, port;

    (void)room, (void)size;
    if (slice_starts(s, SLICE_LIT("unix:")))
        return wrong_unix_path(slice_from(s, 5));
    if (!split_port(s, &host, &port))
        return "the port is missing";
    if (!is_port(port, 0))
        return "the port is not a number from 0 to 65535";
    if (is_numeric(AF_INET6, host))
        return "an IPv6 address stands in brackets";
    if (!is_bracketed_v6(host) && !is_numeric(AF_INET, host))
        return "the host is not a numeric address";
    return NULL;
}

static const char *wrong_authority(struct slice s)
{
    struct slice host = s, port;

    if (split_port(s, &host, &port) && !is_port(port, 1))
        return "the port is not a number from 1 to 65535";
    if (host.len == 0)
        return "the host is missing";
    if (host.len > 255)
        return "the host is longer than 255 bytes";
    return is_bracketed_v6(host) || only(host, HOST_CHARS) ? NULL : "the host is malformed";
}

static const char *wrong_url(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text);
    const char *slash;

    if (slice_starts(s, SLICE_LIT("unix:")))
        return wrong_unix_path(slice_from(s, 5));
    if (slice_starts(s, SLICE_LIT("http://"))) {
        s = slice_from(s, 7);
    } else if (slice_starts(s, SLICE_LIT("https://"))) {
        s = slice_from(s, 8);
    } else if (wrong_authority(s) == NULL) {
        struct text t;
        text_init(&t, room, size);
        text_str(&t, "the scheme is missing; did you mean \"http://");
        text_put(&t, s);
        text_str(&t, "\"?");
        return room;
    } else {
        return "it begins with no known scheme";
    }
    slash = s.len == 0 ? NULL : memchr(s.p, '/', s.len);
    if (slash != NULL && slash + 1 != s.p + s.len)
        return "it has a path; the path of each request is passed on as it is";
    return wrong_authority(slice_of(s.p, s.len - (slash != NULL ? 1 : 0)));
}

/* What stands before the host: all up to the last @; empty without one. */
static struct slice user_of(struct slice s, struct slice *rest)
{
    const char *at = s.len == 0 ? NULL : memrchr(s.p, '@', s.len);

    *rest = at == NULL ? s : slice_from(s, (size_t)(at - s.p) + 1);
    return at == NULL ? SLICE_NONE : slice_of(s.p, (size_t)(at - s.p));
}

static bool has_password(const char *text)
{
    struct slice rest, s = slice_str(text);
    const char *scheme = strstr(text, "://");

    s = user_of(scheme == NULL ? s : slice_from(s, (size_t)(scheme - text) + 3), &rest);
    return s.len > 0 && memchr(s.p, ':', s.len) != NULL;
}

static const char *wrong_hosts(struct slice s)
{
    size_t n = 0;

    for (;;) {
        const char *comma = s.len == 0 ? NULL : memchr(s.p, ',', s.len);
        struct slice one = comma == NULL ? s : slice_of(s.p, (size_t)(comma - s.p));
        const char *why = wrong_authority(one);

        if (why != NULL)
            return why;
        if (++n > 8)
            return "there are more than 8 hosts";
        if (comma == NULL)
            return NULL;
        s = slice_from(s, one.len + 1);
    }
}

enum redis_kind { REDIS_ONE, REDIS_SENTINEL, REDIS_CLUSTER };

/* Which of the schemes; its length, 0 for none. */
static size_t redis_scheme(struct slice s, enum redis_kind *kind)
{
    static const struct {
        const char *begin;
        enum redis_kind kind;
    } schemes[] = {
        {"redis://", REDIS_ONE},
        {"rediss://", REDIS_ONE},
        {"redis+sentinel://", REDIS_SENTINEL},
        {"rediss+sentinel://", REDIS_SENTINEL},
        {"redis+cluster://", REDIS_CLUSTER},
        {"rediss+cluster://", REDIS_CLUSTER},
    };

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (slice_starts(s, slice_str(schemes[i].begin))) {
            *kind = schemes[i].kind;
            return strlen(schemes[i].begin);
        }
    }
    return 0;
}

static struct slice up_to_slash(struct slice *s)
{
    const char *slash = s->len == 0 ? NULL : memchr(s->p, '/', s->len);
    struct slice front = slash == NULL ? *s : slice_of(s->p, (size_t)(slash - s->p));

    *s = slice_from(*s, slash == NULL ? s->len : front.len + 1);
    return front;
}

static const char *wrong_redis(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text), user, hosts, master = SLICE_LIT("-");
    enum redis_kind kind = REDIS_ONE;
    size_t scheme = redis_scheme(s, &kind);
    uint64_t database = 0;

    (void)room, (void)size;
    if (has_password(text))
        return "a password is in it; write it to a file and name that in fleet.password_file";
    if (slice_starts(s, SLICE_LIT("unix:")))
        return wrong_unix_path(slice_from(s, 5));
    if (scheme == 0)
        return "it begins with no known scheme";
    user = user_of(slice_from(s, scheme), &s);
    if (user.len > 63 || !only(user, LOWER UPPER DIGITS "_-."))
        return "the user has more than 63 characters, or others than letters, digits, -, _ and .";
    hosts = up_to_slash(&s);
    if (kind == REDIS_SENTINEL)
        master = up_to_slash(&s);
    if (master.len == 0 || master.len > 63 || !only(master, LOWER UPPER DIGITS "_-."))
        return "behind the hosts the name of the master is missing";
    if (s.len > 0 && parse_u64(s, 9999, &database) != WEIR_OK)
        return "behind the host stands something else than the number of a database";
    if (kind == REDIS_CLUSTER && s.len > 0 && database != 0)
        return "a cluster has no other database than 0";
    return kind == REDIS_ONE ? wrong_authority(hosts) : wrong_hosts(hosts);
}

static const char *wrong_fleet_name(const char *text, char *room, size_t size)
{
    (void)room, (void)size;
    if (strlen(text) > 32)
        return "it is longer than 32 letters";
    return only(slice_str(text), LOWER DIGITS "_-") ? NULL : "another character is in it";
}

static const char *wrong_name(const char *text, char *room, size_t size)
{
    (void)room, (void)size;
    if (strlen(text) > 63)
        return "it is longer than 63 letters";
    return only(slice_str(text), LOWER DIGITS "_-") ? NULL : "another character is in it";
}

static const char *wrong_path(const char *text, char *room, size_t size)
{
    (void)room, (void)size;
    if (text[0] != '/')
        return "it does not begin with a slash";
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == '?' || *p == '#' || *p == 0x7f)
            return "a space, control character, ? or # is in it";
    return NULL;
}

static const char *wrong_token(const char *text, char *room, size_t size)
{
    (void)room, (void)size;
    return only(slice_str(text), TOKEN) ? NULL : "another character is in it";
}

static const char *wrong_method(const char *text, char *room, size_t size)
{
    (void)room, (void)size;
    return only(slice_str(text), UPPER "-_") ? NULL : "another character is in it";
}

static const char *wrong_host(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text), host, port;

    (void)room, (void)size;
    if (only(s, HOST_CHARS) || is_bracketed_v6(s) || is_numeric(AF_INET6, s))
        return NULL;
    if (split_port(s, &host, &port) && is_port(port, 0))
        return "it has a port";
    return "another character is in it";
}

static const char *wrong_admin_host(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text);

    if (slice_starts(s, SLICE_LIT("*.")) && s.len > 2)
        text += 2;
    return wrong_host(text, room, size);
}

static const char *wrong_upstream_host(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text), host, port;

    if (split_port(s, &host, &port) && is_port(port, 0) && host.len > 0)
        return only(host, HOST_CHARS) || is_bracketed_v6(host) ? NULL
                                                               : "another character is in it";
    return wrong_host(text, room, size);
}

/* Line ends and other controls would be a field, or a request, of their own. */
static const char *wrong_field(const char *text, char *room, size_t size)
{
    const char *colon = strchr(text, ':');

    (void)room, (void)size;
    if (colon == NULL || colon == text)
        return "there is no \"NAME: \"";
    if (!only(slice_of(text, (size_t)(colon - text)), TOKEN))
        return "the name has another character";
    if (strlen(text) > 2000)
        return "it is longer than 2000 bytes";
    for (const char *p = colon; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return "a control character is in it";
    }
    return NULL;
}

static const char *wrong_model(const char *text, char *room, size_t size)
{
    const char *star = strchr(text, '*');

    (void)room, (void)size;
    if (star != NULL && (star[1] != '\0' || star == text))
        return "a * stands at the end of a name only";
    return strlen(text) <= 64 ? NULL : "it is longer than 64 bytes";
}

static const char *wrong_identity(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text);

    (void)room, (void)size;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return "a control character is in it";
    return slice_trim(s).len == s.len ? NULL : "a blank stands at its end";
}

static const char *wrong_statuses(const char *text, char *room, size_t size)
{
    unsigned from = 0, to = 0;
    int end = 0;

    (void)room, (void)size;
    if (sscanf(text, "%3u%n", &from, &end) != 1)
        return "there is no number";
    to = from;
    if (text[end] == '-') {
        int more = 0;
        if (sscanf(text + end + 1, "%3u%n", &to, &more) != 1)
            return "there is no second number";
        end += 1 + more;
    }
    if (text[end] != '\0')
        return "more is behind it";
    return from >= 100 && from <= to && to <= 599 ? NULL : "a status is 100 to 599";
}

static const char *wrong_block(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text), address = s;
    const char *slash = strchr(text, '/');
    uint64_t bits = 0;
    bool is_v6;

    (void)room, (void)size;
    if (slash != NULL)
        address = slice_of(text, (size_t)(slash - text));
    is_v6 = is_numeric(AF_INET6, address);
    if (!is_v6 && !is_numeric(AF_INET, address))
        return "the address is not numeric";
    if (slash != NULL && parse_u64(slice_str(slash + 1), is_v6 ? 128 : 32, &bits) != WEIR_OK)
        return is_v6 ? "the bits are not a number from 0 to 128"
                     : "the bits are not a number from 0 to 32";
    return NULL;
}

static const char *wrong_origin(const char *text, char *room, size_t size)
{
    struct slice s = slice_str(text);

    (void)room, (void)size;
    if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0)
        return NULL;
    if (slice_starts(s, SLICE_LIT("http://")))
        return wrong_authority(slice_from(s, 7));
    if (slice_starts(s, SLICE_LIT("https://")))
        return wrong_authority(slice_from(s, 8));
    return "it begins with neither http:// nor https://";
}

const struct conf_form conf_form_address = {
    "an address", "127.0.0.1:8080, [::1]:8080 or unix:/path", wrong_address};
const struct conf_form conf_form_url = {
    "a url", "http://host:port, https://host:port or unix:/path", wrong_url};
const struct conf_form conf_form_redis = {
    "a Redis",
    "redis://[user@]host:6379/0, rediss://[user@]host:6380/0, "
    "redis+sentinel://[user@]host,host/master, redis+cluster://[user@]host,host or unix:/path",
    wrong_redis, has_password};
const struct conf_form conf_form_fleet_name = {"a name", "letters a to z, digits, - and _",
                                               wrong_fleet_name};
const struct conf_form conf_form_name = {"a name", "letters a to z, digits, - and _", wrong_name};
const struct conf_form conf_form_path = {"a path", "/some/path", wrong_path};
const struct conf_form conf_form_model = {"a model", "a name, perhaps with * at its end",
                                          wrong_model};
const struct conf_form conf_form_identity = {"a user", "the identity as it is sent",
                                             wrong_identity};
const struct conf_form conf_form_token = {"a field name", "letters, digits and -", wrong_token};
const struct conf_form conf_form_method = {"a method", "GET, in capital letters", wrong_method};
const struct conf_form conf_form_host = {"a host", "api.example.org, without a port", wrong_host};
const struct conf_form conf_form_admin_host = {
    "a name", "weir.monitoring.svc or *.example.org, without a port", wrong_admin_host};
const struct conf_form conf_form_upstream_host = {
    "a host", "client, url, or api.example.org[:port]", wrong_upstream_host};
const struct conf_form conf_form_field = {"a field", "Name: value", wrong_field};
const struct conf_form conf_form_statuses = {"a status or a range", "204 or 200-299",
                                             wrong_statuses};
const struct conf_form conf_form_block = {"an address block", "10.0.0.0/8, fd00::/8 or 192.0.2.7",
                                          wrong_block};
const struct conf_form conf_form_origin = {
    "an origin", "https://app.example.org, without a path, or *", wrong_origin};
