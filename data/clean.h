/* Cleaning: from a text as people write it to words with one space between them. */
#ifndef MUSTER_DATA_CLEAN_H
#define MUSTER_DATA_CLEAN_H

#include "base/text.h"
#include "data/config.h"

#include <stdbool.h>

/* Replaces the contents of `out` by the cleaned text. Never fails: bytes that are not
 * UTF-8 separate words.
 *
 * CLEAN_NONE         the text as it is
 * CLEAN_BASIC        NFKC, casefold; runs of letters and digits (with the marks that
 *                    belong to a letter) are words
 * CLEAN_PUNCTUATION  the same, but letters, digits and every other single character are
 *                    words of their own
 * CLEAN_MADEWITHML   the Made With ML course's clean_text, byte for byte: lower case,
 *                    English stop words removed, ASCII letters and digits kept, then
 *                    links cut off at "http" */
void clean_text(Cleaning how, Text text, StrBuf *out);

/* Takes the next word off the front of `rest`: words stand between ASCII white space.
 * False when there is none left. */
bool clean_next_word(Text *rest, Text *word);

/* The stop words of CLEAN_MADEWITHML, NULL-terminated, in the course's order. */
extern const char *const clean_stop_words[];

#endif
