/* BERT's normalizer, character by character, with the bytes that each character came
 * from: what Hugging Face's BertNormalizer and BertPreTokenizer do, to the offset.
 *
 * In the order of the switches: control characters go and white space becomes spaces; a
 * Chinese character gets spaces around it; accents are decomposed (NFD) and left out;
 * upper case becomes lower case. Words are then what stands between white space, and
 * punctuation characters by themselves. */
#ifndef MUSTER_DATA_BERT_NORMALIZER_H
#define MUSTER_DATA_BERT_NORMALIZER_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct BertNormalizer {
    bool clean_text, cjk_spacing, strip_accents, lowercase;
} BertNormalizer;

/* One character and the bytes of the original that it stands for. */
typedef struct NormalChar {
    uint32_t code, begin, end;
} NormalChar;

/* Zero-initialised is empty. */
typedef struct NormalText {
    NormalChar *chars;
    size_t n, cap;
    NormalChar *scratch;
    size_t scratch_cap;
} NormalText;

void normal_text_free(NormalText *text);

/* Replaces the contents of `out` by the normalised text. Bytes that are no UTF-8 count as
 * U+FFFD, one for each byte. Offsets are those in `text` plus `base`; the text has less
 * than 4 GB. */
void bert_normalize(const BertNormalizer *normalizer, Text text, uint32_t base,
                    NormalText *out);

/* The next word from character *at on: out->chars[*first .. *first + *n - 1], *at behind
 * it. False when there is none. */
bool bert_next_word(const NormalText *text, size_t *at, size_t *first, size_t *n);

/* Appends the words of a text, a space between them and before them when `out` is not
 * empty. */
void bert_words(const BertNormalizer *normalizer, Text text, NormalText *scratch,
                StrBuf *out);

#endif
