/* From a text as people write it to the words that everything else counts: cleaning, then
 * what the tokenizer takes for words. */
#ifndef MUSTER_DATA_WORD_SPLITTER_H
#define MUSTER_DATA_WORD_SPLITTER_H

#include "base/hash.h"
#include "base/status.h"
#include "base/text.h"
#include "data/bert_normalizer.h"
#include "data/cleaner.h"
#include "data/config.h"

/* Constant once open: any number of threads may share it. */
typedef struct WordSplitter WordSplitter;

/* What the config says: its cleaning (by default `basic` before the word tokenizer, none
 * before WordPiece) and its tokenizer, whose normalizer comes from data.vocab's files
 * when there are some. */
Status word_splitter_open(const DataConfig *config, WordSplitter **out);

/* Of parts: takes `cleaner` over; `normalizer` NULL for the word tokenizer. */
WordSplitter *word_splitter_of(Cleaner *cleaner, const BertNormalizer *normalizer);
void word_splitter_close(WordSplitter *splitter); /* NULL is fine */

/* Room for one thread's work; NULL closes nothing. */
typedef struct SplitScratch {
    StrBuf cleaned;
    NormalText normal;
} SplitScratch;
void split_scratch_free(SplitScratch *scratch);

/* Replaces the contents of `out` by the words, white space between them, to be taken off
 * with clean_next_word. */
void word_splitter_split(const WordSplitter *splitter, Text text, SplitScratch *scratch,
                         StrBuf *out);

const Cleaner *word_splitter_cleaner(const WordSplitter *splitter); /* borrowed */

/* Tells two splitters apart that give different words. */
void word_splitter_digest(const WordSplitter *splitter, char digest[SHA256_HEX]);

/* The special tokens of a vocabulary that is trained here, ids from 0 on. */
extern const char *const special_tokens[];
enum { N_SPECIAL_TOKENS = 5 };

#endif
