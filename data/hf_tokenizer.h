/* The tokenizer as Hugging Face files, so that other tools split texts as we do. */
#ifndef MUSTER_DATA_HF_TOKENIZER_H
#define MUSTER_DATA_HF_TOKENIZER_H

#include "base/status.h"
#include "data/preprocessor.h"

/* Writes tokenizer.json (a WordLevel model; normalizer and pre-tokenizer say what
 * cleaning does, with lower-casing in place of case folding) and tokenizer_config.json.
 * Character n-grams and wide features have no place in the format. */
Status hf_tokenizer_save(const Preprocessor *pre, const char *dir);

#endif
