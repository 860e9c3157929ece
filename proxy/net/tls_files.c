/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, keys and trust anchors from files, and what is wrong with them in words that name
 * the file.  Main thread, at start, check and reload.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509err.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_priv.h"

static bool is_readable(const char *path, struct text *why)
{
    FILE *f = fopen(path, "re");
    struct stat st;

    if (f == NULL || fstat(fileno(f), &st) == -1)
        text_printf(why, "%s cannot be read: %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        text_printf(why, "%s is a folder, not a file", path);
    if (f != NULL)
        (void)fclose(f);
    return why->len == 0;
}

/* A key that other users of the machine can read or change is no secret. */
static bool is_secret(const char *path, struct text *why)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
        text_printf(
            why, "the private key in %s can be read by everybody here (mode %04o): chmod o=", path,
            (unsigned)(st.st_mode & 07777));
    return why->len == 0;
}

/*
 * What OpenSSL's queue says: the first entry is the deepest cause, later ones are the layers it
 * went through.  Empties the queue.
 */
struct complaint {
    bool no_pem, locked;
    unsigned long first;
};

static struct complaint take_complaint(void)
{
    static const struct {
        int lib, reason;
        size_t flag;
    } rows[] = {
        {ERR_LIB_PEM, PEM_R_NO_START_LINE, offsetof(struct complaint, no_pem)},
        {ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND, offsetof(struct complaint, no_pem)},
        {ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED, offsetof(struct complaint, no_pem)},
        {ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ, offsetof(struct complaint, locked)},
        {ERR_LIB_PEM, PEM_R_PROBLEMS_GETTING_PASSWORD, offsetof(struct complaint, locked)},
    };
    struct complaint c = {.first = ERR_peek_error()};
    unsigned long e;

    while ((e = ERR_get_error()) != 0) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (ERR_GET_LIB(e) == rows[i].lib && ERR_GET_REASON(e) == rows[i].reason)
                *(bool *)((char *)&c + rows[i].flag) = true;
        }
    }
    return c;
}

/* `what` is what the file should hold. */
static bool bad_file(const char *path, const char *what, struct text *why)
{
    struct complaint c = take_complaint();
    const char *reason = ERR_reason_error_string(c.first);

    if (c.locked)
        text_printf(why, "the %s in %s is locked with a password", what, path);
    else if (c.no_pem)
        text_printf(why, "%s holds no %s in PEM form", path, what);
    else
        text_printf(why, "the %s in %s cannot be used: %s", what, path,
                    reason == NULL ? "it is malformed" : reason);
    return false;
}

static bool bad_key(const char *key, const char *certificate, struct text *why)
{
    unsigned long error = ERR_peek_last_error();

    if (ERR_GET_LIB(error) != ERR_LIB_X509 ||
        (ERR_GET_REASON(error) != X509_R_KEY_VALUES_MISMATCH &&
         ERR_GET_REASON(error) != X509_R_KEY_TYPE_MISMATCH))
        return bad_file(key, "private key", why);
    ERR_clear_error();
    text_printf(why, "the private key in %s does not belong to the certificate in %s", key,
                certificate);
    return false;
}

/* A daemon has nobody to ask. */
static int no_password(char *to, int room, int writing, void *arg)
{
    (void)to, (void)room, (void)writing, (void)arg;
    return -1;
}

static bool in_its_time(SSL_CTX *ctx, const char *path, struct text *why)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx);

    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) {
        text_printf(why, "the certificate in %s expired on ", path);
        tls_write_date(why, X509_get0_notAfter(cert));
        return false;
    }
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
        text_printf(why, "the certificate in %s is not valid before ", path);
        tls_write_date(why, X509_get0_notBefore(cert));
        return false;
    }
    return true;
}

bool tls_load_pair(SSL_CTX *ctx, const struct tls_pair *p, struct text *why)
{
    const char *key = p->key == NULL ? p->certificate : p->key;

    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    if (!is_readable(p->certificate, why))
        return false;
    if (SSL_CTX_use_certificate_chain_file(ctx, p->certificate) != 1)
        return bad_file(p->certificate, "certificate", why);
    if (!in_its_time(ctx, p->certificate, why) || !is_readable(key, why))
        return false;
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(ctx) == 1)
        return is_secret(key, why);
    return bad_key(key, p->certificate, why);
}

static bool load_folder(SSL_CTX *ctx, const char *path, struct text *why)
{
    if (access(path, R_OK | X_OK) == -1) {
        text_printf(why, "the folder %s cannot be read: %s", path, strerror(errno));
        return false;
    }
    return SSL_CTX_load_verify_dir(ctx, path) == 1 || bad_file(path, "certificate", why);
}

bool tls_load_trust(SSL_CTX *ctx, const char *file_or_folder, struct text *why)
{
    struct stat st;

    if (stat(file_or_folder, &st) == 0 && S_ISDIR(st.st_mode))
        return load_folder(ctx, file_or_folder, why);
    if (!is_readable(file_or_folder, why))
        return false;
    return SSL_CTX_load_verify_file(ctx, file_or_folder) == 1 ||
           bad_file(file_or_folder, "certificate", why);
}
