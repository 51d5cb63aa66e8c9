/* A few thousand rows on their way: filled by the reader, split by any thread, put into
 * the writer in order. For data/tokenize.c. */
#ifndef MUSTER_DATA_ROW_PIECE_H
#define MUSTER_DATA_ROW_PIECE_H

#include "data/lexicon.h"
#include "data/tokenized_file.h"
#include "data/word_splitter.h"

#include <stdbool.h>

/* Texts of this many bytes make a piece. */
enum { ROW_PIECE_BYTES = 1 << 20 };

/* One row of a piece; texts lie in its arena, one behind the other. */
typedef struct PieceRow {
    size_t text, label, group, end; /* each ends where the next begins */
    uint64_t text_sum;
    size_t line;
    size_t n_words;
} PieceRow;

/* Zero-initialised is empty. */
typedef struct RowPiece {
    bool labelled, grouped;
    StrBuf arena;
    PieceRow *rows;
    size_t n_rows, rows_cap;

    Lexicon words;   /* distinct ones of the piece, in order of first sight */
    uint32_t *token; /* all rows' words as numbers in `words` */
    size_t n_tokens, token_cap;
    StrBuf split; /* scratch, as is the next */
    SplitScratch scratch;
} RowPiece;

void row_piece_free(RowPiece *piece);
void row_piece_clear(RowPiece *piece);

/* Fields are joined with a space; everything is copied. */
void row_piece_add(RowPiece *piece, const Text *fields, size_t n_fields, Text label,
                   Text group, size_t line);

/* Splits every row. */
void row_piece_split(RowPiece *piece, const WordSplitter *splitter);

/* Adds the split rows to the writer. */
void row_piece_write(RowPiece *piece, TokenizedWriter *writer);

#endif
