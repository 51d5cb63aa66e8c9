/* What TokenizedRows are made of; for the files that build, map and read them. */
#ifndef MUSTER_DATA_TOKENIZED_STATE_H
#define MUSTER_DATA_TOKENIZED_STATE_H

#include "data/checked_map.h"
#include "data/tokenized_rows.h"

struct TokenizedRows {
    size_t n;
    CheckedMap *map; /* NULL: the next two own memory */
    unsigned char *stream;
    RowInfo *rows;
    uint64_t stream_size, rows_at; /* the stream begins the payload */

    Lexicon words; /* without slots; in memory its arrays are owned, else mapped */
    StrList labels, files;
    bool multi_label;
    Lexicon label_sets;  /* as `words`: a set is its uint32_t label numbers, ascending */
    uint64_t *first_row; /* [files.n] of each file */
    size_t n_groups, n_invalid;
    char digest[SHA256_HEX];
};

#endif
