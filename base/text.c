/* Text views, growing strings, and reading and writing numbers. */
#include "base/text.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Text text_of(const char *c_string)
{
    return (Text){c_string, c_string ? strlen(c_string) : 0};
}

bool text_equal(Text a, Text b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool text_is(Text a, const char *c_string)
{
    return text_equal(a, text_of(c_string));
}

int text_compare(Text a, Text b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0) {
        return order;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

void strbuf_free(StrBuf *buf)
{
    free(buf->p);
    *buf = (StrBuf){0};
}

void strbuf_clear(StrBuf *buf)
{
    buf->n = 0;
    if (buf->p) {
        buf->p[0] = '\0';
    }
}

void strbuf_add(StrBuf *buf, const void *bytes, size_t n)
{
    buf->p = mem_grow(buf->p, &buf->cap, buf->n + n + 1, 1);
    if (n > 0) {
        memcpy(buf->p + buf->n, bytes, n);
    }
    buf->n += n;
    buf->p[buf->n] = '\0';
}

void strbuf_add_text(StrBuf *buf, const char *c_string)
{
    strbuf_add(buf, c_string, strlen(c_string));
}

void strbuf_add_char(StrBuf *buf, char c)
{
    strbuf_add(buf, &c, 1);
}

void strbuf_printf(StrBuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        buf->p = mem_grow(buf->p, &buf->cap, buf->n + (size_t)n + 1, 1);
        vsnprintf(buf->p + buf->n, (size_t)n + 1, format, again);
        buf->n += (size_t)n;
    }
    va_end(again);
}

char *strbuf_take(StrBuf *buf)
{
    char *p = buf->p ? buf->p : mem_strdup("");
    *buf = (StrBuf){0};
    return p;
}

void strlist_free(StrList *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (StrList){0};
}

void strlist_add(StrList *list, const char *text)
{
    strlist_add_take(list, mem_strdup(text));
}

void strlist_add_take(StrList *list, char *text)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = text;
}

bool strlist_has(const StrList *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

char *strlist_join(const StrList *list, const char *separator)
{
    StrBuf buf = {0};
    for (size_t i = 0; i < list->n; i++) {
        strbuf_printf(&buf, "%s%s", i ? separator : "", list->items[i]);
    }
    return strbuf_take(&buf);
}

enum { NEAREST_CAP = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: insertion, deletion, substitution, and swapping two
 * neighbours each cost one. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NEAREST_CAP + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++) {
        above[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            size_t best = smaller(change, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = smaller(best, before[j - 2] + 1);
            }
            row[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[nb];
}

const char *text_nearest(const char *word, const char *const *words, size_t n_words)
{
    size_t n = strlen(word);
    if (n == 0 || n > NEAREST_CAP) {
        return NULL;
    }
    const char *best = NULL;
    size_t best_distance = n / 3 + 2;
    for (size_t i = 0; i < n_words; i++) {
        size_t m = strlen(words[i]);
        if (m > NEAREST_CAP) {
            continue;
        }
        size_t distance = edit_distance(word, n, words[i], m);
        if (distance < best_distance) {
            best_distance = distance;
            best = words[i];
        }
    }
    return best;
}

bool text_to_double(const char *text, double *out)
{
    if (!text || !*text || isspace((unsigned char)*text)) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if (!strchr("+-.0123456789eE", *p)) {
            return false;
        }
    }
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (*end || !isfinite(value) || (errno == ERANGE && fabs(value) > 1)) {
        return false;
    }
    *out = value;
    return true;
}

static bool unit_factor(const char *unit, double *factor)
{
    static const struct {
        const char *name;
        double factor;
    } UNITS[] = {
        {"", 1},         {"k", 1e3},      {"K", 1e3},      {"m", 1e6},  {"M", 1e6},
        {"G", 1e9},      {"kB", 1e3},     {"MB", 1e6},     {"GB", 1e9}, {"KiB", 0x1p10},
        {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
    };
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (strcmp(unit, UNITS[i].name) == 0) {
            *factor = UNITS[i].factor;
            return true;
        }
    }
    return false;
}

bool text_to_int(const char *text, long long *out)
{
    if (!text || !*text || isspace((unsigned char)*text)) {
        return false;
    }
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    if (end != text && !*end) {
        if (errno == ERANGE) {
            return false;
        }
        *out = whole;
        return true;
    }
    if (!strchr("+-.0123456789", *text)) {
        return false;
    }
    double factor;
    double value = strtod(text, &end);
    if (end == text || !unit_factor(end, &factor)) {
        return false;
    }
    value *= factor;
    if (!(fabs(value) < 0x1p53) || value != floor(value)) {
        return false;
    }
    *out = (long long)value;
    return true;
}

/* The digits that count in "-0.00123e+05": 123. */
static int significant_digits(const char *text)
{
    int n = 0, zeros = 0;
    for (const char *p = text; *p && *p != 'e'; p++) {
        if (*p < '0' || *p > '9') {
            continue;
        }
        zeros = *p == '0' ? zeros + 1 : 0;
        n += n > 0 || *p != '0';
    }
    return n > zeros ? n - zeros : 1;
}

/* Two decimals of up to 15 digits never read back as the same double, so that 15 digits
 * show whether fewer would do; their number decides how %g writes the exponent, but for a
 * text with a point and none. */
static bool from_few_digits(double value, char out[32])
{
    snprintf(out, 32, "%.15g", value);
    if (fabs(value) < DBL_MIN || strtod(out, NULL) != value) {
        return false;
    }
    if (!strchr(out, '.') || strchr(out, 'e')) {
        snprintf(out, 32, "%.*g", significant_digits(out), value);
    }
    return true;
}

void text_from_double(double value, char out[32])
{
    if (isnan(value)) {
        strcpy(out, "NaN");
        return;
    }
    if (isinf(value)) {
        strcpy(out, value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    if (from_few_digits(value, out)) {
        return;
    }
    int first = fabs(value) < DBL_MIN ? 1 : 16;
    for (int digits = first; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            return;
        }
    }
}
