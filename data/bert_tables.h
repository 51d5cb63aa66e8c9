/* How Hugging Face's tokenizers classify characters: its own Unicode tables are of
 * several versions, and what it makes of a character must not change with our system's.
 * ASCII is left out. The tables are written by tests/oracle/tables.js. */
#ifndef MUSTER_DATA_BERT_TABLES_H
#define MUSTER_DATA_BERT_TABLES_H

#include <stddef.h>
#include <stdint.h>

typedef struct CodeRange {
    uint32_t from, to; /* both included */
} CodeRange;

/* from, from + step ... to: each becomes itself + delta. */
typedef struct CodeShift {
    uint32_t from, to, step;
    int32_t delta;
} CodeShift;

/* All sorted. */
extern const CodeRange bert_removed[], bert_marks[], bert_punctuation[], bert_unordered[],
    bert_whole[];
extern const size_t n_bert_removed, n_bert_marks, n_bert_punctuation, n_bert_unordered,
    n_bert_whole;
extern const CodeShift bert_lower[];
extern const size_t n_bert_lower;

#endif
