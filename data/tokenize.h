/* Rows of files, or texts at hand, into tokenized rows.
 *
 * One thread reads; others clean and split piece by piece; the pieces are put together in
 * their order, so that the result does not depend on how many threads there were. */
#ifndef MUSTER_DATA_TOKENIZE_H
#define MUSTER_DATA_TOKENIZE_H

#include "base/status.h"
#include "base/text.h"
#include "data/config.h"
#include "data/tokenized_rows.h"
#include "data/word_splitter.h"

#include <stdbool.h>
#include <stddef.h>

/* What to read, and where to put it. All borrowed. */
typedef struct TokenizeRequest {
    const StrList *files;
    const StrList *text_columns;
    const char *label;           /* column, or NULL */
    const char *label_separator; /* between labels of a row; NULL: one label each */
    const char *group;           /* column, or NULL */
    InvalidUtf8 policy;
    const WordSplitter *splitter;
    size_t threads;   /* 0 = one for each core that this process may use */
    int fd;           /* file to keep the rows in, or -1: in memory; becomes ours */
    const char *path; /* of that file, for messages */
    bool progress;    /* tell on stderr how far it came when it takes long */
} TokenizeRequest;

/* Reads all files. Errors are STATUS_DATA with file:line:column; an empty label is one
 * unless rows may have several. */
Status tokenize_files(const TokenizeRequest *request, TokenizedRows **out);

/* Tokenizes `n` texts in memory, without labels. */
void tokenize_texts(const WordSplitter *splitter, const Text *texts, size_t n,
                    TokenizedRows **out);

#endif
