/* One pass over the text each. */
#include "data/clean_steps.h"

#include "base/utf8.h"
#include "data/unicode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One character: its number, 0xFFFD for a byte that is no UTF-8, and its length. */
static uint32_t next_code(Text text, size_t at, size_t *n)
{
    unsigned char c = (unsigned char)text.p[at];
    *n = 1;
    if (c < 0x80) {
        return c;
    }
    uint32_t code = 0xFFFD;
    size_t length = utf8_decode((Text){text.p + at, text.n - at}, &code);
    *n = length ? length : 1;
    return length ? code : 0xFFFD;
}

static bool is_space(uint32_t code)
{
    return unicode_kind(code) == CHAR_SPACE;
}

static bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

void clean_step_lowercase(Text text, StrBuf *out)
{
    strbuf_clear(out);
    for (size_t at = 0, n; at < text.n; at += n) {
        uint32_t code = next_code(text, at, &n);
        char bytes[4];
        if (code < 0x80) {
            strbuf_add_char(out,
                            code >= 'A' && code <= 'Z' ? (char)(code + 32) : (char)code);
        } else if (n == 1) {
            strbuf_add(out, text.p + at, 1);
        } else {
            strbuf_add(out, bytes, utf8_encode(unicode_lower(code), bytes));
        }
    }
}

static void compose(Text text, bool compat, bool strip, StrBuf *out)
{
    strbuf_clear(out);
    if (!unicode_compose(text, compat, strip, out)) {
        strbuf_add(out, text.p, text.n);
    }
}

void clean_step_strip_accents(Text text, StrBuf *out)
{
    compose(text, false, true, out);
}

void clean_step_nfc(Text text, StrBuf *out)
{
    compose(text, false, false, out);
}

void clean_step_nfkc(Text text, StrBuf *out)
{
    compose(text, true, false, out);
}

/* Length of `prefix` when the text goes on with it at `at`, in any case; else 0. */
static size_t starts_with(Text text, size_t at, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.n - at >= n && strncasecmp(text.p + at, prefix, n) == 0 ? n : 0;
}

static bool in_word(uint32_t code)
{
    CharKind kind = unicode_kind(code);
    return kind == CHAR_LETTER || kind == CHAR_DIGIT || kind == CHAR_MARK || code == '_';
}

/* Does no word go on across `at`? */
static bool begins_word(Text text, size_t at)
{
    size_t before = at, n;
    while (before > 0 && at - before < 4) {
        before--;
        if (((unsigned char)text.p[before] & 0xC0) != 0x80) {
            break;
        }
    }
    return at == 0 || !in_word(next_code(text, before, &n));
}

static bool ends_word(Text text, size_t at)
{
    size_t n;
    return at == text.n || !in_word(next_code(text, at, &n));
}

static size_t to_next_space(Text text, size_t at)
{
    for (size_t n; at < text.n; at += n) {
        if (is_space(next_code(text, at, &n))) {
            break;
        }
    }
    return at;
}

void clean_step_urls(Text text, StrBuf *out)
{
    strbuf_clear(out);
    for (size_t at = 0; at < text.n;) {
        bool url = begins_word(text, at) &&
                   (starts_with(text, at, "http://") ||
                    starts_with(text, at, "https://") || starts_with(text, at, "www."));
        if (url) {
            strbuf_add_char(out, ' ');
            at = to_next_space(text, at);
        } else {
            strbuf_add_char(out, text.p[at++]);
        }
    }
}

static bool in_address(char c)
{
    return is_ascii_letter(c) || is_ascii_digit(c) || (c && strchr("._%+-", c));
}

static bool in_domain(char c)
{
    return is_ascii_letter(c) || is_ascii_digit(c) || c == '-';
}

/* Length of "example.org" behind an '@': labels with dots between, at least two. */
static size_t domain_length(Text text, size_t at)
{
    size_t end = at, labels = 0;
    for (;;) {
        size_t from = end;
        while (end < text.n && in_domain(text.p[end])) {
            end++;
        }
        if (end == from) {
            return labels >= 2 ? from - 1 - at : 0;
        }
        labels++;
        if (end == text.n || text.p[end] != '.') {
            return labels >= 2 ? end - at : 0;
        }
        end++;
    }
}

/* Goes from '@' to '@'; what stands before one was written already and is taken back. */
void clean_step_emails(Text text, StrBuf *out)
{
    strbuf_clear(out);
    size_t kept = 0; /* of `out`: not to be taken back */
    for (size_t at = 0; at < text.n;) {
        size_t n = text.p[at] == '@' ? domain_length(text, at + 1) : 0;
        size_t from = out->n;
        while (n > 0 && from > kept && in_address(out->p[from - 1])) {
            from--;
        }
        if (n > 0 && from < out->n) {
            out->n = from;
            strbuf_add_char(out, ' ');
            kept = out->n;
            at += 1 + n;
        } else {
            strbuf_add_char(out, text.p[at++]);
        }
    }
}

static size_t number_length(Text text, size_t at)
{
    size_t end = at;
    for (;;) {
        while (end < text.n && is_ascii_digit(text.p[end])) {
            end++;
        }
        bool goes_on = end + 1 < text.n && (text.p[end] == '.' || text.p[end] == ',') &&
                       is_ascii_digit(text.p[end + 1]);
        if (!goes_on) {
            return end - at;
        }
        end++;
    }
}

void clean_step_numbers(Text text, StrBuf *out)
{
    strbuf_clear(out);
    for (size_t at = 0; at < text.n;) {
        size_t n = is_ascii_digit(text.p[at]) ? number_length(text, at) : 0;
        if (n > 0 && begins_word(text, at) && ends_word(text, at + n)) {
            strbuf_add_char(out, ' ');
            at += n;
        } else {
            n = n ? n : 1;
            strbuf_add(out, text.p + at, n);
            at += n;
        }
    }
}

/* ---- html ---- */

/* What of a text may still end: else every beginning would search all of the rest. */
typedef struct TagEnds {
    bool tags, comments;
} TagEnds;

/* Length of a tag or comment at '<'; 0 when it is none or does not end. */
static size_t tag_length(Text text, size_t at, TagEnds *ends)
{
    Text rest = {text.p + at, text.n - at};
    if (ends->comments && rest.n >= 4 && memcmp(rest.p, "<!--", 4) == 0) {
        const char *end = memmem(rest.p + 4, rest.n - 4, "-->", 3);
        if (end) {
            return (size_t)(end + 3 - rest.p);
        }
        ends->comments = false;
    }
    bool opens = rest.n >= 2 && rest.p[1] &&
                 (is_ascii_letter(rest.p[1]) || strchr("/!?", rest.p[1]));
    const char *end = opens && ends->tags ? memchr(rest.p, '>', rest.n) : NULL;
    ends->tags = ends->tags && (!opens || end);
    return end ? (size_t)(end + 1 - rest.p) : 0;
}

/* "&#233;" or "&#xe9;": its number, and its length in *n; 0 when it is none. */
static uint32_t numbered_entity(Text rest, size_t *n)
{
    bool hex = rest.n > 3 && (rest.p[2] == 'x' || rest.p[2] == 'X');
    uint32_t code = 0;
    size_t at = hex ? 3 : 2, digits = 0;
    for (; at < rest.n && digits < 8; at++, digits++) {
        char c = rest.p[at];
        int digit = is_ascii_digit(c)                           ? c - '0'
                    : hex && (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                : -1;
        if (digit < 0) {
            break;
        }
        code = code * (hex ? 16 : 10) + (uint32_t)digit;
    }
    bool ends = digits > 0 && at < rest.n && rest.p[at] == ';';
    bool valid = code > 0 && code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
    *n = at + 1;
    return ends && valid ? code : 0;
}

static uint32_t entity(Text rest, size_t *n)
{
    static const struct {
        const char *name;
        uint32_t code;
    } NAMED[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
                 {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", 0xA0}};
    if (rest.n > 2 && rest.p[1] == '#') {
        return numbered_entity(rest, n);
    }
    for (size_t i = 0; i < sizeof NAMED / sizeof NAMED[0]; i++) {
        *n = strlen(NAMED[i].name);
        if (rest.n >= *n && memcmp(rest.p, NAMED[i].name, *n) == 0) {
            return NAMED[i].code;
        }
    }
    return 0;
}

void clean_step_html(Text text, StrBuf *out)
{
    strbuf_clear(out);
    TagEnds ends = {true, true};
    for (size_t at = 0; at < text.n;) {
        size_t n = 0;
        uint32_t code = 0;
        if (text.p[at] == '<') {
            n = tag_length(text, at, &ends);
            code = ' ';
        } else if (text.p[at] == '&') {
            code = entity((Text){text.p + at, text.n - at}, &n);
            n = code ? n : 0;
        }
        if (n > 0) {
            char bytes[4];
            strbuf_add(out, bytes, utf8_encode(code, bytes));
            at += n;
        } else {
            strbuf_add_char(out, text.p[at++]);
        }
    }
}

/* ---- characters by their kind ---- */

void clean_step_punctuation(Text text, StrBuf *out)
{
    strbuf_clear(out);
    for (size_t at = 0, n; at < text.n; at += n) {
        if (unicode_kind(next_code(text, at, &n)) == CHAR_OTHER) {
            strbuf_add_char(out, ' ');
        } else {
            strbuf_add(out, text.p + at, n);
        }
    }
}

void clean_step_whitespace(Text text, StrBuf *out)
{
    strbuf_clear(out);
    bool space = false;
    for (size_t at = 0, n; at < text.n; at += n) {
        if (is_space(next_code(text, at, &n))) {
            space = true;
            continue;
        }
        if (space && out->n > 0) {
            strbuf_add_char(out, ' ');
        }
        space = false;
        strbuf_add(out, text.p + at, n);
    }
}

/* ---- stop words ---- */

/* Where the word at `at` ends; `at` itself when there is none. */
static size_t word_end(Text text, size_t at)
{
    size_t n, end = at;
    while (end < text.n) {
        uint32_t code = next_code(text, end, &n);
        if (!in_word(code)) {
            size_t more;
            bool inside = code == '\'' && end > at && end + n < text.n &&
                          in_word(next_code(text, end + n, &more));
            if (!inside) {
                break;
            }
        }
        end += n;
    }
    return end;
}

void clean_step_stopwords(const Lexicon *words, Text text, StrBuf *out)
{
    StrBuf lower = {0};
    strbuf_clear(out);
    for (size_t at = 0, n; at < text.n;) {
        size_t end = word_end(text, at);
        if (end > at) {
            clean_step_lowercase((Text){text.p + at, end - at}, &lower);
            if (lexicon_find(words, (Text){lower.p, lower.n}) == WORD_ABSENT) {
                strbuf_add(out, text.p + at, end - at);
            }
            at = end;
        } else {
            next_code(text, at, &n);
            strbuf_add(out, text.p + at, n);
            at += n;
        }
    }
    strbuf_free(&lower);
}
