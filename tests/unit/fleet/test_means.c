/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/fleet/means.h"

static struct fleet_conf conf_of(const char *redis, const char *password_file)
{
    static char none[] = "";

    return (struct fleet_conf){.redis = (char *)(uintptr_t)redis,
                               .password_file = (char *)(uintptr_t)password_file,
                               .secret_file = none,
                               .ca = none,
                               .server_name = none,
                               .certificate = none,
                               .key = none,
                               .verify = true};
}

static struct fleet_means *made(const char *redis)
{
    struct fleet_conf c = conf_of(redis, "");
    char why[200];
    struct fleet_means *m = fleet_means_create(&c, why, sizeof why);

    cr_assert_not_null(m, "%s: %s", redis, why);
    return m;
}

Test(means, a_url_is_taken_apart)
{
    static const struct {
        const char *url, *host, *user, *database;
        uint16_t port;
        bool tls, unix_path, in_clear;
    } rows[] = {
        {"redis://h", "h", "", "", 6379, false, false, true},
        {"redis://127.0.0.1:7", "127.0.0.1", "", "", 7, false, false, false},
        {"rediss://weir@redis.internal:6380/3", "redis.internal", "weir", "3", 6380, true, false,
         false},
        {"redis://[::1]/0", "::1", "", "0", 6379, false, false, false},
        {"unix:/run/redis.sock", "/run/redis.sock", "", "", 0, false, true, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fleet_means *m = made(rows[i].url);

        cr_assert_str_eq(m->hosts[0].name, rows[i].host);
        cr_assert_str_eq(m->user, rows[i].user);
        cr_assert_str_eq(m->database, rows[i].database);
        cr_assert_eq(m->hosts[0].port, rows[i].port, "%s: %u", rows[i].url, m->hosts[0].port);
        cr_assert_eq(m->tls != NULL, rows[i].tls);
        cr_assert_eq(m->unix_path, rows[i].unix_path);
        cr_assert_eq(m->in_clear, rows[i].in_clear);
        fleet_means_destroy(&m);
        cr_assert_null(m);
    }
}

static const char *file_with(const char *text)
{
    static char path[64];
    int fd;

    (void)snprintf(path, sizeof path, "/tmp/weir-means-XXXXXX");
    fd = mkstemp(path);
    cr_assert_neq(fd, -1);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

Test(means, sentinels_are_hosts_and_a_master)
{
    struct fleet_means *m = made("redis+sentinel://weir@a,b:7,[::1]/my.master/2");

    cr_assert_eq(m->n_hosts, 3);
    cr_assert_str_eq(m->hosts[1].name, "b");
    cr_assert_str_eq(m->hosts[2].name, "::1");
    cr_assert(m->hosts[0].port == 26379 && m->hosts[1].port == 7);
    cr_assert_str_eq(m->master, "my.master");
    cr_assert_str_eq(m->database, "2");
    cr_assert_str_eq(m->user, "weir");
    cr_assert(m->in_clear);
    fleet_means_destroy(&m);
}

Test(means, a_cluster_is_hosts_alone)
{
    struct fleet_means *m = made("rediss+cluster://weir@a,b:7/0");

    cr_assert(m->cluster && m->tls != NULL && m->n_hosts == 2);
    cr_assert_str_eq(m->hosts[1].name, "b");
    cr_assert(m->hosts[0].port == 6379 && m->hosts[1].port == 7);
    cr_assert_str_eq(m->database, "", "there is but one, and SELECT is not allowed");
    cr_assert_str_eq(m->user, "weir");
    fleet_means_destroy(&m);
}

Test(means, the_password_is_the_first_line_of_its_file)
{
    const char *path = file_with("s3 cret\n");
    struct fleet_conf c = conf_of("redis://h", path);
    char why[200];
    struct fleet_means *m = fleet_means_create(&c, why, sizeof why);

    cr_assert_not_null(m);
    cr_assert_str_eq(m->password, "s3 cret");
    cr_assert(m->has_password);
    fleet_means_destroy(&m);
    (void)unlink(path);
}

Test(means, a_file_that_is_no_password_is_named)
{
    static const char *const texts[] = {"\n", "a\nb\n"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *path = file_with(texts[i]);
        struct fleet_conf c = conf_of("redis://h", path);
        char why[200] = "";

        cr_assert_null(fleet_means_create(&c, why, sizeof why));
        cr_assert_not_null(strstr(why, "one line of 1 to 512 bytes is wanted"), "%s", why);
        (void)unlink(path);
    }
}

static struct fleet_means *with_secret(const char *text, char *why, size_t room)
{
    const char *path = file_with(text);
    struct fleet_conf c = conf_of("redis://h", "");
    struct fleet_means *m;

    c.secret_file = (char *)(uintptr_t)path;
    m = fleet_means_create(&c, why, room);
    (void)unlink(path);
    return m;
}

#define SECRET "0123456789abcdef0123456789abcdef"

Test(means, nodes_with_the_same_secret_have_the_same_keys_one_for_each_purpose)
{
    char why[200];
    struct fleet_means *a = with_secret(SECRET, why, sizeof why);
    struct fleet_means *b = with_secret(SECRET "\n", why, sizeof why);
    struct fleet_means *c = with_secret(SECRET "0", why, sizeof why);
    struct hash_key x, y, z, other;

    cr_assert(a != NULL && b != NULL && c != NULL, "%s", why);
    cr_assert(a->has_secret);
    x = fleet_means_key(a, "users");
    y = fleet_means_key(b, "users");
    z = fleet_means_key(c, "users");
    other = fleet_means_key(a, "turns");
    cr_assert(x.k0 == y.k0 && x.k1 == y.k1);
    cr_assert(x.k0 != z.k0 && x.k1 != z.k1);
    cr_assert(x.k0 != other.k0 && x.k1 != other.k1 && x.k0 != x.k1);
    fleet_means_destroy(&a);
    fleet_means_destroy(&b);
    fleet_means_destroy(&c);
}

Test(means, a_secret_that_is_short_or_long_is_none)
{
    char why[200] = "", text[600];

    cr_assert_null(with_secret("0123456789abcdef0123456789abcde", why, sizeof why));
    cr_assert_not_null(strstr(why, "32 to 512 bytes are wanted"), "%s", why);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_null(with_secret(text, why, sizeof why));
    cr_assert_not_null(strstr(why, "32 to 512 bytes are wanted"), "%s", why);
}
