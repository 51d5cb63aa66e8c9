/* The WordPiece model: a word is cut, from its front on, into the longest pieces that the
 * vocabulary has (Wu et al., "Google's neural machine translation system", 2016, as BERT
 * uses it). Pieces within a word carry a prefix in the vocabulary ("##ing"). */
#ifndef MUSTER_DATA_WORDPIECE_H
#define MUSTER_DATA_WORDPIECE_H

#include "base/status.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

#define PIECE_ABSENT UINT32_MAX

typedef struct WordPieceConfig {
    const char *unk;    /* token of words that cannot be cut; must be in the vocabulary */
    const char *prefix; /* of pieces within a word; "" is fine */
    size_t max_word_chars; /* longer words are unknown */
} WordPieceConfig;

/* Constant once open: any number of threads may share it. */
typedef struct WordPiece WordPiece;

/* `vocab` in the order of ids; copied. STATUS_DAMAGED when a token stands there twice or
 * `unk` is missing. */
Status wordpiece_open(const StrList *vocab, const WordPieceConfig *config,
                      WordPiece **out);
void wordpiece_close(WordPiece *model); /* NULL is fine */

size_t wordpiece_size(const WordPiece *model);
const WordPieceConfig *wordpiece_config(const WordPiece *model);
uint32_t wordpiece_unk(const WordPiece *model);

/* The id of a token, prefix included, or PIECE_ABSENT. */
uint32_t wordpiece_find(const WordPiece *model, Text token);

/* The token with this id, which must be below wordpiece_size. Borrowed. */
Text wordpiece_token(const WordPiece *model, uint32_t id);

/* Cuts a normalised word of n bytes: ids of its pieces and where each ends in the word;
 * both have room for word.n. Returns how many; a word that cannot be cut gives one, unk,
 * as does one with too many characters. An empty word gives none. */
size_t wordpiece_split(const WordPiece *model, Text word, uint32_t *ids, uint32_t *ends);

#endif
