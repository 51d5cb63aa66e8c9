/* From a text as people write it to the words that everything else counts: cleaning, then
 * what the tokenizer takes for words. */
#ifndef MUSTER_DATA_WORD_SPLITTER_H
#define MUSTER_DATA_WORD_SPLITTER_H

#include "base/hash.h"
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/config.h"

/* Constant once open: any number of threads may share it. */
typedef struct WordSplitter WordSplitter;

Status word_splitter_open(const DataConfig *config, WordSplitter **out);
void word_splitter_close(WordSplitter *splitter); /* NULL is fine */

WordSplitter *word_splitter_of(Cleaning cleaning);
Cleaning word_splitter_cleaning(const WordSplitter *splitter);

/* Replaces the contents of `out` by the words, white space between them, to be taken off
 * with clean_next_word. */
void word_splitter_split(const WordSplitter *splitter, Text text, StrBuf *out);

/* Tells two splitters apart that give different words. */
void word_splitter_digest(const WordSplitter *splitter, char digest[SHA256_HEX]);

#endif
