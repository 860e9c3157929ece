/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for the length of a run. */
#include "bench/scenario/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

enum { A_DAY_S = 86400 };

static bool add_extension(X509 *x, int kind, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    bool good;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, kind, value);
    good = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return good;
}

static bool fill(X509 *x, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(x);

    return X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x), A_DAY_S) != NULL &&
           X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, name) == 1 &&
           add_extension(x, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1") &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

enum weir_status certificate_write(const char *folder, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    bool good = key != NULL && x != NULL && fill(x, key);
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "we");
    good = good && f != NULL && fchmod(fileno(f), 0600) == 0 && PEM_write_X509(f, x) == 1 &&
           PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (f != NULL)
        good = fclose(f) == 0 && good;
    X509_free(x);
    EVP_PKEY_free(key);
    return good ? WEIR_OK : WEIR_TLS;
}
