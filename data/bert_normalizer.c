/* The normalizer's steps, each a pass over the characters.
 *
 * Offsets follow the library's bookkeeping: a step replaces characters one for one, in
 * order, so after sorting accents the k-th character still has the k-th one's place; what
 * a step adds has the place of the character before it. */
#include "data/bert_normalizer.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/ascii.h"
#include "data/bert_tables.h"
#include "data/unicode.h"

#include <stdlib.h>
#include <string.h>

void normal_text_free(NormalText *text)
{
    free(text->chars);
    free(text->scratch);
    *text = (NormalText){0};
}

/* ---- what characters are ---- */

static bool in_ranges(const CodeRange *ranges, size_t n, uint32_t code)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].to) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < n && code >= ranges[low].from;
}

/* Unicode's property White_Space. */
static bool is_space(uint32_t code)
{
    return code == ' ' || (code >= 0x09 && code <= 0x0D) || code == 0x85 ||
           code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
           code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000;
}

static bool is_removed(uint32_t code)
{
    if (code < 0x80) {
        return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
               code == 0x7F;
    }
    return in_ranges(bert_removed, n_bert_removed, code);
}

/* The blocks that the library names; it leaves out U+2B820 to U+2B91F. */
static bool is_chinese(uint32_t code)
{
    static const CodeRange BLOCKS[] = {
        {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
        {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
    };
    return code >= 0x3400 && in_ranges(BLOCKS, sizeof BLOCKS / sizeof BLOCKS[0], code);
}

static bool is_punctuation(uint32_t code)
{
    if (code < 0x80) {
        return ascii_class((unsigned char)code) == ASCII_PUNCT;
    }
    return in_ranges(bert_punctuation, n_bert_punctuation, code);
}

static bool is_accent(uint32_t code)
{
    return code >= 0x300 && in_ranges(bert_marks, n_bert_marks, code);
}

static int combining_class(uint32_t code)
{
    return code < 0x300 || in_ranges(bert_unordered, n_bert_unordered, code)
               ? 0
               : unicode_combining_class(code);
}

static uint32_t lower_of(uint32_t code)
{
    size_t low = 0, high = n_bert_lower;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > bert_lower[middle].to) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < n_bert_lower && code >= bert_lower[low].from &&
        (code - bert_lower[low].from) % bert_lower[low].step == 0) {
        return (uint32_t)((int64_t)code + bert_lower[low].delta);
    }
    return code;
}

/* ---- steps ---- */

static void decode(Text text, uint32_t base, NormalText *out)
{
    out->chars = mem_grow(out->chars, &out->cap, text.n + 1, sizeof *out->chars);
    size_t n = 0;
    for (size_t at = 0, size; at < text.n; at += size) {
        uint32_t code = 0xFFFD;
        size = utf8_decode((Text){text.p + at, text.n - at}, &code);
        if (size == 0) {
            size = 1;
            code = 0xFFFD;
        }
        out->chars[n++] =
            (NormalChar){code, base + (uint32_t)at, base + (uint32_t)(at + size)};
    }
    out->n = n;
}

static void clean(NormalText *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        NormalChar c = text->chars[i];
        if (c.code == 0xFFFD || is_removed(c.code)) {
            continue;
        }
        c.code = is_space(c.code) ? ' ' : c.code;
        text->chars[n++] = c;
    }
    text->n = n;
}

/* The step's result is in `scratch`: it becomes the text. */
static void take_scratch(NormalText *text, size_t n)
{
    NormalChar *chars = text->chars;
    size_t cap = text->cap;
    text->chars = text->scratch;
    text->cap = text->scratch_cap;
    text->n = n;
    text->scratch = chars;
    text->scratch_cap = cap;
}

static NormalChar *scratch_for(NormalText *text, size_t n)
{
    text->scratch =
        mem_grow(text->scratch, &text->scratch_cap, n + 1, sizeof *text->scratch);
    return text->scratch;
}

static void space_chinese(NormalText *text)
{
    NormalChar *to = scratch_for(text, 3 * text->n);
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        NormalChar c = text->chars[i];
        bool chinese = is_chinese(c.code);
        if (chinese) {
            to[n++] = (NormalChar){' ', c.begin, c.end};
        }
        to[n++] = c;
        if (chinese) {
            to[n++] = (NormalChar){' ', c.begin, c.end};
        }
    }
    take_scratch(text, n);
}

/* A decomposed character: whether it takes the place of one of the text, or was added. */
typedef struct Decomposed {
    uint32_t code;
    int class;
    bool added;
} Decomposed;

/* Insertion sort by class, stable: sequences are a few marks long, but one of a million
 * must not take a day, so long ones are merged. */
static void sort_marks(Decomposed *marks, size_t n, Decomposed *scratch)
{
    if (n > 32) {
        size_t half = n / 2, i = 0, j = half, k = 0;
        sort_marks(marks, half, scratch);
        sort_marks(marks + half, n - half, scratch);
        while (i < half || j < n) {
            bool left = j == n || (i < half && marks[i].class <= marks[j].class);
            scratch[k++] = left ? marks[i++] : marks[j++];
        }
        memcpy(marks, scratch, n * sizeof *marks);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        Decomposed mark = marks[i];
        size_t j = i;
        for (; j > 0 && marks[j - 1].class > mark.class; j--) {
            marks[j] = marks[j - 1];
        }
        marks[j] = mark;
    }
}

static size_t decompose(const NormalText *text, Decomposed *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        uint32_t code = text->chars[i].code, codes[DECOMPOSED_MAX] = {code};
        size_t some = 1;
        if (code >= 0xC0 && !in_ranges(bert_whole, n_bert_whole, code)) {
            some = unicode_decompose(code, codes);
        }
        for (size_t j = 0; j < some; j++) {
            out[n++] = (Decomposed){codes[j], combining_class(codes[j]), j > 0};
        }
    }
    return n;
}

/* Sorts each run of marks by class. */
static void order_marks(Decomposed *chars, size_t n)
{
    Decomposed *scratch = NULL;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && chars[end].class != 0) {
            end++;
        }
        if (end - i > 32 && !scratch) {
            scratch = mem_alloc(n, sizeof *scratch);
        }
        sort_marks(chars + i, end - i, scratch);
        i = end + 1;
    }
    free(scratch);
}

static void strip_accents(NormalText *text)
{
    Decomposed *chars = mem_alloc(4 * text->n + 4, sizeof *chars);
    size_t n = decompose(text, chars), kept = 0, next = 0;
    order_marks(chars, n);
    NormalChar *to = scratch_for(text, n);
    for (size_t i = 0; i < n; i++) {
        NormalChar place = {0};
        if (!chars[i].added) {
            place = text->chars[next++];
        } else if (next > 0) {
            place = text->chars[next - 1];
        }
        if (!is_accent(chars[i].code)) {
            place.code = chars[i].code;
            to[kept++] = place;
        }
    }
    free(chars);
    take_scratch(text, kept);
}

static void lowercase(NormalText *text)
{
    enum { LONG_I = 0x130, DOT_ABOVE = 0x307 };
    NormalChar *to = scratch_for(text, 2 * text->n);
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        NormalChar c = text->chars[i];
        if (c.code < 0x80) {
            c.code = c.code >= 'A' && c.code <= 'Z' ? c.code + 32 : c.code;
        } else if (c.code == LONG_I) {
            c.code = 'i';
            to[n++] = c;
            c.code = DOT_ABOVE;
        } else {
            c.code = lower_of(c.code);
        }
        to[n++] = c;
    }
    take_scratch(text, n);
}

void bert_normalize(const BertNormalizer *normalizer, Text text, uint32_t base,
                    NormalText *out)
{
    decode(text, base, out);
    if (normalizer->clean_text) {
        clean(out);
    }
    if (normalizer->cjk_spacing) {
        space_chinese(out);
    }
    if (normalizer->strip_accents) {
        strip_accents(out);
    }
    if (normalizer->lowercase) {
        lowercase(out);
    }
}

/* ---- words ---- */

bool bert_next_word(const NormalText *text, size_t *at, size_t *first, size_t *n)
{
    size_t i = *at;
    while (i < text->n && is_space(text->chars[i].code)) {
        i++;
    }
    *first = i;
    if (i < text->n && is_punctuation(text->chars[i].code)) {
        i++;
    } else {
        while (i < text->n && !is_space(text->chars[i].code) &&
               !is_punctuation(text->chars[i].code)) {
            i++;
        }
    }
    *n = i - *first;
    *at = i;
    return *n > 0;
}

static void add_space(StrBuf *out)
{
    if (out->n > 0) {
        strbuf_add_char(out, ' ');
    }
}

/* Everything but ASCII letters, digits, punctuation and spaces. */
static void add_normalized(const BertNormalizer *normalizer, Text text,
                           NormalText *scratch, StrBuf *out)
{
    bert_normalize(normalizer, text, 0, scratch);
    size_t at = 0, first, n;
    while (bert_next_word(scratch, &at, &first, &n)) {
        add_space(out);
        for (size_t i = 0; i < n; i++) {
            char bytes[4];
            strbuf_add(out, bytes, utf8_encode(scratch->chars[first + i].code, bytes));
        }
    }
}

/* Length of the piece at the front that can be normalised by itself: up to the next ASCII
 * space or punctuation character, across which nothing is ever combined. */
static size_t piece_length(Text text)
{
    size_t n = 0;
    while (n < text.n) {
        AsciiClass class = ascii_class((unsigned char)text.p[n]);
        if (class == ASCII_SPACE || class == ASCII_PUNCT) {
            break;
        }
        n++;
    }
    return n;
}

static bool all_word(Text text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (ascii_class((unsigned char)text.p[i]) != ASCII_WORD) {
            return false;
        }
    }
    return true;
}

static void add_ascii(const BertNormalizer *normalizer, Text word, StrBuf *out)
{
    add_space(out);
    size_t first = out->n;
    strbuf_add(out, word.p, word.n);
    for (size_t i = first; normalizer->lowercase && i < out->n; i++) {
        char c = out->p[i];
        out->p[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
}

void bert_words(const BertNormalizer *normalizer, Text text, NormalText *scratch,
                StrBuf *out)
{
    while (text.n > 0) {
        AsciiClass class = ascii_class((unsigned char)text.p[0]);
        size_t n = 1;
        if (class == ASCII_PUNCT) {
            add_ascii(normalizer, (Text){text.p, 1}, out);
        } else if (class != ASCII_SPACE) {
            n = piece_length(text);
            Text piece = {text.p, n};
            if (all_word(piece)) {
                add_ascii(normalizer, piece, out);
            } else {
                add_normalized(normalizer, piece, scratch, out);
            }
        }
        text.p += n;
        text.n -= n;
    }
}
