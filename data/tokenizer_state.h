/* What a Tokenizer is made of; for its own files. */
#ifndef MUSTER_DATA_TOKENIZER_STATE_H
#define MUSTER_DATA_TOKENIZER_STATE_H

#include "data/tokenizer.h"

struct Tokenizer {
    TokenizerSettings settings; /* points to what follows and to the model's texts */
    AddedToken *added;
    size_t n_added;
    bool first_byte[256]; /* of an added token */
    WordPiece *model;
    uint32_t punctuation[128]; /* id of each ASCII punctuation character by itself */
    size_t n_single, n_pair;   /* tokens that the templates add */
};

/* The first added token in text[from..], the longest of those that begin there: its place
 * goes to *at. NULL when there is none. */
const AddedToken *added_token_find(const Tokenizer *tokenizer, Text text, size_t from,
                                   size_t *at);

#endif
