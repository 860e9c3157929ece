/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificate for which name: a sorted table of the DNS names in the certificates, made once
 * and searched in every handshake.  An exact name wins over a wildcard; of two certificates for one
 * name the one configured first wins.
 */
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "tls_priv.h"

enum { NAME_MAX_LEN = 253 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool copy_lower(char *to, const char *from, size_t n)
{
    if (n == 0 || n > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (from[i] == '\0')
            return false; /* a certificate that tries to end its name early */
        to[i] = lower(from[i]);
    }
    to[n] = '\0';
    return true;
}

static bool add_one(struct tls_names *names, SSL_CTX *ctx, unsigned rank, const char *text,
                    size_t n)
{
    char name[NAME_MAX_LEN + 1];
    struct tls_name *more;

    if (n > 2 && text[0] == '*' && text[1] == '.')
        text++, n--;
    if (!copy_lower(name, text, n))
        return true; /* no client can ask for it */
    more = realloc(names->at, (names->n + 1) * sizeof *more);
    if (more == NULL)
        return false;
    names->at = more;
    more += names->n;
    *more = (struct tls_name){.text = strdup(name), .ctx = ctx, .rank = rank};
    if (more->text == NULL)
        return false;
    names->n++;
    return true;
}

bool tls_names_add(struct tls_names *names, SSL_CTX *ctx, unsigned rank)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool ok = true;

    for (int i = 0; ok && i < sk_GENERAL_NAME_num(all); i++) {
        int type;
        const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);

        if (type == GEN_DNS)
            ok = add_one(names, ctx, rank, (const char *)ASN1_STRING_get0_data(s),
                         (size_t)ASN1_STRING_length(s));
    }
    GENERAL_NAMES_free(all);
    return ok;
}

static int by_text_and_rank(const void *a, const void *b)
{
    const struct tls_name *x = a, *y = b;
    int order = strcmp(x->text, y->text);

    return order != 0 ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

void tls_names_sort(struct tls_names *names)
{
    if (names->n > 0)
        qsort(names->at, names->n, sizeof *names->at, by_text_and_rank);
}

/* The first of equal names: bsearch would find any. */
static SSL_CTX *find(const struct tls_names *names, const char *text)
{
    size_t low = 0, high = names->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(names->at[mid].text, text) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < names->n && strcmp(names->at[low].text, text) == 0 ? names->at[low].ctx : NULL;
}

SSL_CTX *tls_names_find(const struct tls_names *names, const char *wanted)
{
    char name[NAME_MAX_LEN + 1];
    const char *dot;
    size_t n = strlen(wanted);
    SSL_CTX *ctx;

    if (n > 1 && wanted[n - 1] == '.')
        n--;
    if (wanted[0] == '.' || !copy_lower(name, wanted, n))
        return NULL;
    ctx = find(names, name);
    dot = strchr(name, '.');
    return ctx != NULL || dot == NULL ? ctx : find(names, dot);
}

void tls_names_free(struct tls_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->at[i].text);
    free(names->at);
    *names = (struct tls_names){0};
}
