/* Counting, weighting and scaling of the wide features. */
#include "data/wide.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BIGRAM_SEED = 2, CHARS_SEED = 3, CHARS_MIN = 2, CHARS_MAX = 5 };
enum { LOG_TABLE = 256, AHEAD = 16 };

void wide_init(Wide *wide, WideBlocks blocks, size_t buckets)
{
    *wide = (Wide){.n_blocks = (size_t)blocks, .buckets = buckets};
    wide->df = mem_zalloc(wide->n_blocks * buckets, sizeof *wide->df);
    wide->idf = mem_zalloc(wide->n_blocks * buckets, sizeof *wide->idf);
}

void wide_free(Wide *wide)
{
    free(wide->df);
    free(wide->idf);
    *wide = (Wide){0};
}

void wide_finish(Wide *wide)
{
    for (size_t i = 0; i < wide->n_blocks * wide->buckets; i++) {
        int32_t df = wide->df[i];
        bool left_out = df < (i < wide->buckets ? WIDE_MIN_DF_WORDS : WIDE_MIN_DF_CHARS);
        double idf = log((1.0 + (double)wide->n_docs) / (1.0 + df)) + 1;
        wide->idf[i] = left_out ? 0 : (float)idf;
    }
}

/* Where a word's features of block B lie in the pool; not there before `known`. */
typedef struct CharFeatures {
    size_t begin;
    uint32_t n;
    bool known;
} CharFeatures;

struct WideCounter {
    const Wide *wide;
    const Lexicon *words;

    CharFeatures *chars; /* [words->n at the time] */
    size_t n_chars, chars_cap;
    uint32_t *pool;
    size_t n_pool, pool_cap;

    uint32_t *count;   /* [buckets] of block B, all 0 between texts */
    uint32_t *touched; /* buckets of the block at hand; in the end ascending, each once */
    size_t n_touched, touched_cap;
    uint32_t *sorted; /* scratch */
    size_t sorted_cap;
    uint32_t *tf; /* [n_touched] how often each was seen */
    size_t tf_cap;

    uint32_t *ids; /* features of the text at hand */
    float *values;
    size_t n, ids_cap, values_cap;
    float log_tf[LOG_TABLE]; /* 1 + ln tf */
};

WideCounter *wide_counter_open(const Wide *wide, const Lexicon *words)
{
    WideCounter *counter = mem_zalloc(1, sizeof *counter);
    counter->wide = wide;
    counter->words = words;
    counter->count = mem_zalloc(wide->buckets, sizeof *counter->count);
    for (int tf = 1; tf < LOG_TABLE; tf++) {
        counter->log_tf[tf] = (float)(1 + log(tf));
    }
    return counter;
}

void wide_counter_close(WideCounter *counter)
{
    if (!counter) {
        return;
    }
    free(counter->chars);
    free(counter->pool);
    free(counter->count);
    free(counter->touched);
    free(counter->sorted);
    free(counter->tf);
    free(counter->ids);
    free(counter->values);
    free(counter);
}

/* Room for `n` buckets more, so that counting them asks for none. */
static void make_room(WideCounter *counter, size_t n)
{
    counter->touched = mem_grow(counter->touched, &counter->touched_cap,
                                counter->n_touched + n, sizeof *counter->touched);
}

static inline void count_bucket(WideCounter *counter, uint32_t bucket)
{
    counter->touched[counter->n_touched] = bucket;
    counter->n_touched += counter->count[bucket]++ == 0;
}

/* hash % buckets; most numbers of buckets are powers of two, which need no division. */
static inline uint32_t bucket_of(const WideCounter *counter, uint64_t hash)
{
    size_t buckets = counter->wide->buckets;
    return (uint32_t)((buckets & (buckets - 1)) == 0 ? hash & (buckets - 1)
                                                     : hash % buckets);
}

/* Lists the buckets of words and pairs, each as often as it is seen: few are seen twice,
 * and sorting them costs less than counting in a table larger than the nearest cache. */
static void list_words(WideCounter *counter, const uint32_t *words, size_t n)
{
    const uint64_t *hash = counter->words->hash;
    make_room(counter, 2 * n + 1);
    uint32_t *bucket = counter->touched;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            __builtin_prefetch(hash + words[i + AHEAD]);
        }
        *bucket++ = bucket_of(counter, hash[words[i]]);
        if (i + 1 < n) {
            uint64_t pair[2] = {hash[words[i]], hash[words[i + 1]]};
            uint64_t both = hash_bytes(BIGRAM_SEED, pair, sizeof pair);
            *bucket++ = bucket_of(counter, both);
        }
    }
    counter->n_touched = (size_t)(bucket - counter->touched);
}

static void add_to_pool(WideCounter *counter, const char *bytes, size_t n)
{
    counter->pool = mem_grow(counter->pool, &counter->pool_cap, counter->n_pool + 1,
                             sizeof *counter->pool);
    counter->pool[counter->n_pool++] =
        (uint32_t)(hash_bytes(CHARS_SEED, bytes, n) % counter->wide->buckets);
}

/* Block B's features of one word, as char_wb lists them: for each n, one at every
 * character of " word "; a word that is no longer than n counts once, and ends the list.
 */
static void list_chars(WideCounter *counter, Text word)
{
    char *padded = mem_alloc(word.n + 3, 1);
    size_t *begin = mem_alloc(word.n + 3, sizeof *begin);
    size_t n_chars = 0, n_bytes = word.n + 2;
    padded[0] = ' ';
    memcpy(padded + 1, word.p, word.n);
    padded[word.n + 1] = ' ';
    for (size_t at = 0; at < n_bytes;) {
        begin[n_chars++] = at;
        size_t n = utf8_decode((Text){padded + at, n_bytes - at}, NULL);
        at += n ? n : 1;
    }
    begin[n_chars] = n_bytes;
    for (size_t n = CHARS_MIN; n <= CHARS_MAX && n <= n_chars; n++) {
        for (size_t i = 0; i + n <= n_chars; i++) {
            add_to_pool(counter, padded + begin[i], begin[i + n] - begin[i]);
        }
    }
    free(begin);
    free(padded);
}

static const CharFeatures *chars_of_word(WideCounter *counter, uint32_t word)
{
    if (word >= counter->n_chars) {
        size_t n = counter->words->n;
        counter->chars =
            mem_grow(counter->chars, &counter->chars_cap, n, sizeof *counter->chars);
        memset(counter->chars + counter->n_chars, 0,
               (n - counter->n_chars) * sizeof *counter->chars);
        counter->n_chars = n;
    }
    CharFeatures *features = &counter->chars[word];
    if (!features->known) {
        features->known = true;
        features->begin = counter->n_pool;
        list_chars(counter, lexicon_get(counter->words, word));
        features->n = (uint32_t)(counter->n_pool - features->begin);
    }
    return features;
}

static void count_chars(WideCounter *counter, const uint32_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const CharFeatures *features = chars_of_word(counter, words[i]);
        make_room(counter, features->n + 1);
        for (uint32_t j = 0; j < features->n; j++) {
            count_bucket(counter, counter->pool[features->begin + j]);
        }
    }
}

size_t wide_most_features(WideCounter *counter, const uint32_t *words, size_t n)
{
    size_t most = 2 * n;
    for (size_t i = 0; i < n && counter->wide->n_blocks > 1; i++) {
        most += chars_of_word(counter, words[i])->n;
    }
    return most;
}

/* The counts are all 0 between texts; writing them brings their pages in. */
void wide_counter_reserve(WideCounter *counter, size_t n)
{
    memset(counter->count, 0, counter->wide->buckets * sizeof *counter->count);
    counter->touched = mem_reserve(counter->touched, &counter->touched_cap, n + 1,
                                   sizeof *counter->touched);
    counter->sorted =
        mem_reserve(counter->sorted, &counter->sorted_cap, n, sizeof *counter->sorted);
    counter->tf = mem_reserve(counter->tf, &counter->tf_cap, n, sizeof *counter->tf);
    counter->ids = mem_reserve(counter->ids, &counter->ids_cap, n, sizeof *counter->ids);
    counter->values =
        mem_reserve(counter->values, &counter->values_cap, n, sizeof *counter->values);
}

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, FEW = 48 };

static void sort_few(uint32_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t held = x[i];
        size_t j = i;
        for (; j > 0 && x[j - 1] > held; j--) {
            x[j] = x[j - 1];
        }
        x[j] = held;
    }
}

/* One pass of a radix sort: by `bits` bits from `shift` on. */
static void sort_by_digit(const uint32_t *from, uint32_t *to, size_t n, int shift,
                          int bits)
{
    uint32_t start[RADIX] = {0}, at = 0, mask = (1u << bits) - 1;
    for (size_t i = 0; i < n; i++) {
        start[from[i] >> shift & mask]++;
    }
    for (uint32_t d = 0; d <= mask; d++) {
        uint32_t count = start[d];
        start[d] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++) {
        to[start[from[i] >> shift & mask]++] = from[i];
    }
}

/* Numbers below `bound`, at most 2^24: two or three passes, low digits first. */
static void sort_ascending(WideCounter *counter, size_t bound)
{
    size_t n = counter->n_touched;
    if (n <= FEW) {
        sort_few(counter->touched, n);
        return;
    }
    int bits = 32 - __builtin_clz((unsigned)bound),
        passes = bits > 2 * RADIX_BITS ? 3 : 2;
    int digit = (bits + passes - 1) / passes;
    counter->sorted =
        mem_grow(counter->sorted, &counter->sorted_cap, n, sizeof *counter->sorted);
    uint32_t *from = counter->touched, *to = counter->sorted;
    for (int pass = 0; pass < passes; pass++) {
        sort_by_digit(from, to, n, pass * digit, digit);
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != counter->touched) {
        memcpy(counter->touched, from, n * sizeof *from);
    }
}

/* Sorted lists become each bucket once, and how often it stood there. */
static void count_runs(WideCounter *counter)
{
    uint32_t *bucket = counter->touched, *tf = counter->tf;
    size_t n = 0;
    for (size_t i = 0; i < counter->n_touched; i++) {
        if (n > 0 && bucket[n - 1] == bucket[i]) {
            tf[n - 1]++;
        } else {
            bucket[n] = bucket[i];
            tf[n++] = 1;
        }
    }
    counter->n_touched = n;
}

static void take_counts(WideCounter *counter)
{
    for (size_t i = 0; i < counter->n_touched; i++) {
        uint32_t *count = &counter->count[counter->touched[i]];
        counter->tf[i] = *count;
        *count = 0;
    }
}

/* The block's buckets in ascending order, and their counts. */
static void count_block(WideCounter *counter, size_t block, const uint32_t *words,
                        size_t n)
{
    counter->n_touched = 0;
    if (block == 0) {
        list_words(counter, words, n);
    } else {
        count_chars(counter, words, n);
    }
    sort_ascending(counter, counter->wide->buckets);
    counter->tf =
        mem_grow(counter->tf, &counter->tf_cap, counter->n_touched, sizeof *counter->tf);
    if (block == 0) {
        count_runs(counter);
    } else {
        take_counts(counter);
    }
}

void wide_count_text(WideCounter *counter, const uint32_t *words, size_t n, Wide *wide)
{
    for (size_t block = 0; block < wide->n_blocks; block++) {
        count_block(counter, block, words, n);
        for (size_t i = 0; i < counter->n_touched; i++) {
            wide->df[block * wide->buckets + counter->touched[i]]++;
        }
    }
    wide->n_docs++;
}

static float weight_of_count(const WideCounter *counter, uint32_t tf)
{
    return tf < LOG_TABLE ? counter->log_tf[tf] : (float)(1 + log(tf));
}

/* Turns the counts of one block into features of length 1. */
static void add_features(WideCounter *counter, size_t block)
{
    const Wide *wide = counter->wide;
    const float *idf = wide->idf + block * wide->buckets;
    size_t first = counter->n, most = first + counter->n_touched;
    counter->ids = mem_grow(counter->ids, &counter->ids_cap, most, sizeof *counter->ids);
    counter->values =
        mem_grow(counter->values, &counter->values_cap, most, sizeof *counter->values);
    double squares = 0;
    for (size_t i = 0; i < counter->n_touched; i++) {
        if (i + AHEAD < counter->n_touched) {
            __builtin_prefetch(idf + counter->touched[i + AHEAD]);
        }
        uint32_t bucket = counter->touched[i];
        float value = weight_of_count(counter, counter->tf[i]) * idf[bucket];
        if (value > 0) {
            counter->ids[counter->n] = (uint32_t)(block * wide->buckets + bucket);
            counter->values[counter->n++] = value;
            squares += (double)value * value;
        }
    }
    double scale = squares > 0 ? 1 / sqrt(squares) : 0;
    for (size_t i = first; i < counter->n; i++) {
        counter->values[i] = (float)(counter->values[i] * scale);
    }
}

size_t wide_features(WideCounter *counter, const uint32_t *words, size_t n,
                     const uint32_t **ids, const float **values)
{
    counter->n = 0;
    for (size_t block = 0; block < counter->wide->n_blocks; block++) {
        count_block(counter, block, words, n);
        add_features(counter, block);
    }
    *ids = counter->ids;
    *values = counter->values;
    return counter->n;
}
