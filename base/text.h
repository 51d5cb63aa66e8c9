/* Views of bytes that somebody else owns, and a string that grows. */
#ifndef MUSTER_BASE_TEXT_H
#define MUSTER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A view: `n` bytes at `p`, not terminated, borrowed from an owner the function's doc
 * names. */
typedef struct Text {
    const char *p;
    size_t n;
} Text;

#define TEXT(literal) ((Text){(literal), sizeof(literal) - 1})

Text text_of(const char *c_string);
bool text_equal(Text a, Text b);
bool text_is(Text a, const char *c_string);

/* Order by bytes, as memcmp; for qsort-like uses. */
int text_compare(Text a, Text b);

/* A string that grows. Zero-initialised is empty; `p` is NULL or terminated. */
typedef struct StrBuf {
    char *p;
    size_t n;
    size_t cap;
} StrBuf;

void strbuf_free(StrBuf *buf);
void strbuf_clear(StrBuf *buf);
void strbuf_add(StrBuf *buf, const void *bytes, size_t n);
void strbuf_add_text(StrBuf *buf, const char *c_string);
void strbuf_add_char(StrBuf *buf, char c);
void strbuf_printf(StrBuf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Hands the bytes to the caller (free with free()); the buffer is empty again. Never
 * NULL. */
char *strbuf_take(StrBuf *buf);

/* A list of owned strings. Zero-initialised is empty. */
typedef struct StrList {
    char **items;
    size_t n;
    size_t cap;
} StrList;

void strlist_free(StrList *list);
void strlist_add(StrList *list, const char *text);
void strlist_add_take(StrList *list, char *text);
bool strlist_has(const StrList *list, const char *text);

/* "a, b, c" in a string of its own; free with free(). */
char *strlist_join(const StrList *list, const char *separator);

/* The entry of `words` that `word` was probably meant to be, or NULL when none is near
 * (edit distance with transpositions, at most a third of the length plus one). */
const char *text_nearest(const char *word, const char *const *words, size_t n_words);

/* Parses all of `text` as a number, unit suffixes not included. False on empty text,
 * leftovers, overflow, NaN and infinity. */
bool text_to_double(const char *text, double *out);

/* Whole numbers, with `10k`, `1e3`, `5M`, `2GiB` as people write them. */
bool text_to_int(const char *text, long long *out);

/* The shortest decimal that reads back as `value` ("0.1", "3", "1e-05"); NaN, Infinity
 * and -Infinity by those names. `out` has room for 32 bytes. */
void text_from_double(double value, char out[32]);

#endif
