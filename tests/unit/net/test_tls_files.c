/* SPDX-License-Identifier: Apache-2.0 */
/* Files that cannot be used, and what is said about them. */
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_test.h"

static struct keys keys;
static char empty[64], locked[64], why[512];

static void setup(void)
{
    FILE *f;

    keys_make(&keys);
    (void)snprintf(empty, sizeof empty, "%s/empty", keys.folder);
    (void)snprintf(locked, sizeof locked, "%s/locked", keys.folder);
    f = fopen(empty, "w");
    cr_assert_eq(fclose(f), 0);
    f = fopen(locked, "w");
    cr_assert_eq(PEM_write_PrivateKey(f, keys.a.key, EVP_aes_128_cbc(),
                                      (const unsigned char *)"secret", 6, NULL, NULL),
                 1);
    cr_assert_eq(fclose(f), 0);
}

static void teardown(void)
{
    (void)unlink(empty);
    (void)unlink(locked);
    keys_forget(&keys);
}

TestSuite(tls_files, .init = setup, .fini = teardown);

static void expect_complaint(const char *certificate, const char *key, const char *format, ...)
{
    struct tls_server_conf c = {.first = {certificate, key}};
    char expected[512];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(expected, sizeof expected, format, ap);
    va_end(ap);
    cr_assert_null(tls_server_create(&c, why, sizeof why));
    cr_assert_str_eq(why, expected);
}

Test(tls_files, a_missing_file_is_named)
{
    expect_complaint("/nonexistent.pem", NULL,
                     "/nonexistent.pem cannot be read: No such file or directory");
    expect_complaint(keys.a.file, "/nonexistent.key",
                     "/nonexistent.key cannot be read: No such file or directory");
}

Test(tls_files, a_folder_is_no_file)
{
    expect_complaint(keys.folder, NULL, "%s is a folder, not a file", keys.folder);
}

Test(tls_files, a_file_without_pem_is_named)
{
    expect_complaint(empty, NULL, "%s holds no certificate in PEM form", empty);
    expect_complaint(keys.a.file, empty, "%s holds no private key in PEM form", empty);
    expect_complaint(keys.a.file, NULL, "%s holds no private key in PEM form", keys.a.file);
    expect_complaint(keys.a.key_file, NULL, "%s holds no certificate in PEM form", keys.a.key_file);
}

Test(tls_files, a_key_of_another_certificate_is_told)
{
    expect_complaint(keys.a.file, keys.b.key_file,
                     "the private key in %s does not belong to the certificate in %s",
                     keys.b.key_file, keys.a.file);
}

Test(tls_files, a_locked_key_is_told)
{
    expect_complaint(keys.a.file, locked, "the private key in %s is locked with a password",
                     locked);
}

Test(tls_files, an_expired_certificate_is_not_loaded)
{
    struct made m = {.name = "old", .from_days = -20, .to_days = -10};
    char day[16];
    time_t then = time(NULL) - 10 * 86400L;

    make_cert(keys.folder, &m);
    (void)strftime(day, sizeof day, "%Y-%m-%d", gmtime(&then));
    expect_complaint(m.file, m.key_file, "the certificate in %s expired on %s", m.file, day);
    forget_cert(&m);
}

Test(tls_files, a_certificate_of_the_future_is_not_loaded)
{
    struct made m = {.name = "new", .from_days = 10, .to_days = 20};

    make_cert(keys.folder, &m);
    cr_assert_null(tls_server_create(&(struct tls_server_conf){.first = {m.file, m.key_file}}, why,
                                     sizeof why));
    cr_assert_not_null(strstr(why, "is not valid before 20"));
    forget_cert(&m);
}

Test(tls_files, a_further_certificate_is_checked_as_well)
{
    struct tls_pair more = {empty, NULL};
    struct tls_server_conf c = {.first = {keys.a.file, keys.a.key_file}, .sni = &more, .n_sni = 1};

    cr_assert_null(tls_server_create(&c, why, sizeof why));
    cr_assert_not_null(strstr(why, empty));
}

Test(tls_files, trust_that_cannot_be_loaded_is_named)
{
    struct tls_server_conf s = {.first = {keys.a.file, keys.a.key_file}, .client_ca = empty};
    struct tls_client_conf c = {.ca = "/nonexistent", .server_name = "a", .verify = true};

    cr_assert_null(tls_server_create(&s, why, sizeof why));
    cr_assert_not_null(strstr(why, "holds no certificate in PEM form"), "%s", why);
    cr_assert_null(tls_client_create(&c, why, sizeof why));
    cr_assert_str_eq(why, "/nonexistent cannot be read: No such file or directory");
    c.ca = keys.folder;
    struct tls_client *k = tls_client_create(&c, why, sizeof why);
    cr_assert_not_null(k, "a folder will do: %s", why);
    tls_client_release(&k);
}

Test(tls_files, a_client_needs_a_name_to_verify)
{
    struct tls_client_conf c = {.ca = keys.ca.file, .verify = true};

    cr_assert_null(tls_client_create(&c, why, sizeof why));
    cr_assert_not_null(strstr(why, "no name to verify"));
}

Test(tls_files, the_systems_trust_is_the_default)
{
    struct tls_client_conf c = {.server_name = "api.example.com", .verify = true};
    struct tls_client *k = tls_client_create(&c, why, sizeof why);

    cr_assert_not_null(k, "%s", why);
    tls_client_release(&k);
}

Test(tls_files, a_complaint_fits_the_room_it_is_given)
{
    char small[8];

    cr_assert_null(
        tls_server_create(&(struct tls_server_conf){.first = {empty, NULL}}, small, sizeof small));
    cr_assert_eq(strlen(small), 7);
}

Test(tls_files, a_key_that_others_can_read_is_refused)
{
    cr_assert_eq(chmod(keys.a.key_file, 0644), 0);
    expect_complaint(keys.a.file, keys.a.key_file,
                     "the private key in %s can be read by everybody here (mode 0644): chmod o=",
                     keys.a.key_file);
    cr_assert_eq(chmod(keys.a.key_file, 0640), 0);
    struct tls_server_conf c = {.first = {keys.a.file, keys.a.key_file}};
    struct tls_server *t = tls_server_create(&c, why, sizeof why);
    cr_assert_not_null(t, "%s", why);
    tls_server_release(&t);
}
