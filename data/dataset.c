/* Encoding texts, and packing batches of them.
 *
 * Every distinct word of the set is looked up once: its vocabulary row and n-grams stand
 * in arrays by its number, and texts are lists of numbers. */
#include "data/dataset.h"

#include "base/mem.h"
#include "data/clean.h"
#include "data/preprocessor_state.h"

#include <stdlib.h>
#include <string.h>

struct Dataset {
    size_t n;

    size_t *start;   /* [n + 1] first token of each text */
    uint32_t *token; /* [start[n]] number of its word */
    size_t token_cap;

    size_t n_words;                                 /* distinct */
    uint32_t *word_row, *ngram_begin, *ngram_count; /* [n_words] */
    uint32_t *ngram;                                /* pool of all words' n-grams */

    uint32_t *wide_begin, *wide_count; /* [n] */
    uint32_t *wide_id;                 /* pool of all texts' features */
    float *wide_value;
    size_t n_wide, wide_id_cap, wide_value_cap;

    int32_t *label; /* [n] */
    size_t n_empty;
};

void dataset_close(Dataset *set)
{
    if (!set) {
        return;
    }
    free(set->start);
    free(set->token);
    free(set->word_row);
    free(set->ngram_begin);
    free(set->ngram_count);
    free(set->ngram);
    free(set->wide_begin);
    free(set->wide_count);
    free(set->wide_id);
    free(set->wide_value);
    free(set->label);
    free(set);
}

/* ---- encoding ---- */

/* What is needed while texts are gone through. */
typedef struct Encoder {
    const Preprocessor *pre;
    Lexicon words;
    WideCounter *counter;
    StrBuf cleaned;
    uint32_t *text; /* words of the text at hand, all of them */
    size_t n_text, text_cap;
} Encoder;

static void split_text(Encoder *encoder, Text text)
{
    clean_text(encoder->pre->cleaning, text, &encoder->cleaned);
    Text rest = {encoder->cleaned.p, encoder->cleaned.n}, word;
    encoder->n_text = 0;
    while (clean_next_word(&rest, &word)) {
        encoder->text = mem_grow(encoder->text, &encoder->text_cap, encoder->n_text + 1,
                                 sizeof *encoder->text);
        encoder->text[encoder->n_text++] = lexicon_add(&encoder->words, word);
    }
}

/* The first words of a text; the empty word, which is UNK without n-grams, stands for a
 * text that has none. */
static void add_tokens(Encoder *encoder, Dataset *set, size_t example)
{
    size_t n = encoder->n_text;
    size_t kept = n < encoder->pre->max_words ? n : encoder->pre->max_words;
    size_t at = set->start[example], room = kept > 0 ? kept : 1;
    set->token = mem_grow(set->token, &set->token_cap, at + room, sizeof *set->token);
    if (kept > 0) {
        memcpy(set->token + at, encoder->text, kept * sizeof *set->token);
    } else {
        set->token[at] = lexicon_add(&encoder->words, TEXT(""));
        set->n_empty++;
    }
    set->start[example + 1] = at + room;
}

static Status add_wide(Encoder *encoder, Dataset *set, size_t example)
{
    const uint32_t *ids;
    const float *values;
    size_t n =
        wide_features(encoder->counter, encoder->text, encoder->n_text, &ids, &values);
    size_t at = set->n_wide;
    if (n > UINT32_MAX - at) {
        return status_set(STATUS_DATA,
                          "more than 4,294,967,295 wide features in one set; "
                          "split the rows into several files");
    }
    set->wide_begin[example] = (uint32_t)at;
    set->wide_count[example] = (uint32_t)n;
    if (n > 0) {
        set->wide_id =
            mem_grow(set->wide_id, &set->wide_id_cap, at + n, sizeof *set->wide_id);
        set->wide_value = mem_grow(set->wide_value, &set->wide_value_cap, at + n,
                                   sizeof *set->wide_value);
        memcpy(set->wide_id + at, ids, n * sizeof *ids);
        memcpy(set->wide_value + at, values, n * sizeof *values);
        set->n_wide += n;
    }
    return STATUS_OK;
}

static Status add_label(const Encoder *encoder, Dataset *set, size_t example,
                        const Corpus *rows, size_t row)
{
    Text label = rows->label[row];
    set->label[example] = preprocessor_class(encoder->pre, label);
    if (set->label[example] >= 0) {
        return STATUS_OK;
    }
    char *place = corpus_place(rows, row);
    char *name = mem_strndup(label.p, label.n);
    const StrList *known = &encoder->pre->labels.names;
    const char *nearest = text_nearest(name, (const char *const *)known->items, known->n);
    status_set(STATUS_DATA, "%s: label \"%s\" was never seen in training", place, name);
    if (nearest) {
        status_hint("did you mean \"%s\"?", nearest);
    }
    free(name);
    free(place);
    return STATUS_DATA;
}

/* Rows and n-grams of every distinct word, once all texts were seen. */
static Status encode_words(const Encoder *encoder, Dataset *set)
{
    const Lexicon *words = &encoder->words;
    size_t n_ngrams = 0, cap = 0;
    set->n_words = words->n;
    set->word_row = mem_alloc(words->n, sizeof *set->word_row);
    set->ngram_begin = mem_alloc(words->n, sizeof *set->ngram_begin);
    set->ngram_count = mem_alloc(words->n, sizeof *set->ngram_count);
    for (size_t i = 0; i < words->n; i++) {
        Text word = lexicon_get(words, (uint32_t)i);
        set->word_row[i] = vocabulary_row(&encoder->pre->vocabulary, word);
        set->ngram_begin[i] = (uint32_t)n_ngrams;
        set->ngram_count[i] = 0;
        if (word.n > 0) {
            set->ngram_count[i] = (uint32_t)word_ngrams(&encoder->pre->ngrams, word,
                                                        &set->ngram, &n_ngrams, &cap);
        }
        if (n_ngrams > UINT32_MAX) {
            return status_set(STATUS_DATA, "more than 4,294,967,295 n-grams in one set; "
                                           "split the rows into several files");
        }
    }
    return STATUS_OK;
}

static Status encode(Encoder *encoder, const Corpus *rows, const uint32_t *index,
                     bool labelled, Dataset *set)
{
    for (size_t i = 0; i < set->n; i++) {
        size_t row = index ? index[i] : i;
        split_text(encoder, rows->text[row]);
        add_tokens(encoder, set, i);
        TRY(add_wide(encoder, set, i));
        set->label[i] = -1;
        if (labelled) {
            TRY(add_label(encoder, set, i, rows, row));
        }
    }
    return encode_words(encoder, set);
}

Status dataset_encode(const Preprocessor *pre, const Corpus *rows, const uint32_t *index,
                      size_t n, bool labelled, Dataset **out)
{
    Dataset *set = mem_zalloc(1, sizeof *set);
    set->n = index ? n : rows->n;
    set->start = mem_zalloc(set->n + 1, sizeof *set->start);
    set->wide_begin = mem_zalloc(set->n, sizeof *set->wide_begin);
    set->wide_count = mem_zalloc(set->n, sizeof *set->wide_count);
    set->label = mem_zalloc(set->n, sizeof *set->label);

    Encoder encoder = {.pre = pre};
    encoder.counter = wide_counter_open(&pre->wide, &encoder.words);
    Status status = encode(&encoder, rows, index, labelled, set);
    wide_counter_close(encoder.counter);
    lexicon_free(&encoder.words);
    strbuf_free(&encoder.cleaned);
    free(encoder.text);
    if (status != STATUS_OK) {
        dataset_close(set);
        return status;
    }
    *out = set;
    return STATUS_OK;
}

size_t dataset_size(const Dataset *set)
{
    return set->n;
}

size_t dataset_n_tokens(const Dataset *set)
{
    return set->start[set->n];
}

int32_t dataset_label(const Dataset *set, size_t example)
{
    return set->label[example];
}

size_t dataset_length(const Dataset *set, size_t example)
{
    return set->start[example + 1] - set->start[example];
}

size_t dataset_n_empty(const Dataset *set)
{
    return set->n_empty;
}

WordTable dataset_words(const Dataset *set)
{
    return (WordTable){.n = set->n_words,
                       .row = set->word_row,
                       .ngram_begin = set->ngram_begin,
                       .ngram_count = set->ngram_count,
                       .ngram = set->ngram};
}

WideTable dataset_wide(const Dataset *set)
{
    return (WideTable){.begin = set->wide_begin,
                       .count = set->wide_count,
                       .id = set->wide_id,
                       .value = set->wide_value};
}

/* ---- packing ---- */

struct BatchPacker {
    const Dataset *set;
    uint64_t *present; /* [n_words] bits: the words of the batch at hand; else all 0 */
    uint32_t *place;   /* [n_words] place of a present word in the batch's table */

    uint32_t *text_start, *wide_begin, *wide_count, *example; /* per text */
    int32_t *label;
    size_t text_cap;
    uint32_t *token; /* [token_cap] */
    size_t token_cap;
    uint32_t *word_id, *word_row, *ngram_begin, *ngram_count; /* [word_cap] */
    size_t word_cap;
};

BatchPacker *batch_packer_open(const Dataset *set)
{
    BatchPacker *packer = mem_zalloc(1, sizeof *packer);
    packer->set = set;
    packer->present = mem_zalloc(set->n_words / 64 + 1, sizeof *packer->present);
    packer->place = mem_zalloc(set->n_words, sizeof *packer->place);
    return packer;
}

void batch_packer_close(BatchPacker *packer)
{
    if (!packer) {
        return;
    }
    free(packer->present);
    free(packer->place);
    free(packer->text_start);
    free(packer->wide_begin);
    free(packer->wide_count);
    free(packer->example);
    free(packer->label);
    free(packer->token);
    free(packer->word_id);
    free(packer->word_row);
    free(packer->ngram_begin);
    free(packer->ngram_count);
    free(packer);
}

/* A larger array in place of the old one, whose contents are not needed any more. */
static void *larger(void *old, size_t n)
{
    free(old);
    return mem_alloc(n, sizeof(uint32_t));
}

static void make_room_for_texts(BatchPacker *packer, size_t n)
{
    if (n <= packer->text_cap) {
        return;
    }
    packer->text_cap = n;
    packer->text_start = larger(packer->text_start, n + 1);
    packer->wide_begin = larger(packer->wide_begin, n);
    packer->wide_count = larger(packer->wide_count, n);
    packer->example = larger(packer->example, n);
    packer->label = larger(packer->label, n);
}

/* A batch has at most as many distinct words as tokens, and as the set has. */
static void make_room_for_tokens(BatchPacker *packer, size_t n)
{
    if (n > packer->token_cap) {
        packer->token_cap = n;
        packer->token = larger(packer->token, n);
    }
    size_t n_words = n < packer->set->n_words ? n : packer->set->n_words;
    if (n_words > packer->word_cap) {
        packer->word_cap = n_words;
        packer->word_id = larger(packer->word_id, n_words);
        packer->word_row = larger(packer->word_row, n_words);
        packer->ngram_begin = larger(packer->ngram_begin, n_words);
        packer->ngram_count = larger(packer->ngram_count, n_words);
    }
}

static size_t count_tokens(const Dataset *set, const uint32_t *examples, size_t n)
{
    size_t n_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        n_tokens += dataset_length(set, examples[i]);
    }
    return n_tokens;
}

/* Copies the texts' tokens as numbers of the set, and marks which words are there. */
static void gather_texts(BatchPacker *packer, const uint32_t *examples, size_t n)
{
    const Dataset *set = packer->set;
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t example = examples[i];
        packer->text_start[i] = at;
        packer->example[i] = example;
        packer->label[i] = set->label[example];
        packer->wide_begin[i] = set->wide_begin[example];
        packer->wide_count[i] = set->wide_count[example];
        for (size_t t = set->start[example]; t < set->start[example + 1]; t++) {
            uint32_t word = set->token[t];
            packer->token[at++] = word;
            packer->present[word / 64] |= (uint64_t)1 << (word % 64);
        }
    }
    packer->text_start[n] = at;
}

/* Fills the word table in ascending order and clears the marks. */
static size_t gather_words(BatchPacker *packer)
{
    const Dataset *set = packer->set;
    size_t n = 0;
    for (size_t i = 0; i <= set->n_words / 64; i++) {
        for (uint64_t bits = packer->present[i]; bits; bits &= bits - 1) {
            uint32_t word = (uint32_t)(64 * i) + (uint32_t)__builtin_ctzll(bits);
            packer->place[word] = (uint32_t)n;
            packer->word_id[n] = word;
            packer->word_row[n] = set->word_row[word];
            packer->ngram_begin[n] = set->ngram_begin[word];
            packer->ngram_count[n] = set->ngram_count[word];
            n++;
        }
        packer->present[i] = 0;
    }
    return n;
}

void batch_pack(BatchPacker *packer, const uint32_t *examples, size_t n, PackedBatch *out)
{
    const Dataset *set = packer->set;
    size_t n_tokens = count_tokens(set, examples, n);
    CHECK(n_tokens <= UINT32_MAX);
    make_room_for_texts(packer, n);
    make_room_for_tokens(packer, n_tokens);
    gather_texts(packer, examples, n);
    size_t n_words = gather_words(packer);
    for (size_t t = 0; t < n_tokens; t++) {
        packer->token[t] = packer->place[packer->token[t]];
    }
    *out = (PackedBatch){.n_texts = n,
                         .n_tokens = n_tokens,
                         .n_words = n_words,
                         .text_start = packer->text_start,
                         .token_word = packer->token,
                         .word_id = packer->word_id,
                         .word_row = packer->word_row,
                         .ngram_begin = packer->ngram_begin,
                         .ngram_count = packer->ngram_count,
                         .ngram = set->ngram,
                         .wide_begin = packer->wide_begin,
                         .wide_count = packer->wide_count,
                         .wide_id = set->wide_id,
                         .wide_value = set->wide_value,
                         .label = packer->label,
                         .example = packer->example};
}
