/* ASCII as BERT's tokenizers see it, and words of it sixteen bytes at a time. */
#ifndef MUSTER_DATA_ASCII_H
#define MUSTER_DATA_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef enum AsciiClass {
    ASCII_WORD,  /* letters and digits */
    ASCII_PUNCT, /* every other printable character but the space */
    ASCII_SPACE, /* space, tab, line feed, carriage return */
    ASCII_OTHER  /* control characters, and all bytes beyond ASCII */
} AsciiClass;

static inline AsciiClass ascii_class(unsigned char c)
{
    unsigned char letter = (unsigned char)((c | 0x20) - 'a');
    if (letter < 26 || (unsigned char)(c - '0') < 10) {
        return ASCII_WORD;
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        return ASCII_SPACE;
    }
    return c > ' ' && c < 0x7F ? ASCII_PUNCT : ASCII_OTHER;
}

/* Sixteen bytes, those behind a word zero. */
typedef struct AsciiWord {
    uint64_t low, high;
} AsciiWord;

/* How many of the 16 bytes at `p` begin a run of letters and digits; they go to *word, in
 * lower case when `lower`. */
#ifdef __SSE2__
static inline size_t ascii_word(const char *p, bool lower, AsciiWord *word)
{
    static const unsigned char KEEP[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                           255, 255, 255, 255, 255, 255, 255, 255};
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* Compared as signed numbers: bytes beyond ASCII are negative, and so in no range. */
    const __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(folded, _mm_set1_epi8('a' - 1)),
                                         _mm_cmplt_epi8(folded, _mm_set1_epi8('z' + 1)));
    const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('0' - 1)),
                                        _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
    int others = ~_mm_movemask_epi8(_mm_or_si128(letter, digit)) & 0xFFFF;
    size_t n = others ? (size_t)__builtin_ctz((unsigned)others) : 16;
    /* A digit has the bit already. */
    __m128i kept = lower ? folded : bytes;
    kept = _mm_and_si128(kept,
                         _mm_loadu_si128((const __m128i *)(const void *)(KEEP + 16 - n)));
    memcpy(word, &kept, sizeof *word);
    return n;
}
#else
static inline size_t ascii_word(const char *p, bool lower, AsciiWord *word)
{
    unsigned char bytes[16] = {0};
    size_t n = 0;
    while (n < 16 && ascii_class((unsigned char)p[n]) == ASCII_WORD) {
        bytes[n] = (unsigned char)(lower ? p[n] | 0x20 : p[n]);
        n++;
    }
    memcpy(word, bytes, sizeof *word);
    return n;
}
#endif

#endif
