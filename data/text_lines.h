/* Plain text files, one text a line, as tokenized rows without labels. */
#ifndef MUSTER_DATA_TEXT_LINES_H
#define MUSTER_DATA_TEXT_LINES_H

#include "base/status.h"
#include "data/config.h"
#include "data/tokenized_rows.h"
#include "data/word_splitter.h"

/* Reads the files (patterns too; gzip and zstd) whole into memory. STATUS_DATA with
 * file:line:column for bytes that are no UTF-8, unless `policy` leaves such lines out
 * (UTF8_SKIP; UTF8_REPLACE too, a line of text being easily spared). */
Status text_lines_read(const StrList *files, InvalidUtf8 policy,
                       const WordSplitter *splitter, TokenizedRows **out);

#endif
