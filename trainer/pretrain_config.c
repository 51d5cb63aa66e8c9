/* The table of the `pretrain:` section. */
#include "trainer/pretrain.h"

#include "model/skipgram.h"
#include "model/skipgram_shard.h"

#include <string.h>

static const char *const OBJECTIVES[] = {"skipgram", "mlm", NULL};

#define AT(field) offsetof(PretrainConfig, field)

const Field pretrain_fields[] = {
    {"objective", FIELD_CHOICE, AT(objective), "skipgram", .choices = OBJECTIVES,
     .help =
         "skipgram: word vectors, for model.init_from of arch lite; mlm: the config's "
         "own encoder as a masked language model, of either arch"},
    {"out", FIELD_TEXT, AT(out), "vectors", .help = "folder for the result"},
    {"text", FIELD_LIST, AT(text),
     .help = "plain text files, one text a line, beside or instead of data.train"},
    {"dim", FIELD_INT, AT(dim), "0", 0, SKIPGRAM_MAX_DIM,
     .help = "numbers of a vector; 0: model.hidden"},
    {"window", FIELD_INT, AT(window), "5", 1, SKIPGRAM_MAX_WINDOW, .unit = "words",
     .help = "to either side, at most; each width is as likely"},
    {"epochs", FIELD_INT, AT(epochs), "2", 1, 1e6,
     .help = "passes over the text; mlm: 10 by default"},
    {"min_count", FIELD_INT, AT(min_count), "5", 1, 1e9, .unit = "times",
     .help = "a word seen less often gets no vector"},
    {"vocab_size", FIELD_INT, AT(vocab_size), "200000", 2, 1e7, .unit = "words",
     .help = "most frequent words that get a vector"},
    {"negatives", FIELD_INT, AT(negatives), "5", 1, SKIPGRAM_MAX_NEGATIVES,
     .help = "drawn words that each word is told from"},
    {"ngrams", FIELD_BOOL, AT(ngrams), "false",
     .help = "learn data.ngram_buckets' vectors with the words', as the model composes "
             "them; Hogwild does not"},
    {"noise_power", FIELD_DOUBLE, AT(noise_power), "0.5", 0, 1,
     .help = "words are drawn with probability count^this"},
    {"subsample", FIELD_DOUBLE, AT(subsample), "1e-4", 0, 1, .above_min = true,
     .help = "words with a larger share of the text are left out at times"},
    {"lr", FIELD_DOUBLE, AT(lr), "0.05", 0, 10, .above_min = true,
     .help = "of plain SGD; falls to 0; mlm: by default train.lr, with train's optimizer "
             "and scheduler"},
    {"threads", FIELD_INT, AT(threads), "0", 0, 64,
     .help = "of each rank; 0: all cores on one rank, one on several"},
    {"deterministic", FIELD_BOOL, AT(deterministic), "true",
     .help = "the same bits on any number of threads, and on 1, 2, 4, 8 ranks; no: "
             "Hogwild on one rank, faster, other bits each time"},
    {"shards", FIELD_INT, AT(shards), "8", 1, SKIPGRAM_MAX_SHARDS,
     .help = "parts that train at once; a power of two, at least the ranks"},
    {"block", FIELD_INT, AT(block), "512", 1, 1e6, .unit = "words",
     .help = "of each part until their changes are added up"},
    {"mask_rate", FIELD_DOUBLE, AT(mask_rate), "0.15", 0, 1, .above_min = true,
     .help =
         "mlm: share of the tokens that is hidden and asked for: 80 % of them as MASK, "
         "10 % as another token, 10 % as they are"},
};

const size_t n_pretrain_fields = sizeof pretrain_fields / sizeof pretrain_fields[0];

static bool given(const Config *source, const char *key)
{
    return config_is_given(source, key);
}

static Status refuse(const Config *source, const char *key, const char *objective,
                     const char *hint)
{
    status_set(STATUS_CONFIG, "%s: %s: not with pretrain.objective: %s",
               config_origin(source, key), key, objective);
    status_hint("%s", hint);
    return STATUS_CONFIG;
}

/* What belongs to word vectors alone, and what is there in its place. */
static Status refuse_skipgrams(const Config *source)
{
    static const char *const KEYS[][2] = {
        {"pretrain.dim", "the width is model.hidden"},
        {"pretrain.min_count", "the vocabulary is the model's: data.min_count"},
        {"pretrain.vocab_size", "the vocabulary is the model's: data.vocab_size"},
        {"pretrain.window", "leave it out: attention sees the whole text"},
        {"pretrain.ngrams", "n-grams are the model's: data.ngram_buckets"},
        {"pretrain.negatives", "leave it out: all words are told apart"},
        {"pretrain.noise_power", "leave it out: all words are told apart"},
        {"pretrain.subsample", "leave it out, or see pretrain.mask_rate"},
        {"pretrain.threads", "ranks use further cores: --ranks"},
        {"pretrain.deterministic", "leave it out: it always is"},
        {"pretrain.shards", "use train.leaves"},
        {"pretrain.block", "use train.batch_size"},
    };
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        if (given(source, KEYS[i][0])) {
            return refuse(source, KEYS[i][0], "mlm", KEYS[i][1]);
        }
    }
    return STATUS_OK;
}

Status pretrain_config_settle(PretrainConfig *config, const Config *source,
                              double train_lr)
{
    if (config->objective == OBJECTIVE_SKIPGRAM) {
        return given(source, "pretrain.mask_rate")
                   ? refuse(source, "pretrain.mask_rate", "skipgram",
                            "use pretrain.objective: mlm, or leave it out")
                   : STATUS_OK;
    }
    TRY(refuse_skipgrams(source));
    if (!given(source, "pretrain.epochs")) {
        config->epochs = 10;
    }
    if (!given(source, "pretrain.lr")) {
        config->lr = train_lr;
    }
    return STATUS_OK;
}

Status pretrain_config_check(const PretrainConfig *config, const Config *source,
                             int n_ranks)
{
    if ((config->shards & (config->shards - 1)) != 0 || config->shards < n_ranks) {
        status_set(STATUS_CONFIG,
                   "%s: pretrain.shards: %lld, expected a power of two of "
                   "at least the %d ranks",
                   config_origin(source, "pretrain.shards"), (long long)config->shards,
                   n_ranks);
        status_hint("changes are added in a tree that must part evenly over the ranks");
        return STATUS_CONFIG;
    }
    if ((n_ranks & (n_ranks - 1)) != 0) {
        return status_set(STATUS_CONFIG,
                          "pretrain: %d ranks, expected 1, 2, 4 or another power of two",
                          n_ranks);
    }
    if (!config->deterministic && n_ranks > 1) {
        status_set(STATUS_CONFIG,
                   "%s: pretrain.deterministic: no, but there are %d ranks",
                   config_origin(source, "pretrain.deterministic"), n_ranks);
        status_hint("Hogwild needs one memory: use one rank and pretrain.threads");
        return STATUS_CONFIG;
    }
    bool asked = strcmp(config_origin(source, "pretrain.ngrams"), "default") != 0;
    if (!config->deterministic && config->ngrams && asked) {
        status_set(STATUS_CONFIG,
                   "%s: pretrain.ngrams: n-grams are learnt in rounds, but "
                   "pretrain.deterministic is no",
                   config_origin(source, "pretrain.ngrams"));
        status_hint("Hogwild learns words alone: leave pretrain.ngrams out");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}
