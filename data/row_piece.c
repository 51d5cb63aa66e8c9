/* Rows by the piece. Words are numbered within the piece first, which needs no lock; one
 * look-up for each distinct word turns that into the numbers of the whole data set. */
#include "data/row_piece.h"

#include "base/checksum.h"
#include "base/mem.h"
#include "data/clean.h"

#include <stdlib.h>

void row_piece_free(RowPiece *piece)
{
    strbuf_free(&piece->arena);
    strbuf_free(&piece->split);
    split_scratch_free(&piece->scratch);
    free(piece->rows);
    lexicon_free(&piece->words);
    free(piece->token);
    *piece = (RowPiece){0};
}

void row_piece_clear(RowPiece *piece)
{
    strbuf_clear(&piece->arena);
    lexicon_clear(&piece->words);
    piece->n_rows = piece->n_tokens = 0;
}

void row_piece_add(RowPiece *piece, const Text *fields, size_t n_fields, Text label,
                   Text group, size_t line)
{
    PieceRow row = {.text = piece->arena.n, .line = line};
    for (size_t i = 0; i < n_fields; i++) {
        if (i > 0) {
            strbuf_add_char(&piece->arena, ' ');
        }
        strbuf_add(&piece->arena, fields[i].p, fields[i].n);
    }
    row.label = piece->arena.n;
    strbuf_add(&piece->arena, label.p, label.n);
    row.group = piece->arena.n;
    strbuf_add(&piece->arena, group.p, group.n);
    row.end = piece->arena.n;
    piece->rows =
        mem_grow(piece->rows, &piece->rows_cap, piece->n_rows + 1, sizeof *piece->rows);
    piece->rows[piece->n_rows++] = row;
}

static Text part(const RowPiece *piece, size_t begin, size_t end)
{
    return (Text){piece->arena.p + begin, end - begin};
}

void row_piece_split(RowPiece *piece, const WordSplitter *splitter)
{
    for (size_t i = 0; i < piece->n_rows; i++) {
        PieceRow *row = &piece->rows[i];
        Text text = part(piece, row->text, row->label), word;
        row->text_sum = checksum_bytes(text.p, text.n);
        word_splitter_split(splitter, text, &piece->scratch, &piece->split);
        Text rest = {piece->split.p, piece->split.n};
        size_t first = piece->n_tokens;
        while (clean_next_word(&rest, &word)) {
            piece->token = mem_grow(piece->token, &piece->token_cap, piece->n_tokens + 1,
                                    sizeof *piece->token);
            piece->token[piece->n_tokens++] = lexicon_add(&piece->words, word);
        }
        row->n_words = piece->n_tokens - first;
    }
}

void row_piece_write(RowPiece *piece, TokenizedWriter *writer)
{
    uint32_t *number = mem_alloc(piece->words.n, sizeof *number);
    for (uint32_t i = 0; i < piece->words.n; i++) {
        number[i] = tokenized_writer_word(writer, lexicon_get(&piece->words, i),
                                          piece->words.hash[i]);
    }
    for (size_t i = 0; i < piece->n_tokens; i++) {
        piece->token[i] = number[piece->token[i]];
    }
    free(number);
    const uint32_t *words = piece->token;
    for (size_t i = 0; i < piece->n_rows; i++) {
        const PieceRow *row = &piece->rows[i];
        Text label = part(piece, row->label, row->group);
        Text group = part(piece, row->group, row->end);
        NewRow new_row = {.text = part(piece, row->text, row->label),
                          .text_sum = row->text_sum,
                          .label = piece->labelled ? &label : NULL,
                          .group = piece->grouped ? &group : NULL,
                          .words = words,
                          .n_words = row->n_words,
                          .line = row->line};
        tokenized_writer_add(writer, &new_row);
        words += row->n_words;
    }
}
