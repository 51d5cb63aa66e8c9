/* Unicode through utf8proc. */
#include "data/unicode.h"

#include "base/mem.h"
#include "base/status.h"

#include <stdlib.h>
#include <utf8proc.h>

static bool is_space(uint32_t code, utf8proc_category_t category)
{
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP || (code >= 0x09 && code <= 0x0D) ||
           (code >= 0x1C && code <= 0x1F) || code == 0x85;
}

CharKind unicode_kind(uint32_t code)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return CHAR_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return CHAR_DIGIT;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return CHAR_MARK;
    default:
        return is_space(code, category) ? CHAR_SPACE : CHAR_OTHER;
    }
}

size_t unicode_decompose(uint32_t code, uint32_t out[DECOMPOSED_MAX])
{
    utf8proc_int32_t codes[DECOMPOSED_MAX];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        (utf8proc_int32_t)code, codes, DECOMPOSED_MAX, UTF8PROC_DECOMPOSE, &boundary);
    CHECK(n > 0 && n <= DECOMPOSED_MAX);
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        out[i] = (uint32_t)codes[i];
    }
    return (size_t)n;
}

int unicode_combining_class(uint32_t code)
{
    return utf8proc_get_property((utf8proc_int32_t)code)->combining_class;
}

uint32_t unicode_lower(uint32_t code)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
}

bool unicode_is_accent(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code) == UTF8PROC_CATEGORY_MN;
}

/* Appends the text as mapped by these options; `strip` leaves accents out in between. */
static bool map(Text text, utf8proc_option_t options, bool strip, StrBuf *out)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.p;
    utf8proc_ssize_t n =
        utf8proc_decompose(bytes, (utf8proc_ssize_t)text.n, NULL, 0, options);
    if (n < 0) {
        return false;
    }
    /* reencode turns the numbers into bytes in place, which needs one more for the end.
     */
    utf8proc_int32_t *codes = mem_alloc((size_t)n + 1, sizeof *codes);
    utf8proc_decompose(bytes, (utf8proc_ssize_t)text.n, codes, n, options);
    utf8proc_ssize_t kept = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        if (!strip || !unicode_is_accent((uint32_t)codes[i])) {
            codes[kept++] = codes[i];
        }
    }
    n = utf8proc_reencode(codes, kept, options);
    if (n > 0) {
        strbuf_add(out, codes, (size_t)n);
    }
    free(codes);
    return true;
}

bool unicode_compose(Text text, bool compat, bool strip, StrBuf *out)
{
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    return map(text, compat ? options | UTF8PROC_COMPAT : options, strip, out);
}

bool unicode_fold(Text text, StrBuf *out)
{
    return map(text,
               UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STABLE,
               false, out);
}
