/* What turns a text into model input: cleaning, labels, words and their n-grams, wide
 * features. Fitted on the training split, saved in every checkpoint, used unchanged by
 * evaluate and predict. */
#ifndef MUSTER_DATA_PREPROCESSOR_H
#define MUSTER_DATA_PREPROCESSOR_H

#include "base/json.h"
#include "base/status.h"
#include "data/config.h"
#include "data/tokenized_rows.h"
#include "data/word_splitter.h"

typedef struct Preprocessor Preprocessor;

/* Fits on rows `index[0..n-1]` of `rows` (index NULL: the first n), which were split by
 * the config's word splitter. Labels are sorted by bytes. */
Status preprocessor_fit(const DataConfig *config, const TokenizedRows *rows,
                        const uint32_t *index, size_t n, Preprocessor **out);
void preprocessor_close(Preprocessor *pre);

/* Writes tokenizer.json, vocab.txt, tokenizer_config.json and preprocessor.safetensors
 * (document frequencies) into the folder; the rest goes under the key "preprocessor" of
 * muster.json, which the caller writes: preprocessor_describe adds that object. The same
 * object always gives the same bytes. */
Status preprocessor_save(const Preprocessor *pre, const char *dir);
/* The first three alone: what reads a text's tokens needs no more. */
Status preprocessor_save_tokenizer(const Preprocessor *pre, const char *dir);
void preprocessor_describe(const Preprocessor *pre, JsonWriter *w);

/* Reads it back from a checkpoint folder; STATUS_DAMAGED when something does not fit. */
Status preprocessor_load(const char *dir, Preprocessor **out);

const WordSplitter *preprocessor_splitter(const Preprocessor *pre); /* borrowed */
size_t preprocessor_n_classes(const Preprocessor *pre);
const char *preprocessor_label(const Preprocessor *pre,
                               size_t class_index);              /* borrowed */
int32_t preprocessor_class(const Preprocessor *pre, Text label); /* -1 if never seen */
size_t preprocessor_vocab_size(const Preprocessor *pre); /* special words included */
/* The row that stands for a word the model must do without: MASK's; UNK's where a
 * vocabulary has none. */
uint32_t preprocessor_mask_row(const Preprocessor *pre);
uint32_t preprocessor_pad_row(const Preprocessor *pre); /* PAD's, or 0 */
/* The row of a word, or of a piece as the vocabulary has it; or WORD_ABSENT. */
uint32_t preprocessor_word_row(const Preprocessor *pre, Text word);
bool preprocessor_has_pieces(const Preprocessor *pre); /* WordPiece's, not words */
/* Sets special[row] for rows that stand for no piece of text: UNK's, MASK's, PAD's, what
 * the template puts around a text and the tokenizer's other special tokens. [vocab_size]
 */
void preprocessor_mark_special(const Preprocessor *pre, bool *special);
void preprocessor_ngrams(const Preprocessor *pre, size_t *min, size_t *max);
size_t preprocessor_ngram_buckets(const Preprocessor *pre);
size_t preprocessor_wide_buckets(const Preprocessor *pre); /* of all blocks together */
size_t preprocessor_max_words(const Preprocessor *pre);
const StrList *preprocessor_text_columns(const Preprocessor *pre);
const char *preprocessor_label_column(const Preprocessor *pre);
/* What stands between the labels of a text in files; NULL when each text has one. */
const char *preprocessor_label_separator(const Preprocessor *pre);

#endif
