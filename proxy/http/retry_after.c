/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retry-After (RFC 9110, 10.2.3) and its finer relative: a number, or a date in one of the three
 * forms of RFC 9110, 5.6.7.
 */
#include "weir/http/head.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal number, perhaps with a fraction, times `scale`; more than fits is the most that fits.
 */
static bool number_parse(struct slice v, uint64_t scale, uint32_t *ms)
{
    uint64_t whole = 0, part = 0, unit = scale;
    size_t i = 0;

    for (; i < v.len && is_digit(v.p[i]); i++)
        if (whole <= UINT32_MAX)
            whole = whole * 10 + (uint64_t)(v.p[i] - '0');
    if (i == 0)
        return false;
    if (i < v.len && v.p[i] == '.')
        for (i++; i < v.len && is_digit(v.p[i]); i++) {
            unit /= 10;
            part += unit * (uint64_t)(v.p[i] - '0');
        }
    if (i < v.len)
        return false;
    whole = whole * scale + part;
    *ms = whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
    return true;
}

/* Reads `n` digits from the front; -1 if there are none such. */
static int digits_take(struct slice *v, size_t n)
{
    int out = 0;

    if (v->len < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(v->p[i]))
            return -1;
        out = out * 10 + (v->p[i] - '0');
    }
    *v = slice_from(*v, n);
    return out;
}

static bool text_take(struct slice *v, struct slice text)
{
    if (!slice_starts(*v, text))
        return false;
    *v = slice_from(*v, text.len);
    return true;
}

/* 1-12, or -1. */
static int month_take(struct slice *v)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int m = 0; m < 12; m++)
        if (text_take(v, slice_of(months + 3 * m, 3)))
            return m + 1;
    return -1;
}

struct date {
    int year, month, day, hour, minute, second;
};

static bool time_take(struct slice *v, struct date *d)
{
    d->hour = digits_take(v, 2);
    if (!text_take(v, SLICE_LIT(":")))
        return false;
    d->minute = digits_take(v, 2);
    if (!text_take(v, SLICE_LIT(":")))
        return false;
    d->second = digits_take(v, 2);
    return true;
}

/* "06 Nov 1994 08:49:37 GMT", behind the comma of IMF-fixdate. */
static bool fixdate_parse(struct slice v, struct date *d)
{
    d->day = digits_take(&v, 2);
    if (!text_take(&v, SLICE_LIT(" ")))
        return false;
    d->month = month_take(&v);
    if (!text_take(&v, SLICE_LIT(" ")))
        return false;
    d->year = digits_take(&v, 4);
    return text_take(&v, SLICE_LIT(" ")) && time_take(&v, d) && slice_eq(v, SLICE_LIT(" GMT"));
}

/* "06-Nov-94 08:49:37 GMT", behind the comma of RFC 850's form; `now_year` settles the century. */
static bool rfc850_parse(struct slice v, int now_year, struct date *d)
{
    d->day = digits_take(&v, 2);
    if (!text_take(&v, SLICE_LIT("-")))
        return false;
    d->month = month_take(&v);
    if (!text_take(&v, SLICE_LIT("-")))
        return false;
    d->year = digits_take(&v, 2);
    if (d->year < 0)
        return false;
    d->year += now_year - now_year % 100;
    if (d->year > now_year + 50)
        d->year -= 100;
    return text_take(&v, SLICE_LIT(" ")) && time_take(&v, d) && slice_eq(v, SLICE_LIT(" GMT"));
}

/* "Nov  6 08:49:37 1994", behind the day's name of asctime's form. */
static bool asctime_parse(struct slice v, struct date *d)
{
    d->month = month_take(&v);
    if (!text_take(&v, SLICE_LIT(" ")))
        return false;
    d->day = text_take(&v, SLICE_LIT(" ")) ? digits_take(&v, 1) : digits_take(&v, 2);
    if (!text_take(&v, SLICE_LIT(" ")) || !time_take(&v, d) || !text_take(&v, SLICE_LIT(" ")))
        return false;
    d->year = digits_take(&v, 4);
    return v.len == 0;
}

static bool in_range(const struct date *d)
{
    return d->year >= 1970 && d->month >= 1 && d->day >= 1 && d->day <= 31 && d->hour >= 0 &&
           d->hour <= 23 && d->minute >= 0 && d->minute <= 59 && d->second >= 0 && d->second <= 60;
}

/* Seconds since 1970; the year is taken to begin in March, so that the leap day is its last. */
static uint64_t date_seconds(const struct date *d)
{
    unsigned year = (unsigned)d->year - (d->month <= 2 ? 1 : 0);
    unsigned month = (unsigned)(d->month + 9) % 12;
    uint64_t days = 365 * (uint64_t)year + year / 4 - year / 100 + year / 400;

    days += (153 * month + 2) / 5 + (unsigned)d->day - 1;
    days -= 719468; /* from 1 March of year 0 to 1 January 1970 */
    return ((days * 24 + (unsigned)d->hour) * 60 + (unsigned)d->minute) * 60 + (unsigned)d->second;
}

static bool date_parse(struct slice v, uint64_t now_s, uint64_t *out)
{
    int now_year = 1970 + (int)(now_s / 31556952);
    const char *comma = v.len == 0 ? NULL : memchr(v.p, ',', v.len);
    struct date d = {-1, -1, -1, -1, -1, -1};
    bool ok = false;

    if (comma != NULL && comma > v.p) {
        v = slice_from(v, (size_t)(comma - v.p) + 1);
        ok = text_take(&v, SLICE_LIT(" ")) &&
             (fixdate_parse(v, &d) || rfc850_parse(v, now_year, &d));
    } else if (v.len > 4 && v.p[3] == ' ') {
        ok = asctime_parse(slice_from(v, 4), &d);
    }
    if (!ok || !in_range(&d))
        return false;
    *out = date_seconds(&d);
    return true;
}

uint32_t response_retry_after_ms(const struct response_head *h, uint64_t wall_now_s)
{
    struct slice after = response_field(h, FIELD_RETRY_AFTER);
    uint64_t when, now = wall_now_s;
    uint32_t ms;

    if (number_parse(response_field(h, FIELD_RETRY_AFTER_MS), 1, &ms) ||
        number_parse(after, 1000, &ms))
        return ms;
    (void)date_parse(response_field(h, FIELD_DATE), wall_now_s, &now);
    if (!date_parse(after, wall_now_s, &when) || when <= now)
        return 0;
    return when - now > UINT32_MAX / 1000 ? UINT32_MAX : (uint32_t)(when - now) * 1000;
}
