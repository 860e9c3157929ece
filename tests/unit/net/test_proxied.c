/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol: each header in every split, and what is none. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "weir/net/proxied.h"

struct good {
    struct slice bytes;
    const char *client; /* NULL: it names none */
};
#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x07\x0a\x00\x00\x01\x1f\x90\x00\x50"
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1f\x90\x00\x50"

static const struct good good[] = {
    {BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n"), "192.0.2.7:8080"},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 0\r\n"), "255.255.255.255:65535"},
    {BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 8080 80\r\n"), "[2001:db8::7]:8080"},
    {BYTES("PROXY UNKNOWN\r\n"), NULL},
    {BYTES("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), NULL},
    {BYTES(SIGNATURE "\x21\x11\x00\x0c" V4), "192.0.2.7:8080"},
    {BYTES(SIGNATURE "\x21\x11\x00\x10" V4 "\x04\x00\x01x"), "192.0.2.7:8080"},
    {BYTES(SIGNATURE "\x21\x21\x00\x24" V6), "[2001:db8::7]:8080"},
    {BYTES(SIGNATURE "\x20\x00\x00\x00"), NULL},
    {BYTES(SIGNATURE "\x20\x11\x00\x0c" V4), NULL}, /* LOCAL: the addresses do not count */
    {BYTES(SIGNATURE "\x21\x00\x00\x04zzzz"), NULL},
};

/* A copy whose end is the end of its memory, so that a sanitizer sees a byte read too far. */
static enum weir_status read_exactly(struct slice in, struct proxied *p, size_t *used)
{
    char *mem = malloc(in.len + 1);
    enum weir_status rc;

    cr_assert_not_null(mem);
    memcpy(mem, in.p, in.len);
    rc = proxied_read(slice_of(mem, in.len), p, used);
    free(mem);
    return rc;
}

Test(proxied, every_header_is_read_in_every_split)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct slice all = good[i].bytes;
        char text[NET_ADDR_TEXT_MAX];
        struct proxied p;
        size_t used = 0;

        for (size_t n = 0; n < all.len; n++)
            cr_assert_eq(read_exactly(slice_of(all.p, n), &p, &used), WEIR_AGAIN, "row %zu at %zu",
                         i, n);
        cr_assert_eq(read_exactly(all, &p, &used), WEIR_OK, "row %zu", i);
        cr_assert_eq(used, all.len);
        cr_assert_eq(p.named, good[i].client != NULL, "row %zu", i);
        if (!p.named)
            continue;
        net_addr_format(&p.client, text);
        cr_assert_str_eq(text, good[i].client);
    }
}

Test(proxied, what_follows_a_header_is_left_alone)
{
    static const struct slice in = BYTES("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n");
    struct proxied p;
    size_t used = 0;

    cr_assert_eq(proxied_read(in, &p, &used), WEIR_OK);
    cr_assert_eq(used, 15);
}

Test(proxied, what_is_no_header_is_refused)
{
    static const struct slice rows[] = {
        BYTES("GET / HTTP/1.1\r\n"),
        BYTES("PROXY  TCP4 192.0.2.7 10.0.0.1 8080 80\r\n"),
        BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\n"),
        BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080\r\n"),
        BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080 80 \r\n"),
        BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080 65536\r\n"),
        BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 08080 80\r\n"),
        BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 -1 80\r\n"),
        BYTES("PROXY TCP4 192.0.2 10.0.0.1 8080 80\r\n"),
        BYTES("PROXY TCP4 2001:db8::7 2001:db8::1 8080 80\r\n"),
        BYTES("PROXY TCP6 192.0.2.7 10.0.0.1 8080 80\r\n"),
        BYTES("PROXY UDP4 192.0.2.7 10.0.0.1 8080 80\r\n"),
        BYTES("PROXY TCP4 name.test 10.0.0.1 8080 80\r\n"),
        BYTES("PROXY \r\n"),
        BYTES("PROXY\r\n"),
        BYTES("proxy UNKNOWN\r\n"),
        BYTES(
            "PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        BYTES(SIGNATURE "\x11\x11\x00\x0c" V4),
        BYTES(SIGNATURE "\x22\x11\x00\x0c" V4),
        BYTES(SIGNATURE "\x21\x12\x00\x0c" V4),
        BYTES(SIGNATURE "\x21\x13\x00\x0c" V4),
        BYTES(SIGNATURE "\x21\x11\x00\x0b" V4),
        BYTES(SIGNATURE "\x21\x21\x00\x0c" V4),
        BYTES(SIGNATURE "\x21\x31\x00\x0c" V4),
        BYTES(SIGNATURE "\x21\x11\x07\xf1" V4),
        BYTES("\r\n\r\n\0\r\nQUIT\r\x21\x11\x00\x0c" V4),
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct proxied p;
        size_t used = 0;

        cr_assert_eq(read_exactly(rows[i], &p, &used), WEIR_BAD, "row %zu", i);
        cr_assert_eq(used, 0);
    }
}

/* --- writing */

struct written {
    int version;
    const char *client, *at; /* client NULL: weir itself */
    struct slice bytes;
};

static const struct written written[] = {
    {1, "192.0.2.7:8080", "10.0.0.1:80", BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n")},
    {1, "[2001:db8::7]:8080", "[2001:db8::1]:80",
     BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 8080 80\r\n")},
    {1, "[::ffff:192.0.2.7]:8080", "[::ffff:10.0.0.1]:80",
     BYTES("PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n")},
    {1, "192.0.2.7:0", "[2001:db8::1]:80", BYTES("PROXY TCP4 192.0.2.7 0.0.0.0 0 80\r\n")},
    {1, "[2001:db8::7]:1", "10.0.0.1:80", BYTES("PROXY TCP6 2001:db8::7 :: 1 80\r\n")},
    {1, "192.0.2.7:1", "unix:/run/weir.sock", BYTES("PROXY TCP4 192.0.2.7 0.0.0.0 1 0\r\n")},
    {1, "unix:/run/client.sock", "unix:/run/weir.sock", BYTES("PROXY UNKNOWN\r\n")},
    {1, NULL, NULL, BYTES("PROXY UNKNOWN\r\n")},
    {2, "192.0.2.7:8080", "10.0.0.1:80", BYTES(SIGNATURE "\x21\x11\x00\x0c" V4)},
    {2, "[2001:db8::7]:8080", "[2001:db8::1]:80", BYTES(SIGNATURE "\x21\x21\x00\x24" V6)},
    {2, "unix:/run/client.sock", "10.0.0.1:80", BYTES(SIGNATURE "\x20\x00\x00\x00")},
    {2, NULL, NULL, BYTES(SIGNATURE "\x20\x00\x00\x00")},
};

static struct net_addr *parsed(const char *text, struct net_addr *a)
{
    if (text == NULL)
        return NULL;
    cr_assert_eq(net_addr_parse(slice_str(text), a), WEIR_OK, "%s", text);
    return a;
}

Test(proxied, a_header_is_written_as_the_specification_has_it)
{
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const struct written *w = &written[i];
        struct net_addr client, at;
        char mem[PROXIED_WRITTEN_MAX];
        size_t n = proxied_write(w->version, parsed(w->client, &client), parsed(w->at, &at), mem);

        cr_assert(slice_eq(slice_of(mem, n), w->bytes), "row %zu: %.*s", i, (int)n, mem);
    }
}

Test(proxied, what_is_written_is_read)
{
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const struct written *w = &written[i];
        struct net_addr client;
        struct proxied p;
        size_t used = 0;

        cr_assert_eq(read_exactly(w->bytes, &p, &used), WEIR_OK, "row %zu", i);
        cr_assert_eq(used, w->bytes.len);
        if (!p.named) {
            cr_assert(w->client == NULL || strncmp(w->client, "unix", 4) == 0, "row %zu", i);
            continue;
        }
        net_addr_unmap(parsed(w->client, &client));
        cr_assert(net_addr_equal(&p.client, &client), "row %zu", i);
    }
}

Test(proxied, the_longest_header_fits)
{
    struct net_addr a;
    char mem[PROXIED_WRITTEN_MAX];

    parsed("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", &a);
    cr_assert_eq(proxied_write(1, &a, &a, mem), 104); /* the 107 of 2.1 count three blanks more */
}
