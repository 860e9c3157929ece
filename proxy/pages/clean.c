/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of others made fit for answers: request ids (a trusted client may have chosen them),
 * operators' texts, dates.
 */
#include "pages_priv.h"

#include "weir/base/clock.h"

struct slice clean_id(const char *id, char out[CLEAN_ID_MAX])
{
    size_t n = strnlen(id, CLEAN_ID_MAX - 1);

    memcpy(out, id, n);
    for (size_t i = 0; i < n; i++) {
        if (out[i] <= ' ' || out[i] >= 0x7f) /* chars above 0x7f are negative, or caught here */
            out[i] = '_';
    }
    out[n] = '\0';
    return slice_of(out, n);
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

struct slice clean_text(const char *text, char out[CLEAN_TEXT_MAX])
{
    size_t n = 0;

    if (text == NULL)
        return SLICE_NONE;
    for (; n < CLEAN_TEXT_MAX - 1 && text[n] != '\0'; n++) {
        unsigned char c = (unsigned char)text[n];
        out[n] = c < ' ' || c == 0x7f ? ' ' : text[n];
    }
    if (text[n] != '\0') { /* cut: not inside a character */
        while (n > 0 && is_continuation(text[n]))
            n--;
    }
    out[n] = '\0';
    return slice_trim(slice_of(out, n));
}

/* Days since 1970 to a date of the Gregorian calendar, by 400-year eras that begin in March. */
struct civil {
    int year;
    unsigned month, day; /* 1.. */
};

static struct civil civil_from_days(uint64_t days)
{
    uint64_t z = days + 719468; /* from 0000-03-01 */
    uint64_t era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153;
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){.year = (int)(yoe + era * 400 + (month <= 2)),
                          .month = month,
                          .day = (unsigned)(doy - (153 * mp + 2) / 5 + 1)};
}

static void put_two(struct text *t, unsigned n)
{
    char digits[2] = {(char)('0' + n / 10 % 10), (char)('0' + n % 10)};

    text_put(t, slice_of(digits, 2));
}

static void put_clock(struct text *t, unsigned second_of_day)
{
    put_two(t, second_of_day / 3600);
    text_char(t, ':');
    put_two(t, second_of_day / 60 % 60);
    text_char(t, ':');
    put_two(t, second_of_day % 60);
}

void http_date_put(struct text *t, uint64_t wall_ns)
{
    static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t s = wall_ns / NS_PER_S, days = s / 86400;
    struct civil d = civil_from_days(days);

    text_put(t, slice_of(day_names + 3 * (days % 7), 3));
    text_str(t, ", ");
    put_two(t, d.day);
    text_char(t, ' ');
    text_put(t, slice_of(month_names + (size_t)3 * (d.month - 1), 3));
    text_char(t, ' ');
    text_u64(t, (uint64_t)d.year);
    text_char(t, ' ');
    put_clock(t, (unsigned)(s % 86400));
    text_str(t, " GMT");
}

void minute_put(struct text *t, uint64_t wall_ns)
{
    uint64_t s = wall_ns / NS_PER_S;
    struct civil d = civil_from_days(s / 86400);

    text_u64(t, (uint64_t)d.year);
    text_char(t, '-');
    put_two(t, d.month);
    text_char(t, '-');
    put_two(t, d.day);
    text_char(t, ' ');
    put_two(t, (unsigned)(s % 86400 / 3600));
    text_char(t, ':');
    put_two(t, (unsigned)(s % 3600 / 60));
    text_str(t, " UTC");
}
