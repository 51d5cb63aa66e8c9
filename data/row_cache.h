/* Tokenized rows kept between jobs: the second start reads nothing.
 *
 * A file of the cache is named by what its rows came from (path, inode, size and times of
 * every file) and by what was done to them (columns, cleaning); so a file that changed,
 * by whatever means, is read again. Entries are written aside and renamed; of two jobs
 * that want the same one, the second waits for the first. */
#ifndef MUSTER_DATA_ROW_CACHE_H
#define MUSTER_DATA_ROW_CACHE_H

#include "base/hash.h"
#include "base/status.h"
#include "data/config.h"
#include "data/tokenized_rows.h"
#include "data/word_splitter.h"

#include <stdbool.h>

/* Files below this many bytes together are read anew each time: data.cache auto. */
enum { ROW_CACHE_MIN_BYTES = 64 << 20 };

/* The rows of one of a config's file lists. All borrowed. */
typedef struct RowsRequest {
    const DataConfig *config; /* columns, policy, cache */
    const StrList *files;     /* config->train or config->test */
    const WordSplitter *splitter;
    bool progress; /* tell on stderr how far it came when it takes long */
} RowsRequest;

/* Opens the rows, from the cache or from the files. *key names what was opened, for
 * caches of what is made of it; "" when it is not kept. Errors are those of
 * tokenize_files. */
Status row_cache_open(const RowsRequest *request, TokenizedRows **out,
                      char key[SHA256_HEX]);

/* Whether the request's rows are kept: false for small files (auto), pipes and
 * data.cache=off. Where they are kept goes to *dir (free with free()). */
bool row_cache_wanted(const RowsRequest *request, char **dir);

/* ---- for other entries of the same folder ---- */

/* Waits until this process alone may make the entry `path`; says so on stderr when it
 * takes long. -1 when there can be no lock (entries are then made by whoever wants). */
int row_cache_lock(const char *path);
void row_cache_unlock(const char *path, int lock);

#endif
