/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets: the state a client needs to resume goes to the client, sealed, instead of into a
 * table of ours.  A table would have to be shared by the workers and bounded, and a flood of
 * handshakes would push the honest entries out.  Sealed tickets cost nothing to keep.
 *
 * The price is the key: who has it can read (under TLS 1.2) every session whose ticket was sealed
 * with it.  So a key seals for one hour, opens for two more, and is then overwritten.  Any thread.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "tls_priv.h"
#include "weir/base/assert.h"
#include "weir/base/clock.h"

#define KEY_SEALS_NS (3600 * NS_PER_S)

void tls_tickets_init(struct tls_tickets *t)
{
    WEIR_ASSERT(pthread_mutex_init(&t->lock, NULL) == 0);
}

void tls_tickets_fini(struct tls_tickets *t)
{
    OPENSSL_cleanse(t->key, sizeof t->key);
    (void)pthread_mutex_destroy(&t->lock);
}

void tls_tickets_copy(struct tls_tickets *t, struct tls_tickets *from)
{
    WEIR_ASSERT(pthread_mutex_lock(&from->lock) == 0);
    memcpy(t->key, from->key, sizeof t->key);
    WEIR_ASSERT(pthread_mutex_unlock(&from->lock) == 0);
}

static bool make_key(struct ticket_key *k, uint64_t now_ns)
{
    k->born_ns = now_ns;
    return RAND_bytes(k->name, sizeof k->name) == 1 &&
           RAND_priv_bytes(k->secret, sizeof k->secret) == 1 &&
           RAND_priv_bytes(k->mac, sizeof k->mac) == 1;
}

static bool is_old(const struct ticket_key *k, uint64_t now_ns, uint64_t age_ns)
{
    return k->born_ns == 0 || now_ns - k->born_ns >= age_ns;
}

/* Drops keys past their time and puts a fresh one in front when the newest has sealed enough. */
static bool turn_over(struct tls_tickets *t, uint64_t now_ns)
{
    struct ticket_key fresh;

    for (int i = 0; i < TICKET_KEYS; i++) {
        if (is_old(&t->key[i], now_ns, TICKET_KEYS * KEY_SEALS_NS))
            OPENSSL_cleanse(&t->key[i], sizeof t->key[i]);
    }
    if (!is_old(&t->key[0], now_ns, KEY_SEALS_NS))
        return true;
    if (!make_key(&fresh, now_ns))
        return false;
    memmove(&t->key[1], &t->key[0], (TICKET_KEYS - 1) * sizeof t->key[0]);
    t->key[0] = fresh;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return true;
}

/* The newest key to seal with (name NULL) or the one of that name; its place, -1 if there is none.
 */
static int pick(struct tls_tickets *t, const unsigned char *name, uint64_t now_ns,
                struct ticket_key *out)
{
    int found = -1;

    WEIR_ASSERT(pthread_mutex_lock(&t->lock) == 0);
    if (turn_over(t, now_ns)) {
        for (int i = 0; i < TICKET_KEYS && found == -1; i++) {
            const struct ticket_key *k = &t->key[i];

            if (k->born_ns != 0 && (name == NULL || memcmp(k->name, name, sizeof k->name) == 0))
                found = i;
        }
    }
    if (found != -1)
        *out = t->key[found];
    WEIR_ASSERT(pthread_mutex_unlock(&t->lock) == 0);
    return found;
}

static bool prepare(struct ticket_key *k, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                    EVP_MAC_CTX *mac, int encrypt)
{
    char digest[] = "SHA256";
    OSSL_PARAM how[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac, sizeof k->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->secret, iv, encrypt) == 1 &&
           EVP_MAC_CTX_set_params(mac, how) == 1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb asks: -1 error, 0 unknown, 1 fine, 2 fine but renew. */
int tls_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int encrypt)
{
    struct tls_link *l = tls_link_of(ssl);
    struct ticket_key k;
    int place = pick(&l->server->tickets, encrypt ? NULL : name, loop_now_ns(l->conn->loop), &k);
    bool ok;

    if (place == -1)
        return encrypt ? -1 : 0;
    if (encrypt) {
        memcpy(name, k.name, sizeof k.name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
    }
    ok = prepare(&k, iv, cipher, mac, encrypt);
    OPENSSL_cleanse(&k, sizeof k);
    if (!ok)
        return -1;
    return encrypt || place == 0 ? 1 : 2;
}
