/* UTF-8 one character at a time: for checking input and measuring what is printed. */
#ifndef MUSTER_BASE_UTF8_H
#define MUSTER_BASE_UTF8_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* Reads the character at the start of `text`. Returns its length in bytes (1 .. 4), or 0
 * when the text is empty or does not begin with well-formed UTF-8 (overlong forms,
 * surrogates and numbers above U+10FFFF are not). `code` may be NULL. */
size_t utf8_decode(Text text, uint32_t *code);

/* Writes a character (a number below 0x110000 that is no surrogate) and returns its
 * length in bytes. */
size_t utf8_encode(uint32_t code, char out[4]);

/* Offset of the first byte that is not part of well-formed UTF-8, or text.n. */
size_t utf8_valid_prefix(Text text);

/* Terminal columns that a character takes: 0 for combining marks and controls, 2 for East
 * Asian wide characters and emoji, else 1. */
size_t utf8_char_width(uint32_t code);

/* Terminal columns of a text; a malformed byte counts as one. */
size_t utf8_width(Text text);

/* Characters in a text; a malformed byte counts as one. */
size_t utf8_count(Text text);

/* A copy of one line that can be shown as it is: controls (line feeds, escapes, those
 * above U+0080) and marks that turn the direction of writing become spaces, malformed
 * bytes question marks. Free with free(). */
char *utf8_printable(const char *text);

/* Bytes of the longest start of `text` that fits into `width` terminal columns. */
size_t utf8_fit(Text text, size_t width);

#endif
