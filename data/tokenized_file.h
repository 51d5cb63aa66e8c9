/* How tokenized rows are put together, kept in a file and mapped again; for data/ alone.
 *
 * Rows are added in their order. Their words go to a stream of variable-length numbers:
 * frequent words are seen early, so their numbers are small and take one or two bytes. */
#ifndef MUSTER_DATA_TOKENIZED_FILE_H
#define MUSTER_DATA_TOKENIZED_FILE_H

#include "data/tokenized_rows.h"

#include <stdbool.h>

typedef struct TokenizedWriter TokenizedWriter;

/* Everything stays in memory with `fd` -1; else it goes to that file, which becomes the
 * writer's (`path` is for messages). */
TokenizedWriter *tokenized_writer_open(int fd, const char *path);

/* The labels of following rows are cells of several, separated so (label_cell.h). Before
 * the first row. */
void tokenized_writer_separate_labels(TokenizedWriter *writer, const char *separator);

/* Following rows are of this file. */
void tokenized_writer_add_file(TokenizedWriter *writer, const char *name);

/* A row whose words are numbers of tokenized_writer_word. `label` NULL: none; the same
 * for `group`. The digest takes in `text`, the text as it was read, and the label. */
typedef struct NewRow {
    Text text;
    uint64_t text_sum;
    const Text *label, *group;
    const uint32_t *words;
    size_t n_words;
    size_t line;
} NewRow;

void tokenized_writer_add(TokenizedWriter *writer, const NewRow *row);

/* The number of a word (`hash` its hash_bytes(0, word)), which is added when new. */
uint32_t tokenized_writer_word(TokenizedWriter *writer, Text word, uint64_t hash);

/* The rows added so far. */
size_t tokenized_writer_size(const TokenizedWriter *writer);

/* Hands the rows over and frees the writer. With a file: STATUS_FAILED when it could not
 * be written; `sync` makes it durable. */
Status tokenized_writer_end(TokenizedWriter *writer, size_t n_invalid, bool sync,
                            TokenizedRows **out);
void tokenized_writer_abandon(TokenizedWriter *writer); /* NULL is fine */

/* Maps what a writer left in a file; `fd` is closed. STATUS_DAMAGED when it is not whole.
 */
Status tokenized_map(int fd, const char *path, TokenizedRows **out);

#endif
