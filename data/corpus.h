/* Texts to learn word vectors from: the training split of a config's rows, plain text
 * files, or both; and the words that are seen often enough. */
#ifndef MUSTER_DATA_CORPUS_H
#define MUSTER_DATA_CORPUS_H

#include "base/hash.h"
#include "base/status.h"
#include "base/text.h"
#include "data/config.h"

#include <stddef.h>
#include <stdint.h>

typedef struct CorpusRequest {
    const DataConfig *config; /* rows, if it names any; cleaning always */
    uint64_t seed;            /* of the split: as in a training */
    const StrList *text;      /* plain text files; may be empty */
    uint64_t min_count;       /* words seen less often are left out */
    size_t vocab_size;        /* most frequent words that are kept */
} CorpusRequest;

typedef struct Corpus Corpus;

/* Reads everything on all cores; nothing of validation and test rows is looked at.
 * STATUS_DATA also when no word is left. Local. */
Status corpus_open(const CorpusRequest *request, Corpus **out);
void corpus_close(Corpus *corpus); /* NULL is fine */

size_t corpus_n_texts(const Corpus *corpus);
uint64_t corpus_n_words(const Corpus *corpus); /* of all texts, rare ones included */

/* The vocabulary: frequent words first, equal ones by their bytes. Borrowed. */
size_t corpus_vocab_size(const Corpus *corpus);
Text corpus_word(const Corpus *corpus, size_t row);
const uint64_t *corpus_counts(const Corpus *corpus);

/* SHA-256 of texts and vocabulary. */
const char *corpus_digest(const Corpus *corpus);

/* Words of a text, rare ones included. */
size_t corpus_length(const Corpus *corpus, size_t text);

/* A text as rows of the vocabulary, rare words left out, into `words` with room for
 * corpus_length of them. Returns how many. Any number of threads may read. */
size_t corpus_read(const Corpus *corpus, size_t text, uint32_t *words);

#endif
