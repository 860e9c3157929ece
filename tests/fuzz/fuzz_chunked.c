/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked coding.  Any split gives the same data, the same end and the same verdict; and a
 * plain decoder, which sees all of the input at once, agrees with what was accepted.
 */
#include "fuzz.h"
#include "weir/http/chunked.h"

enum { DATA = 1 << 16 };

struct decoded {
    char data[DATA];
    size_t n, used;
    enum parse rc;
};

static void feed(struct chunked *c, struct slice in, struct decoded *d)
{
    struct slice data;
    size_t used;

    while (in.len > 0 && d->rc == PARSE_MORE) {
        d->rc = chunked_next(c, in, &used, &data);
        WEIR_ASSERT(used <= in.len && (used > 0 || d->rc == PARSE_BAD));
        WEIR_ASSERT(fuzz_inside(data, slice_of(in.p, used)) && d->n + data.len <= DATA);
        WEIR_ASSERT(d->rc == PARSE_MORE || data.len == 0);
        if (data.len > 0)
            memcpy(d->data + d->n, data.p, data.len);
        d->n += data.len;
        d->used += used;
        in = slice_from(in, used);
    }
}

static void in_pieces(struct slice in, uint32_t seed, struct decoded *d)
{
    struct chunked c;

    d->n = d->used = 0;
    d->rc = PARSE_MORE;
    chunked_init(&c);
    if (seed == 0)
        feed(&c, in, d);
    while (seed != 0 && in.len > 0)
        feed(&c, fuzz_piece(&in, &seed), d);
}

static int hex(char c)
{
    const char *digits = "0123456789abcdefABCDEF", *at = c == '\0' ? NULL : strchr(digits, c);

    if (at == NULL)
        return -1;
    return at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* The same, written as simply as can be, of input known to be accepted. */
static void check_plain(struct slice in, const struct decoded *d)
{
    size_t at = 0, n = 0, size = 1;

    while (size > 0) {
        for (size = 0; hex(in.p[at]) >= 0; at++)
            size = size * 16 + (size_t)hex(in.p[at]);
        while (in.p[at] != '\n')
            at++;
        at++;
        WEIR_ASSERT(size <= in.len - at && memcmp(d->data + n, in.p + at, size) == 0);
        n += size;
        at += size;
        if (size > 0) {
            WEIR_ASSERT(in.p[at] == '\r' && in.p[at + 1] == '\n');
            at += 2;
        }
    }
    WEIR_ASSERT(n == d->n && at <= d->used);
    WEIR_ASSERT(memcmp(in.p + d->used - 4, "\r\n\r\n", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoded whole, part;
    struct slice in = slice_of(data, size);
    uint32_t seed = fuzz_seed(in) | 1;

    if (size > DATA)
        return 0;
    in_pieces(in, 0, &whole);
    in_pieces(in, seed, &part);
    WEIR_ASSERT(part.rc == whole.rc && part.used == whole.used && part.n == whole.n);
    WEIR_ASSERT(memcmp(part.data, whole.data, whole.n) == 0);
    if (whole.rc == PARSE_DONE)
        check_plain(in, &whole);
    return 0;
}
