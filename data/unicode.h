/* What cleaning needs to know about Unicode: folding and the kinds of characters. */
#ifndef MUSTER_DATA_UNICODE_H
#define MUSTER_DATA_UNICODE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum CharKind {
    CHAR_OTHER,
    CHAR_SPACE,  /* white space */
    CHAR_LETTER, /* L* */
    CHAR_DIGIT,  /* N* */
    CHAR_MARK    /* M*: accents and vowel signs that belong to the letter before */
} CharKind;

CharKind unicode_kind(uint32_t code);

/* Appends NFKC(casefold(text)) to `out`. False, with nothing added, when the text is not
 * well-formed UTF-8. */
bool unicode_fold(Text text, StrBuf *out);

#endif
