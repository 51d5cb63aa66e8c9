/* One list of rows from two, a preprocessor for it, a data set of it. */
#include "data/text_set.h"

#include "base/mem.h"
#include "data/tokenized_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void text_set_close(TextSet *set)
{
    dataset_close(set->examples);
    preprocessor_close(set->preprocessor);
    tokenized_close(set->joined);
    corpus_rows_free(&set->rows);
    *set = (TextSet){0};
}

/* Which of which rows. */
typedef struct Part {
    const TokenizedRows *rows;
    const uint32_t *index; /* NULL: all */
    size_t n;
} Part;

static void append(TokenizedWriter *writer, const Part *part)
{
    const Lexicon *own = tokenized_words(part->rows);
    uint32_t *number = mem_alloc(own->n, sizeof *number), *words = NULL;
    size_t cap = 0;
    memset(number, 0xFF, own->n * sizeof *number);
    for (size_t i = 0; i < part->n; i++) {
        size_t row = part->index ? part->index[i] : i;
        const RowInfo *info = tokenized_row(part->rows, row);
        words = mem_grow(words, &cap, info->n_words + 1, sizeof *words);
        size_t n = tokenized_read(part->rows, row, words, info->n_words);
        for (size_t j = 0; j < n; j++) {
            uint32_t word = words[j];
            if (number[word] == WORD_ABSENT) {
                number[word] = tokenized_writer_word(writer, lexicon_get(own, word),
                                                     own->hash[word]);
            }
            words[j] = number[word];
        }
        NewRow copy = {
            .text = {"", 0}, .text_sum = info->text_sum, .words = words, .n_words = n};
        tokenized_writer_add(writer, &copy);
    }
    free(words);
    free(number);
}

static Status join(const Part *parts, size_t n, TokenizedRows **out)
{
    TokenizedWriter *writer = tokenized_writer_open(-1, NULL);
    for (size_t i = 0; i < n; i++) {
        append(writer, &parts[i]);
    }
    return tokenized_writer_end(writer, 0, false, out);
}

/* The rows to learn from as one part. */
static Status choose_rows(TextSet *set, Part *out)
{
    const Splits *splits = &set->rows.splits;
    const TokenizedRows *lines = set->rows.lines;
    const Part parts[] = {
        {splits->rows, splits->train, splits->n_train},
        {lines, NULL, lines ? tokenized_size(lines) : 0},
    };
    if (splits->rows && lines) {
        TRY(join(parts, 2, &set->joined));
        *out = (Part){set->joined, NULL, tokenized_size(set->joined)};
    } else {
        *out = parts[lines ? 1 : 0];
    }
    return STATUS_OK;
}

static void digest_texts(TextSet *set)
{
    Sha256 *sha = sha256_begin();
    const char *splits = set->rows.splits.digest;
    const char *lines = set->rows.lines ? tokenized_digest(set->rows.lines) : "";
    sha256_add(sha, splits, strlen(splits));
    sha256_add(sha, lines, strlen(lines));
    sha256_end(sha, set->digest);
}

/* There must be something to ask for. */
static Status check_vocabulary(const DataConfig *config, const Preprocessor *pre)
{
    size_t n = preprocessor_vocab_size(pre), n_special = 0;
    bool *special = mem_zalloc(n, sizeof *special);
    preprocessor_mark_special(pre, special);
    for (size_t i = 0; i < n; i++) {
        n_special += special[i];
    }
    free(special);
    if (n > n_special) {
        return STATUS_OK;
    }
    status_set(STATUS_DATA, "no word stands in the text at least %lld times",
               (long long)config->min_count);
    status_hint("give more text, or lower data.min_count");
    return STATUS_DATA;
}

static Status fill(const DataConfig *config, uint64_t seed, const StrList *text,
                   TextSet *set)
{
    WordSplitter *splitter;
    TRY(word_splitter_open(config, &splitter));
    Status status = corpus_rows_read(config, seed, text, splitter, &set->rows);
    word_splitter_close(splitter);
    TRY(status);
    Part part;
    TRY(choose_rows(set, &part));
    if (part.n == 0) {
        return status_set(STATUS_DATA, "no texts to learn from");
    }
    DataConfig narrow = *config;
    narrow.wide = WIDE_NONE;
    narrow.wide_buckets = 1; /* of none; the default waits for rows */
    TRY(preprocessor_fit(&narrow, part.rows, part.index, part.n, &set->preprocessor));
    TRY(check_vocabulary(config, set->preprocessor));
    DatasetSource source = {.rows = part.rows, .index = part.index, .n = part.n};
    TRY(dataset_open(set->preprocessor, &source, &set->examples));
    digest_texts(set);
    return STATUS_OK;
}

Status text_set_open(const DataConfig *config, uint64_t seed, const StrList *text,
                     TextSet *out)
{
    TextSet set = {0};
    Status status = fill(config, seed, text, &set);
    if (status != STATUS_OK) {
        text_set_close(&set);
        return status;
    }
    *out = set;
    return STATUS_OK;
}
