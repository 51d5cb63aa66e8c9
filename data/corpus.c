/* Rows of two kinds behind one numbering of texts, and their common vocabulary. */
#include "data/corpus.h"

#include "base/batch.h"
#include "base/mem.h"
#include "data/corpus_rows.h"
#include "data/words.h"

#include <stdlib.h>
#include <string.h>

enum { N_PARTS = 2 };

/* Some of some rows. */
typedef struct Part {
    const TokenizedRows *rows;
    const uint32_t *index; /* [n] NULL: all rows */
    size_t n;
    uint32_t *row_of; /* [words of the rows] of the vocabulary, or WORD_ABSENT */
} Part;

struct Corpus {
    CorpusRows rows;
    Part parts[N_PARTS];
    Vocabulary vocabulary; /* special words come before ours */
    uint64_t *count;       /* [vocabulary's own words] */
    size_t n_texts;
    uint64_t n_words;
    char digest[SHA256_HEX];
};

void corpus_close(Corpus *corpus)
{
    if (!corpus) {
        return;
    }
    for (size_t p = 0; p < N_PARTS; p++) {
        free(corpus->parts[p].row_of);
    }
    corpus_rows_free(&corpus->rows);
    vocabulary_free(&corpus->vocabulary);
    free(corpus->count);
    free(corpus);
}

/* ---- reading ---- */

static Status read_rows(const CorpusRequest *request, const WordSplitter *splitter,
                        Corpus *corpus)
{
    CorpusRows *rows = &corpus->rows;
    TRY(corpus_rows_read(request->config, request->seed, request->text, splitter, rows));
    const Splits *splits = &rows->splits;
    if (splits->rows) {
        corpus->parts[0] = (Part){splits->rows, splits->train, splits->n_train, NULL};
    }
    if (rows->lines) {
        corpus->parts[1] = (Part){rows->lines, NULL, tokenized_size(rows->lines), NULL};
    }
    return STATUS_OK;
}

static size_t part_row(const Part *part, size_t i)
{
    return part->index ? part->index[i] : i;
}

/* ---- the vocabulary ---- */

/* Adds how often each word stands in the part, under its number in `all`. */
static void count_part(Corpus *corpus, const Part *part, Lexicon *all, uint32_t **count,
                       size_t *cap)
{
    const Lexicon *own = tokenized_words(part->rows);
    uint32_t *number = mem_alloc(own->n, sizeof *number), *words = NULL;
    size_t words_cap = 0;
    memset(number, 0xFF, own->n * sizeof *number);
    for (size_t i = 0; i < part->n; i++) {
        size_t row = part_row(part, i), n = tokenized_row(part->rows, row)->n_words;
        words = mem_grow(words, &words_cap, n + 1, sizeof *words);
        tokenized_read(part->rows, row, words, n);
        corpus->n_words += n;
        for (size_t j = 0; j < n; j++) {
            if (number[words[j]] == WORD_ABSENT) {
                size_t before = all->n;
                number[words[j]] = lexicon_add(all, lexicon_get(own, words[j]));
                *count = mem_grow(*count, cap, all->n, sizeof **count);
                memset(*count + before, 0, (all->n - before) * sizeof **count);
            }
            uint32_t *seen = *count + number[words[j]];
            *seen += *seen < UINT32_MAX;
        }
    }
    free(words);
    free(number);
}

static void map_part(const Corpus *corpus, Part *part)
{
    const Lexicon *own = tokenized_words(part->rows);
    part->row_of = mem_alloc(own->n, sizeof *part->row_of);
    for (size_t i = 0; i < own->n; i++) {
        uint32_t row = vocabulary_row(&corpus->vocabulary, lexicon_get(own, (uint32_t)i));
        part->row_of[i] = row == WORD_UNK ? WORD_ABSENT : row - N_SPECIAL_WORDS;
    }
}

static void fit_words(const CorpusRequest *request, Corpus *corpus)
{
    Lexicon all = {0};
    uint32_t *count = NULL;
    size_t cap = 0;
    for (size_t p = 0; p < N_PARTS; p++) {
        if (corpus->parts[p].rows) {
            count_part(corpus, &corpus->parts[p], &all, &count, &cap);
        }
    }
    vocabulary_fit(&corpus->vocabulary, &all, count, request->min_count,
                   request->vocab_size);
    size_t n = corpus_vocab_size(corpus);
    corpus->count = mem_alloc(n, sizeof *corpus->count);
    for (size_t i = 0; i < n; i++) {
        corpus->count[i] = count[lexicon_find(&all, corpus_word(corpus, i))];
    }
    for (size_t p = 0; p < N_PARTS; p++) {
        if (corpus->parts[p].rows) {
            map_part(corpus, &corpus->parts[p]);
        }
    }
    free(count);
    lexicon_free(&all);
}

static void digest_corpus(Corpus *corpus)
{
    Sha256 *sha = sha256_begin();
    const char *splits = corpus->rows.splits.digest;
    sha256_add(sha, splits, strlen(splits));
    const char *lines = corpus->rows.lines ? tokenized_digest(corpus->rows.lines) : "";
    sha256_add(sha, lines, strlen(lines));
    for (size_t i = 0; i < corpus_vocab_size(corpus); i++) {
        Text word = corpus_word(corpus, i);
        sha256_add(sha, word.p, word.n);
        sha256_add(sha, "\n", 1);
    }
    sha256_end(sha, corpus->digest);
}

static Status fill(const CorpusRequest *request, Corpus *corpus)
{
    WordSplitter *splitter;
    TRY(word_splitter_open(request->config, &splitter));
    Status status = read_rows(request, splitter, corpus);
    word_splitter_close(splitter);
    TRY(status);
    corpus->n_texts = corpus->parts[0].n + corpus->parts[1].n;
    fit_words(request, corpus);
    if (corpus_vocab_size(corpus) < 2) {
        status_set(STATUS_DATA, "no two words stand in the text at least %llu times",
                   (unsigned long long)request->min_count);
        status_hint("give more text, or lower pretrain.min_count");
        return STATUS_DATA;
    }
    digest_corpus(corpus);
    return STATUS_OK;
}

Status corpus_open(const CorpusRequest *request, Corpus **out)
{
    Corpus *corpus = mem_zalloc(1, sizeof *corpus);
    Status status = fill(request, corpus);
    if (status != STATUS_OK) {
        corpus_close(corpus);
        return status;
    }
    *out = corpus;
    return STATUS_OK;
}

/* ---- facts ---- */

size_t corpus_n_texts(const Corpus *corpus)
{
    return corpus->n_texts;
}

uint64_t corpus_n_words(const Corpus *corpus)
{
    return corpus->n_words;
}

size_t corpus_vocab_size(const Corpus *corpus)
{
    return vocabulary_size(&corpus->vocabulary) - N_SPECIAL_WORDS;
}

Text corpus_word(const Corpus *corpus, size_t row)
{
    return lexicon_get(&corpus->vocabulary.table, (uint32_t)row + N_SPECIAL_WORDS);
}

const uint64_t *corpus_counts(const Corpus *corpus)
{
    return corpus->count;
}

const char *corpus_digest(const Corpus *corpus)
{
    return corpus->digest;
}

static const Part *part_of(const Corpus *corpus, size_t text, size_t *row)
{
    const Part *part = &corpus->parts[text < corpus->parts[0].n ? 0 : 1];
    *row = part_row(part, text - (part == corpus->parts ? 0 : corpus->parts[0].n));
    return part;
}

size_t corpus_length(const Corpus *corpus, size_t text)
{
    size_t row;
    const Part *part = part_of(corpus, text, &row);
    return tokenized_row(part->rows, row)->n_words;
}

size_t corpus_read(const Corpus *corpus, size_t text, uint32_t *words)
{
    size_t row, kept = 0;
    const Part *part = part_of(corpus, text, &row);
    size_t n = tokenized_row(part->rows, row)->n_words;
    tokenized_read(part->rows, row, words, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t word = part->row_of[words[i]];
        words[kept] = word;
        kept += word != WORD_ABSENT;
    }
    return kept;
}
