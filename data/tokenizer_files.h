/* Hugging Face's files of a tokenizer: tokenizer.json, vocab.txt, tokenizer_config.json.
 */
#ifndef MUSTER_DATA_TOKENIZER_FILES_H
#define MUSTER_DATA_TOKENIZER_FILES_H

#include "base/json.h"
#include "base/status.h"
#include "data/tokenizer.h"

/* Reads a tokenizer.json, a vocab.txt (one token a line, BERT's usual settings), or a
 * folder with tokenizer.json, or else vocab.txt and perhaps tokenizer_config.json.
 *
 * STATUS_DAMAGED with file and place for what is broken, and for everything that a file
 * asks for and we do not do, by name: other models, normalizers, pre-tokenizers and
 * decoders, added tokens with stripping, padding, truncation with a stride; and for a
 * tokenizer_config.json that says something else than the tokenizer.json beside it. */
Status tokenizer_load(const char *path, Tokenizer **out);

/* Writes all three files into an existing folder. The same tokenizer gives the same
 * bytes, and the library reads the same tokenizer back. */
Status tokenizer_save(const Tokenizer *tokenizer, const char *dir);

/* ---- tokenizer.json, for the two above ---- */

/* `path` is for messages. */
Status tokenizer_from_json(const Json *root, const char *path, Tokenizer **out);
void tokenizer_write_json(const Tokenizer *tokenizer, JsonWriter *w);

#endif
