/* Rows as a training splits them, and lines of text. */
#include "data/corpus_rows.h"

#include "data/text_lines.h"

void corpus_rows_free(CorpusRows *rows)
{
    splits_free(&rows->splits);
    tokenized_close(rows->lines);
    *rows = (CorpusRows){0};
}

static Status read_both(const DataConfig *config, uint64_t seed, const StrList *text,
                        const WordSplitter *splitter, CorpusRows *rows)
{
    if (config->train.n > 0) {
        DataConfig untested = *config;
        untested.test = (StrList){0}; /* test rows are not even opened */
        TRY(splits_open_rows(&untested, splitter, true, &rows->splits));
        TRY(splits_cut(&untested, seed, &rows->splits));
    }
    if (text->n > 0) {
        TRY(text_lines_read(text, (InvalidUtf8)config->invalid_utf8, splitter,
                            &rows->lines));
    }
    return STATUS_OK;
}

Status corpus_rows_read(const DataConfig *config, uint64_t seed, const StrList *text,
                        const WordSplitter *splitter, CorpusRows *out)
{
    CorpusRows rows = {0};
    Status status = read_both(config, seed, text, splitter, &rows);
    if (status != STATUS_OK) {
        corpus_rows_free(&rows);
        return status;
    }
    *out = rows;
    return STATUS_OK;
}
