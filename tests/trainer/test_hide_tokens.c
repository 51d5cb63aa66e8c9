/* What a masked language model is asked: the shares of the paper, the same for a text in
 * whatever batch, other tokens each epoch, special tokens never; and a word table that
 * says what the tokens say. */
#include "trainer/hide_tokens.h"

#include "data/text_set.h"
#include "model/encoder.h"
#include "tests/data/help.h"

#include <math.h>

enum { TEXTS = 400, TEXT_WORDS = 50, WORDS = 40 };

static const double RATE = 0.15;

/* Random words "w0" to "w39", the first of every text being one that is seen once. */
static int make_text(void **state)
{
    int failed = help_make_folder(state);
    StrBuf out = {0};
    uint32_t draw = 1;
    for (size_t i = 0; i < TEXTS; i++) {
        strbuf_printf(&out, "rare%zu ", i);
        for (size_t j = 1; j < TEXT_WORDS; j++) {
            draw = draw * 1664525u + 1013904223u;
            strbuf_printf(&out, "w%u ", (draw >> 16) % WORDS);
        }
        strbuf_add_char(&out, '\n');
    }
    put_bytes("text.txt", out.p, out.n);
    strbuf_free(&out);
    return failed;
}

static TextSet open_texts(TokenizerKind tokenizer)
{
    StrList files = list_of("text.txt", NULL);
    DataConfig config = {.invalid_utf8 = UTF8_ERROR,
                         .tokenizer = (int)tokenizer,
                         .max_words = 60,
                         .min_count = 2,
                         .vocab_size = 200,
                         .lowercase = true,
                         .ngram_min = 2,
                         .ngram_max = 3,
                         .ngram_buckets = tokenizer == TOKENIZER_WORDS ? 64 : 0,
                         .wide_buckets = 1};
    TextSet set;
    assert_ok(text_set_open(&config, 42, &files, &set));
    strlist_free(&files);
    return set;
}

/* The rows of a batch's tokens. */
static void rows_of(const PackedBatch *batch, uint32_t *rows)
{
    for (size_t t = 0; t < batch->n_tokens; t++) {
        rows[t] = batch->word_row[batch->token_word[t]];
    }
}

static void check_table(const PackedBatch *batch, const WordTable *units)
{
    bool used[TEXTS + WORDS + 300] = {false};
    for (size_t t = 0; t < batch->n_tokens; t++) {
        used[batch->token_word[t]] = true;
    }
    for (size_t w = 0; w < batch->n_words; w++) {
        uint32_t id = batch->word_id[w];
        assert_true(used[w]);
        assert_true(w == 0 || batch->word_id[w - 1] < id);
        if (id == KEY_MASK) {
            assert_int_equal(batch->word_row[w], units->mask_row);
            assert_int_equal(batch->ngram_count[w], 0);
        } else {
            assert_int_equal(batch->word_row[w], units->row[id]);
            assert_int_equal(batch->ngram_begin[w], units->ngram_begin[id]);
            assert_int_equal(batch->ngram_count[w], units->ngram_count[id]);
        }
    }
}

/* How many of the hidden tokens became what. */
typedef struct Shares {
    double tokens, hidden, mask, same, other;
} Shares;

static void count(Shares *shares, const uint32_t *before, const uint32_t *after,
                  const HiddenTokens *hidden, uint32_t mask, size_t n_tokens)
{
    size_t h = 0;
    for (uint32_t t = 0; t < n_tokens; t++) {
        if (h == hidden->n || hidden->at[h] != t) {
            assert_int_equal(before[t], after[t]);
            continue;
        }
        assert_int_equal(hidden->label[h], before[t]);
        shares->mask += after[t] == mask;
        shares->same += after[t] == before[t];
        shares->other += after[t] != before[t] && after[t] != mask;
        h++;
    }
    assert_int_equal(h, hidden->n);
    shares->tokens += (double)n_tokens;
    shares->hidden += (double)hidden->n;
}

static void check_shares(TokenizerKind tokenizer)
{
    TextSet set = open_texts(tokenizer);
    TokenHider *hider = token_hider_open(set.examples, set.preprocessor, 42, RATE);
    BatchPacker *packer = batch_packer_open(set.examples);
    WordTable units = dataset_words(set.examples);
    Shares shares = {0};
    static uint32_t before[TEXTS * 60], after[TEXTS * 60];
    bool special[300] = {false};
    preprocessor_mark_special(set.preprocessor, special);
    for (uint32_t first = 0; first < TEXTS; first += 16) {
        uint32_t examples[16];
        PackedBatch batch;
        HiddenTokens hidden;
        for (uint32_t i = 0; i < 16; i++) {
            examples[i] = first + i;
        }
        batch_pack(packer, examples, 16, &batch);
        rows_of(&batch, before);
        token_hider_hide(hider, 3, &batch, &hidden);
        rows_of(&batch, after);
        check_table(&batch, &units);
        count(&shares, before, after, &hidden, units.mask_row, batch.n_tokens);
        for (size_t h = 0; h < hidden.n; h++) {
            assert_false(special[hidden.label[h]]);
        }
    }
    if (tokenizer == TOKENIZER_WORDS) { /* all but the rare words may be hidden */
        double want = RATE * (TEXT_WORDS - 1) * TEXTS;
        assert_true(fabs(shares.hidden - want) < 4 * sqrt(want));
    }
    /* Another token drawn evenly is at times the same one. */
    double n = shares.hidden, two = 2.0 / WORDS * 0.1 * n;
    assert_true(n > 1000);
    assert_true(fabs(shares.mask - 0.8 * n) < 4 * sqrt(0.16 * n));
    assert_true(fabs(shares.same - 0.1 * n) < 4 * sqrt(0.09 * n) + two);
    assert_true(fabs(shares.other - 0.1 * n) < 4 * sqrt(0.09 * n) + two);
    batch_packer_close(packer);
    token_hider_close(hider);
    text_set_close(&set);
}

static void test_shares(void **state)
{
    (void)state;
    check_shares(TOKENIZER_WORDS);
    check_shares(TOKENIZER_WORDPIECE);
}

/* The rows that a text's tokens have after hiding, in this batch. */
static void hide_in(const TextSet *set, const uint32_t *examples, size_t n, size_t which,
                    uint32_t epoch, uint64_t seed, uint32_t out[60])
{
    TokenHider *hider = token_hider_open(set->examples, set->preprocessor, seed, RATE);
    BatchPacker *packer = batch_packer_open(set->examples);
    static uint32_t rows[TEXTS * 60];
    PackedBatch batch;
    HiddenTokens hidden;
    batch_pack(packer, examples, n, &batch);
    token_hider_hide(hider, epoch, &batch, &hidden);
    rows_of(&batch, rows);
    memcpy(out, rows + batch.text_start[which], TEXT_WORDS * sizeof *out);
    batch_packer_close(packer);
    token_hider_close(hider);
}

static void test_a_texts_own_draws(void **state)
{
    (void)state;
    TextSet set = open_texts(TOKENIZER_WORDS);
    const uint32_t alone[] = {7}, among[] = {3, 9, 7, 1};
    uint32_t a[60], b[60], other[60];
    hide_in(&set, alone, 1, 0, 5, 42, a);
    hide_in(&set, among, 4, 2, 5, 42, b);
    assert_memory_equal(a, b, TEXT_WORDS * sizeof *a);
    hide_in(&set, alone, 1, 0, 6, 42, other); /* another epoch, another seed */
    assert_memory_not_equal(a, other, TEXT_WORDS * sizeof *a);
    hide_in(&set, alone, 1, 0, 5, 43, other);
    assert_memory_not_equal(a, other, TEXT_WORDS * sizeof *a);
    text_set_close(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_a_texts_own_draws),
    };
    return cmocka_run_group_tests(tests, make_text, help_remove_folder);
}
