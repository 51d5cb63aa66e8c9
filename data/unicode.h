/* What cleaning needs to know about Unicode: folding and the kinds of characters. */
#ifndef MUSTER_DATA_UNICODE_H
#define MUSTER_DATA_UNICODE_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum CharKind {
    CHAR_OTHER,
    CHAR_SPACE,  /* white space */
    CHAR_LETTER, /* L* */
    CHAR_DIGIT,  /* N* */
    CHAR_MARK    /* M*: accents and vowel signs that belong to the letter before */
} CharKind;

CharKind unicode_kind(uint32_t code);

/* The canonical decomposition (NFD) of one character, in full. Returns how many. */
enum { DECOMPOSED_MAX = 8 };
size_t unicode_decompose(uint32_t code, uint32_t out[DECOMPOSED_MAX]);

/* Canonical combining class: 0 for what begins a sequence. */
int unicode_combining_class(uint32_t code);

/* The lower case of one character; itself when it has none. */
uint32_t unicode_lower(uint32_t code);

/* Is it an accent: a mark that takes no room (Mn)? */
bool unicode_is_accent(uint32_t code);

/* Appends the text in normal form C or (`compat`) KC, without its accents when `strip`.
 * False, with nothing added, when the text is not well-formed UTF-8. */
bool unicode_compose(Text text, bool compat, bool strip, StrBuf *out);

/* Appends NFKC(casefold(text)) to `out`. False, with nothing added, when the text is not
 * well-formed UTF-8. */
bool unicode_fold(Text text, StrBuf *out);

#endif
