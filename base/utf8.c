/* UTF-8 decoding and terminal widths; data/unicode.c does the linguistics. */
#include "base/utf8.h"

#include "base/mem.h"

#include <string.h>

/* Lead bytes by their number of continuation bytes; the smallest code each length may
 * carry refuses overlong forms. */
static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return 2;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        return 3;
    }
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

size_t utf8_decode(Text text, uint32_t *code)
{
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (text.n == 0) {
        return 0;
    }
    const unsigned char *p = (const unsigned char *)text.p;
    size_t n = sequence_length(p[0]);
    if (n == 0 || n > text.n) {
        return 0;
    }
    uint32_t value = n == 1 ? p[0] : p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (p[i] & 0x3Fu);
    }
    if (value < SMALLEST[n] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return 0;
    }
    if (code) {
        *code = value;
    }
    return n;
}

size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

size_t utf8_valid_prefix(Text text)
{
    size_t at = 0;
    while (at < text.n) {
        size_t n = utf8_decode((Text){text.p + at, text.n - at}, NULL);
        if (n == 0) {
            break;
        }
        at += n;
    }
    return at;
}

typedef struct Range {
    uint32_t first, last;
} Range;

/* The blocks that matter for tables of labels and file names, after UAX #11 and the
 * general category Mn. */
static const Range ZERO_WIDTH[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F}, {0x0300, 0x036F}, {0x0483, 0x0489},
    {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064}, {0x20D0, 0x20FF},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
};
static const Range WIDE[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static int in_ranges(uint32_t code, const Range *ranges, size_t n)
{
    for (size_t i = 0; i < n && ranges[i].first <= code; i++) {
        if (code <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

size_t utf8_char_width(uint32_t code)
{
    if (code >= 0x20 && code < 0x7F) {
        return 1;
    }
    if (in_ranges(code, ZERO_WIDTH, sizeof ZERO_WIDTH / sizeof ZERO_WIDTH[0])) {
        return 0;
    }
    return in_ranges(code, WIDE, sizeof WIDE / sizeof WIDE[0]) ? 2 : 1;
}

/* The character at `at`, malformed bytes taken one by one as width 1. */
static size_t step(Text text, size_t at, size_t *width)
{
    uint32_t code;
    size_t n = utf8_decode((Text){text.p + at, text.n - at}, &code);
    *width = n ? utf8_char_width(code) : 1;
    return n ? n : 1;
}

size_t utf8_width(Text text)
{
    size_t total = 0, width;
    for (size_t at = 0; at < text.n; total += width) {
        at += step(text, at, &width);
    }
    return total;
}

size_t utf8_count(Text text)
{
    size_t count = 0, width;
    for (size_t at = 0; at < text.n; count++) {
        at += step(text, at, &width);
    }
    return count;
}

size_t utf8_fit(Text text, size_t limit)
{
    size_t at = 0, total = 0, width;
    while (at < text.n) {
        size_t n = step(text, at, &width);
        if (total + width > limit) {
            break;
        }
        total += width;
        at += n;
    }
    return at;
}

static bool is_shown(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7F && code < 0xA0) &&
           !(code >= 0x202A && code <= 0x202E) && !(code >= 0x2066 && code <= 0x2069);
}

char *utf8_printable(const char *text)
{
    StrBuf out = {0};
    Text rest = text_of(text);
    strbuf_add(&out, "", 0);
    while (rest.n > 0) {
        uint32_t code = 0;
        size_t n = utf8_decode(rest, &code);
        if (n == 0) {
            strbuf_add_char(&out, '?');
        } else if (is_shown(code)) {
            strbuf_add(&out, rest.p, n);
        } else {
            strbuf_add_char(&out, ' ');
        }
        n = n ? n : 1;
        rest = (Text){rest.p + n, rest.n - n};
    }
    return strbuf_take(&out);
}
