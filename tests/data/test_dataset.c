/* Encoded texts and packed batches, against a slow computation from the words. */
#include "data/dataset.h"

#include "base/log.h"
#include "data/clean.h"
#include "data/preprocessor_state.h"
#include "data/tokenize.h"
#include "tests/data/help.h"
#include "tests/data/sample.h"

static TokenizedRows *rows;
static Preprocessor *pre;

static int set_up(void **state)
{
    log_set_quiet(true);
    DataConfig config = sample_config(WIDE_WORDS_CHARS);
    rows = sample_rows(&config);
    return help_make_folder(state) ||
           preprocessor_fit(&config, rows, NULL, N_SAMPLE, &pre) != STATUS_OK;
}

static int tear_down(void **state)
{
    tokenized_close(rows);
    preprocessor_close(pre);
    return help_remove_folder(state);
}

static Dataset *encode(const uint32_t *index, size_t n)
{
    Dataset *set;
    DatasetSource source = {.rows = rows, .index = index, .n = n, .labelled = true};
    assert_ok(dataset_open(pre, &source, &set));
    return set;
}

/* Number `word` of the batch's table is `expected`: its row and its n-grams. */
static void expect_word(const PackedBatch *batch, uint32_t word, Text expected)
{
    assert_int_equal(batch->word_row[word], vocabulary_row(&pre->vocabulary, expected));
    uint32_t *ngrams = NULL;
    size_t n = 0, cap = 0;
    word_ngrams(&pre->ngrams, expected, &ngrams, &n, &cap);
    assert_int_equal(batch->ngram_count[word], n);
    assert_memory_equal(batch->ngram + batch->ngram_begin[word], ngrams,
                        n * sizeof *ngrams);
    free(ngrams);
}

/* Text `i` of the batch holds the first words of this row, in their order. */
static void expect_text(const PackedBatch *batch, size_t i, size_t row)
{
    StrBuf cleaned = {0};
    SplitScratch scratch = {0};
    word_splitter_split(pre->splitter, text_of(SAMPLE[row].text), &scratch, &cleaned);
    split_scratch_free(&scratch);
    Text rest = {cleaned.p, cleaned.n}, word;
    uint32_t at = batch->text_start[i];
    size_t n = 0;
    while (n < pre->max_words && clean_next_word(&rest, &word)) {
        expect_word(batch, batch->token_word[at + n], word);
        n++;
    }
    if (n == 0) {
        uint32_t empty = batch->token_word[at];
        assert_int_equal(batch->word_row[empty], WORD_UNK);
        assert_int_equal(batch->ngram_count[empty], 0);
        n = 1;
    }
    assert_int_equal(batch->text_start[i + 1], at + n);
    strbuf_free(&cleaned);
}

static void expect_batch(BatchPacker *packer, const uint32_t *examples, size_t n)
{
    PackedBatch batch;
    batch_pack(packer, examples, n, &batch);
    assert_int_equal(batch.n_texts, n);
    assert_int_equal(batch.text_start[0], 0);
    assert_int_equal(batch.text_start[n], batch.n_tokens);
    for (size_t i = 0; i < n; i++) {
        expect_text(&batch, i, examples[i]);
        assert_int_equal(batch.example[i], examples[i]);
        assert_int_equal(batch.targets.classes[i],
                         preprocessor_class(pre, text_of(SAMPLE[examples[i]].label)));
    }
    for (size_t i = 1; i < batch.n_words; i++) {
        assert_true(batch.word_id[i - 1] < batch.word_id[i]);
    }
    uint8_t used[64] = {0};
    for (size_t t = 0; t < batch.n_tokens; t++) {
        assert_true(batch.token_word[t] < batch.n_words);
        used[batch.token_word[t]] = 1;
    }
    for (size_t i = 0; i < batch.n_words; i++) {
        assert_int_equal(used[i], 1);
    }
}

static void test_batches_hold_their_texts(void **state)
{
    (void)state;
    Dataset *set = encode(NULL, 0);
    BatchPacker *packer = batch_packer_open(set);
    expect_batch(packer, (const uint32_t[]){3}, 1);
    expect_batch(packer, (const uint32_t[]){0, 1, 2, 3, 4, 5}, 6);
    expect_batch(packer, (const uint32_t[]){5, 4, 2}, 3);
    expect_batch(packer, (const uint32_t[]){2, 2}, 2);
    expect_batch(packer, (const uint32_t[]){4}, 1);
    expect_batch(packer, NULL, 0);
    batch_packer_close(packer);
    dataset_close(set);
}

static void test_sizes(void **state)
{
    (void)state;
    Dataset *set = encode(NULL, 0);
    assert_int_equal(dataset_size(set), 6);
    assert_int_equal(dataset_length(set, 0), 4);
    assert_int_equal(dataset_length(set, 4), 1);
    assert_int_equal(dataset_length(set, 5), 4); /* of 5 words */
    assert_int_equal(dataset_n_tokens(set), 4 + 4 + 4 + 4 + 1 + 4);
    assert_int_equal(dataset_label(set, 1), 1);
    dataset_close(set);
}

static void test_an_index_picks_rows(void **state)
{
    (void)state;
    Dataset *set = encode((const uint32_t[]){5, 1}, 2);
    assert_int_equal(dataset_size(set), 2);
    BatchPacker *packer = batch_packer_open(set);
    PackedBatch batch;
    batch_pack(packer, (const uint32_t[]){1}, 1, &batch);
    expect_text(&batch, 0, 1);
    batch_pack(packer, (const uint32_t[]){0}, 1, &batch);
    expect_text(&batch, 0, 5);
    batch_packer_close(packer);
    dataset_close(set);
}

/* The whole text counts for wide features, also behind max_words. */
static void test_wide_features(void **state)
{
    (void)state;
    Dataset *set = encode(NULL, 0);
    BatchPacker *packer = batch_packer_open(set);
    PackedBatch batch;
    batch_pack(packer, (const uint32_t[]){4, 5, 0}, 3, &batch);

    Lexicon words = {0};
    const uint32_t text[] = {
        lexicon_add(&words, TEXT("strasse")), lexicon_add(&words, TEXT("und")),
        lexicon_add(&words, TEXT("caf\xc3\xa9")), lexicon_add(&words, TEXT("und")),
        lexicon_add(&words, TEXT("caf\xc3\xa9"))};
    const uint32_t *ids;
    const float *values;
    WideCounter *counter = wide_counter_open(&pre->wide, &words);
    size_t n = wide_features(counter, text, 5, &ids, &values);
    uint32_t begin = batch.wide_begin[1];
    assert_int_equal(batch.wide_count[0], 0);
    assert_int_equal(batch.wide_count[1], n);
    assert_memory_equal(batch.wide_id + begin, ids, n * sizeof *ids);
    assert_memory_equal(batch.wide_value + begin, values, n * sizeof *values);
    assert_int_equal(batch.wide_begin[2], n);
    wide_counter_close(counter);
    lexicon_free(&words);
    batch_packer_close(packer);
    dataset_close(set);
}

static void test_word_table_of_the_set(void **state)
{
    (void)state;
    Dataset *set = encode(NULL, 0);
    WordTable words = dataset_words(set);
    BatchPacker *packer = batch_packer_open(set);
    PackedBatch batch;
    batch_pack(packer, (const uint32_t[]){0, 1, 2, 3, 4, 5}, 6, &batch);
    for (size_t i = 0; i < batch.n_words; i++) {
        uint32_t id = batch.word_id[i];
        assert_true(id < words.n);
        assert_int_equal(words.row[id], batch.word_row[i]);
        assert_int_equal(words.ngram_begin[id], batch.ngram_begin[i]);
        assert_int_equal(words.ngram_count[id], batch.ngram_count[i]);
    }
    assert_ptr_equal(words.ngram, batch.ngram);
    batch_packer_close(packer);
    dataset_close(set);
}

static void test_memory_stays_after_the_largest_batch(void **state)
{
    (void)state;
    Dataset *set = encode(NULL, 0);
    BatchPacker *packer = batch_packer_open(set);
    PackedBatch large, small;
    batch_pack(packer, (const uint32_t[]){0, 1, 2, 3, 4, 5}, 6, &large);
    batch_pack(packer, (const uint32_t[]){1, 5, 0}, 3, &small);
    assert_ptr_equal(large.token_word, small.token_word);
    assert_ptr_equal(large.word_id, small.word_id);
    assert_ptr_equal(large.text_start, small.text_start);
    batch_packer_close(packer);
    dataset_close(set);
}

static void test_labels_never_seen(void **state)
{
    (void)state;
    put("new.csv", "text,tag\nred,fruit\n\"blue\nsky\",vehicles\n");
    StrList files = list_of("new.csv", NULL), columns = list_of("text", NULL);
    TokenizeRequest request = {.files = &files,
                               .text_columns = &columns,
                               .label = "tag",
                               .splitter = pre->splitter,
                               .fd = -1};
    TokenizedRows *fresh;
    assert_ok(tokenize_files(&request, &fresh));
    DatasetSource source = {.rows = fresh, .labelled = true};
    Dataset *set;
    assert_fails(STATUS_DATA,
                 "new.csv:3:1: label \"vehicles\" was never seen in training",
                 dataset_open(pre, &source, &set));
    assert_string_equal(status_hint_text(), "did you mean \"vehicle\"?");
    source.labelled = false;
    assert_ok(dataset_open(pre, &source, &set));
    assert_int_equal(dataset_label(set, 0), -1);
    assert_int_equal(dataset_label(set, 1), -1);
    dataset_close(set);
    tokenized_close(fresh);
    strlist_free(&files);
    strlist_free(&columns);
}

static void test_texts_without_labels(void **state)
{
    (void)state;
    const Text texts[] = {text_of(SAMPLE[0].text), TEXT("")};
    Dataset *set;
    assert_ok(dataset_open_texts(pre, texts, 2, &set));
    BatchPacker *packer = batch_packer_open(set);
    PackedBatch batch;
    batch_pack(packer, (const uint32_t[]){0, 1}, 2, &batch);
    expect_text(&batch, 0, 0);
    assert_int_equal(batch.text_start[2] - batch.text_start[1], 1);
    assert_int_equal(batch.targets.classes[0], -1);
    batch_packer_close(packer);
    dataset_close(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_hold_their_texts),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_an_index_picks_rows),
        cmocka_unit_test(test_wide_features),
        cmocka_unit_test(test_word_table_of_the_set),
        cmocka_unit_test(test_memory_stays_after_the_largest_batch),
        cmocka_unit_test(test_labels_never_seen),
        cmocka_unit_test(test_texts_without_labels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
