/* A BERT tokenizer as Hugging Face's library has it: normalizer, pre-tokenizer,
 * WordPiece, special tokens, template, truncation, decoder. The same tokens, ids and
 * offsets, faster.
 *
 *     TokenizerScratch *scratch = tokenizer_scratch_open(tokenizer);
 *     Encoding encoding = {0};
 *     EncodeOptions options = {.special_tokens = true, .max_length = 512};
 *     TRY(tokenizer_encode(tokenizer, scratch, text, NULL, &options, &encoding));
 *     ... encoding.tokens[0].id ... encoding.n ...
 */
#ifndef MUSTER_DATA_TOKENIZER_H
#define MUSTER_DATA_TOKENIZER_H

#include "base/status.h"
#include "base/text.h"
#include "data/bert_normalizer.h"
#include "data/wordpiece.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A token that is found in a text as it stands, before normalisation. */
typedef struct AddedToken {
    char *content;
    uint32_t id;
    bool special;
} AddedToken;

enum { TEMPLATE_MAX = 16 };

/* A part of what surrounds a text: text 0 or 1, or a special token. */
typedef struct TemplatePart {
    int text; /* 0, 1, or -1: the token */
    uint32_t id;
    uint8_t type_id;
} TemplatePart;

typedef struct Template {
    TemplatePart parts[TEMPLATE_MAX];
    size_t n; /* 0: the texts alone */
} Template;

typedef enum Truncation {
    TRUNCATE_LONGEST_FIRST,
    TRUNCATE_ONLY_FIRST,
    TRUNCATE_ONLY_SECOND
} Truncation;

/* What a tokenizer is made of, beside the vocabulary. Owned texts and lists are copied.
 */
typedef struct TokenizerSettings {
    BertNormalizer normalizer;
    WordPieceConfig model;
    const AddedToken *added; /* [n_added] */
    size_t n_added;
    Template single, pair;
    bool decoder_cleanup;
    size_t max_length; /* tokens, special ones included; 0: no truncation */
    Truncation truncation;
    bool truncate_left;
} TokenizerSettings;

/* BERT's usual ones for a vocabulary that has [UNK] and, if it has them, [PAD] [CLS]
 * [SEP] [MASK]: lower case, "##", words of up to 100 characters, [CLS] A [SEP] B [SEP].
 * `added` has room for 5. */
void tokenizer_default_settings(const StrList *vocab, AddedToken *added,
                                TokenizerSettings *out);

/* Constant once open: any number of threads may share it, each with a scratch. */
typedef struct Tokenizer Tokenizer;

/* STATUS_DAMAGED for a vocabulary that does not fit the settings. */
Status tokenizer_create(const StrList *vocab, const TokenizerSettings *settings,
                        Tokenizer **out);
void tokenizer_close(Tokenizer *tokenizer); /* NULL is fine */

const TokenizerSettings *tokenizer_settings(const Tokenizer *tokenizer);
const WordPiece *tokenizer_model(const Tokenizer *tokenizer);

/* The words of a text, normalised, with a space between them: what WordPiece cuts. Added
 * tokens that stand in it are words of their own. Appends to `out`. */
void tokenizer_words(const Tokenizer *tokenizer, Text text, NormalText *scratch,
                     StrBuf *out);

/* ---- encoding ---- */

/* One token, and the bytes of the text that it stands for; 0, 0 for one of the template.
 */
typedef struct Token {
    uint32_t id;
    uint32_t begin, end;
    uint8_t type_id; /* which of a pair, as the model is told */
    uint8_t text;    /* 0 or 1: where begin and end belong; 2: of the template */
    uint8_t special; /* 1: of the template */
    uint8_t word;    /* TOKEN_INNER, or how it begins */
} Token;

/* Whether a token goes on with a word, begins one, or was found before normalisation. */
enum { TOKEN_INNER, TOKEN_WORD, TOKEN_ADDED };

/* Zero-initialised is empty; used again and again it stops allocating. */
typedef struct Encoding {
    Token *tokens;
    size_t n, cap;
} Encoding;

void encoding_free(Encoding *encoding);

/* Buffers and the cache of words of one thread. */
typedef struct TokenizerScratch TokenizerScratch;
TokenizerScratch *tokenizer_scratch_open(const Tokenizer *tokenizer);
void tokenizer_scratch_close(TokenizerScratch *scratch);

typedef struct EncodeOptions {
    bool special_tokens; /* what the template adds */
    size_t max_length;   /* in place of the tokenizer's own; 0: that one */
} EncodeOptions;

/* Encodes a text, or a pair of texts (`second` NULL: none), each below 4 GB. Bytes that
 * are no UTF-8 count as U+FFFD. STATUS_DATA when a text would have to be cut to nothing
 * that the truncation's strategy does not allow. */
Status tokenizer_encode(const Tokenizer *tokenizer, TokenizerScratch *scratch, Text text,
                        const Text *second, const EncodeOptions *options, Encoding *out);

/* Appends the text of these tokens: pieces are joined, and with the decoder's clean-up
 * the spaces before punctuation go. Ids beyond the vocabulary are left out. */
void tokenizer_decode(const Tokenizer *tokenizer, const uint32_t *ids, size_t n,
                      bool skip_special, StrBuf *out);

/* The text of a token, or its bytes in the vocabulary; empty for ids beyond it. */
Text tokenizer_token(const Tokenizer *tokenizer, uint32_t id);

#endif
