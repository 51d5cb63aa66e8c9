/* Distinct words and their numbers: a hash table over bytes, filled in order of first
 * sight. */
#ifndef MUSTER_DATA_LEXICON_H
#define MUSTER_DATA_LEXICON_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

#define WORD_ABSENT UINT32_MAX

/* Zero-initialised is empty. Words are numbered 0 .. n-1. */
typedef struct Lexicon {
    size_t n;
    uint64_t *hash;  /* [n] hash_bytes(0, word) */
    char *bytes;     /* all words back to back */
    size_t *begin;   /* [n + 1] into `bytes` */
    uint32_t *slots; /* [n_slots] word + 1, or 0; open addressing */
    size_t n_slots;
    size_t hash_cap, bytes_cap, begin_cap;
} Lexicon;

void lexicon_free(Lexicon *table);

/* The number of `word`, which is added when it is new. */
uint32_t lexicon_add(Lexicon *table, Text word);

/* The same for a caller that knows its hash_bytes(0, word). */
uint32_t lexicon_add_hashed(Lexicon *table, Text word, uint64_t hash);

/* Empty again, with its memory kept. */
void lexicon_clear(Lexicon *table);

/* The number of `word`, or WORD_ABSENT. */
uint32_t lexicon_find(const Lexicon *table, Text word);

/* The word with this number. Borrowed until the next one is added. */
Text lexicon_get(const Lexicon *table, uint32_t number);

#endif
