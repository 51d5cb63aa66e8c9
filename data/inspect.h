/* What stands in files of rows, told before anything is trained: columns, classes,
 * lengths, duplicates, bad rows. */
#ifndef MUSTER_DATA_INSPECT_H
#define MUSTER_DATA_INSPECT_H

#include "base/status.h"
#include "base/text.h"
#include "data/lexicon.h"
#include "data/rows.h"
#include "data/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

enum { INSPECT_PLACES = 10, INSPECT_LENGTHS = 1 << 16 };

/* How many texts have each length; longer ones count as the longest. */
typedef struct Lengths {
    uint64_t *count; /* [INSPECT_LENGTHS] */
    uint64_t n, longest;
} Lengths;

typedef struct ClassCount {
    const char *name; /* owned */
    uint64_t n;
} ClassCount;

/* A row whose text stood before: "a.csv:5:1 = b.csv:9:1". */
typedef struct Duplicate {
    char *place, *first;
} Duplicate;

/* One file, or all of them together. */
typedef struct Inspection {
    char *name;
    RowFormat format;
    uint64_t bytes; /* of the file as it lies; 0 for a pipe */
    StrList columns;
    uint64_t *empty; /* [columns.n] rows in which the column is empty */
    uint64_t n_rows, n_bad, n_empty_text, n_empty_label;
    uint64_t n_labels;   /* of all rows together; with a separator */
    StrList bad;         /* messages of the first bad rows */
    ClassCount *classes; /* most frequent first */
    size_t n_classes;
    Lengths chars, words, tokens;    /* tokens: all 0 without a tokenizer */
    uint64_t n_duplicates, n_across; /* texts that stood before: here, in another file */
    uint64_t n_conflicts;            /* of these, with another label */
    Duplicate duplicates[INSPECT_PLACES];
    size_t n_shown;
} Inspection;

typedef struct InspectRequest {
    const StrList *files;
    const StrList *text;         /* columns; empty: all but the label and id */
    const char *label;           /* column; NULL: label, tag, class, category or target */
    const char *label_separator; /* between the labels of a row; NULL: one each */
    const Tokenizer *tokenizer;  /* or NULL */
    /* Called now and then with what was read; or NULL. */
    void (*progress)(const char *name, uint64_t done, uint64_t total);
} InspectRequest;

/* What the text and label columns turned out to be: of the first file. */
typedef struct InspectColumns {
    StrList text;
    char *label; /* NULL: none */
} InspectColumns;

/* One inspection a file, in their order. Bad rows are counted and passed over.
 * STATUS_DATA when a file cannot be read at all or has no such column. Texts are compared
 * by a 64-bit checksum; 32 bytes a row are held. */
Status inspect_files(const InspectRequest *request, Inspection **out, size_t *n,
                     InspectColumns *columns);
void inspections_free(Inspection *all, size_t n);
void inspect_columns_free(InspectColumns *columns);

/* The length that `share` (0 .. 1) of the texts do not exceed. */
uint64_t lengths_percentile(const Lengths *lengths, double share);

#endif
