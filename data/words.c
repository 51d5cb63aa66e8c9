/* Vocabulary and n-grams. */
#include "data/words.h"

#include "base/batch.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Part of every n-gram's hash, so that it shares no pattern with other uses. */
enum { NGRAM_SEED = 1 };

static void add_special_words(Vocabulary *vocabulary)
{
    CHECK(lexicon_add(&vocabulary->table, TEXT(UNK_TOKEN)) == WORD_UNK);
    CHECK(lexicon_add(&vocabulary->table, TEXT(MASK_TOKEN)) == WORD_MASK);
}

/* What sorting needs: the order is by count, then by bytes. */
typedef struct Counted {
    Text word;
    uint32_t count;
} Counted;

static int compare_counted(const void *a, const void *b)
{
    const Counted *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return text_compare(x->word, y->word);
}

void vocabulary_fit(Vocabulary *vocabulary, const Lexicon *words, const uint32_t *count,
                    uint64_t min_count, size_t cap)
{
    memset(vocabulary, 0, sizeof *vocabulary);
    add_special_words(vocabulary);
    Counted *kept = mem_alloc(words->n, sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; i < words->n; i++) {
        Text word = lexicon_get(words, (uint32_t)i);
        if (count[i] >= min_count &&
            lexicon_find(&vocabulary->table, word) == WORD_ABSENT) {
            kept[n++] = (Counted){word, count[i]};
        }
    }
    qsort(kept, n, sizeof *kept, compare_counted);
    for (size_t i = 0; i < n && i < cap; i++) {
        lexicon_add(&vocabulary->table, kept[i].word);
    }
    free(kept);
}

void vocabulary_free(Vocabulary *vocabulary)
{
    lexicon_free(&vocabulary->table);
}

size_t vocabulary_size(const Vocabulary *vocabulary)
{
    return vocabulary->table.n;
}

uint32_t vocabulary_row(const Vocabulary *vocabulary, Text word)
{
    uint32_t row = lexicon_find(&vocabulary->table, word);
    return row == WORD_ABSENT || row < N_SPECIAL_WORDS ? WORD_UNK : row;
}

Status vocabulary_save(const Vocabulary *vocabulary, const char *path)
{
    StrBuf lines = {0};
    for (size_t row = 0; row < vocabulary->table.n; row++) {
        Text word = lexicon_get(&vocabulary->table, (uint32_t)row);
        strbuf_add(&lines, word.p, word.n);
        strbuf_add_char(&lines, '\n');
    }
    Status status = file_write(path, lines.p, lines.n);
    strbuf_free(&lines);
    return status;
}

static Status bad_line(const char *path, size_t line, const char *what)
{
    return status_set(STATUS_DAMAGED, "%s:%zu:1: %s", path, line, what);
}

static Status add_line(const char *path, Text word, Vocabulary *vocabulary)
{
    size_t line = vocabulary->table.n + 1;
    if (line == WORD_UNK + 1 && !text_is(word, UNK_TOKEN)) {
        return bad_line(path, line, "expected " UNK_TOKEN);
    }
    if (line == WORD_MASK + 1 && !text_is(word, MASK_TOKEN)) {
        return bad_line(path, line, "expected " MASK_TOKEN);
    }
    if (word.n == 0) {
        return bad_line(path, line, "an empty word");
    }
    size_t valid = utf8_valid_prefix(word);
    if (valid < word.n) {
        return status_set(STATUS_DAMAGED, "%s:%zu:%zu: is not UTF-8", path, line,
                          valid + 1);
    }
    if (lexicon_add(&vocabulary->table, word) + 1 != line) {
        return bad_line(path, line, "the word stands there twice");
    }
    return STATUS_OK;
}

static Status parse_lines(const char *path, Text rest, size_t n_rows, Vocabulary *out)
{
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        if (!end) {
            return bad_line(path, out->table.n + 1, "the last line is cut off");
        }
        size_t n = (size_t)(end - rest.p);
        TRY(add_line(path, (Text){rest.p, n}, out));
        rest.p += n + 1;
        rest.n -= n + 1;
    }
    if (out->table.n != n_rows) {
        return status_set(STATUS_DAMAGED, "%s: %zu words, expected %zu", path,
                          out->table.n, n_rows);
    }
    return STATUS_OK;
}

Status vocabulary_load(const char *path, size_t n_rows, Vocabulary *out)
{
    StrBuf bytes = {0};
    TRY(file_read(path, (size_t)1 << 32, STATUS_DAMAGED, &bytes));
    Vocabulary vocabulary = {0};
    Status status = parse_lines(path, (Text){bytes.p, bytes.n}, n_rows, &vocabulary);
    strbuf_free(&bytes);
    if (status != STATUS_OK) {
        vocabulary_free(&vocabulary);
        return status;
    }
    *out = vocabulary;
    return STATUS_OK;
}

/* ---- n-grams ---- */

/* "<word>" cut to NGRAM_WORD_CHARS, and where its characters begin. Bytes that are no
 * UTF-8 count as characters. */
typedef struct Marked {
    char bytes[4 * NGRAM_WORD_CHARS + 2];
    size_t begin[NGRAM_WORD_CHARS + 3];
    size_t n; /* characters */
} Marked;

static void mark_word(Text word, Marked *marked)
{
    marked->bytes[0] = '<';
    marked->begin[0] = 0;
    marked->n = 1;
    size_t at = 0;
    while (at < word.n && marked->n <= NGRAM_WORD_CHARS) {
        size_t n = utf8_decode((Text){word.p + at, word.n - at}, NULL);
        n = n ? n : 1;
        marked->begin[marked->n++] = at + 1;
        memcpy(marked->bytes + at + 1, word.p + at, n);
        at += n;
    }
    marked->bytes[at + 1] = '>';
    marked->begin[marked->n++] = at + 1;
    marked->begin[marked->n] = at + 2;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The hashes of all n-grams of one word: for each n, one at every character. */
static size_t hash_ngrams(const NgramConfig *config, const Marked *marked,
                          uint64_t *hashes)
{
    size_t n_hashes = 0;
    for (size_t n = config->min; n <= config->max && n <= marked->n; n++) {
        for (size_t i = 0; i + n <= marked->n; i++) {
            const char *bytes = marked->bytes + marked->begin[i];
            size_t length = marked->begin[i + n] - marked->begin[i];
            hashes[n_hashes++] = hash_bytes(NGRAM_SEED, bytes, length);
        }
    }
    return n_hashes;
}

size_t word_ngrams(const NgramConfig *config, Text word, uint32_t **items, size_t *n,
                   size_t *cap)
{
    if (config->buckets == 0) {
        return 0;
    }
    Marked marked;
    mark_word(word, &marked);
    uint64_t few[256];
    size_t most = (config->max - config->min + 1) * marked.n;
    uint64_t *hashes = most <= 256 ? few : mem_alloc(most, sizeof *hashes);
    size_t n_hashes = hash_ngrams(config, &marked, hashes);
    qsort(hashes, n_hashes, sizeof *hashes, compare_u64);

    *items = mem_grow(*items, cap, *n + n_hashes + 1, sizeof **items);
    uint32_t *out = *items + *n;
    size_t distinct = 0;
    for (size_t i = 0; i < n_hashes; i++) {
        if (i == 0 || hashes[i] != hashes[i - 1]) {
            out[distinct++] = (uint32_t)(hashes[i] % config->buckets);
        }
    }
    qsort(out, distinct, sizeof *out, compare_u32);
    *n += distinct;
    if (hashes != few) {
        free(hashes);
    }
    return distinct;
}

void ngram_lists_init(NgramLists *lists, const NgramConfig *config, const Text *words,
                      size_t n)
{
    size_t used = 0, cap = 0;
    *lists = (NgramLists){.begin = mem_zalloc(n + 1, sizeof *lists->begin)};
    for (size_t i = 0; i < n; i++) {
        word_ngrams(config, words[i], &lists->bucket, &used, &cap);
        lists->begin[i + 1] = used;
    }
}

void ngram_lists_free(NgramLists *lists)
{
    free(lists->begin);
    free(lists->bucket);
    *lists = (NgramLists){0};
}
