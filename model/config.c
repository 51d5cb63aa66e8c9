/* The table of the `model:` section. */
#include "model/classifier.h"
#include "model/params.h"

static const char *const ARCHS[] = {"lite", "bert", NULL};
/* In the order of Pooling. */
static const char *const POOLINGS[] = {"mean", "max", "mean_max", "first", NULL};
static const char *const ACTIVATIONS[] = {"gelu", "gelu_tanh", "relu", NULL};

#define AT(field) offsetof(ModelConfig, field)

/* The fewer rows, the more the linear branch knows beside the deep one. */
static void auto_wide_weight(const DataFacts *facts, const void *target, AutoChoice *out)
{
    static const AutoStep STEPS[] = {{1000, "0.6"}, {SIZE_MAX, "0.5"}};
    (void)target;
    auto_by_rows(facts, STEPS, out);
}

const Field model_fields[] = {
    {"arch", FIELD_CHOICE, AT(arch), "lite", .choices = ARCHS,
     .help = "lite: words + hashed n-grams, a small encoder, a wide TF-IDF branch; bert: "
             "Hugging Face's BERT"},
    {"hidden", FIELD_INT, AT(hidden), "64", 1, 8192, .help = "width of the encoder"},
    {"layers", FIELD_INT, AT(layers), "1", 0, MAX_LAYERS,
     .help = "encoder blocks; 0 averages word vectors"},
    {"heads", FIELD_INT, AT(heads), "4", 1, 256,
     .help = "attention heads; a divisor of hidden"},
    {"ff", FIELD_INT, AT(ff), "128", 1, 65536, .help = "feed-forward width"},
    {"dropout", FIELD_DOUBLE, AT(dropout), "0.1", 0, 0.9,
     .help = "on embeddings and both residual branches"},
    {"pool_dropout", FIELD_DOUBLE, AT(pool_dropout), "0.2", 0, 0.9,
     .help = "before the head"},
    {"word_dropout", FIELD_DOUBLE, AT(word_dropout), "0.1", 0, 0.9,
     .help = "share of words replaced by a mask in training"},
    {"wide_dropout", FIELD_DOUBLE, AT(wide_dropout), "0.1", 0, 0.9,
     .help = "share of wide features left out in training"},
    {"wide_weight", FIELD_DOUBLE, AT(wide_weight), "auto", 0, 1,
     .automatic = auto_wide_weight,
     .help = "weight of the wide branch in the answer; auto: 0.6 up to 1,000 training "
             "rows, else 0.5"},
    {"activation", FIELD_CHOICE, AT(activation), "gelu", .choices = ACTIVATIONS,
     .help = "of the feed-forward part; gelu: exact, by erf"},
    {"attention_dropout", FIELD_DOUBLE, AT(attention_dropout), "0", 0, 0.9,
     .help = "on attention's probabilities"},
    {"layer_norm_eps", FIELD_DOUBLE, AT(layer_norm_eps), "1e-5", 0, 1, .above_min = true,
     .help = "added to the variance in layer normalisation"},
    {"token_types", FIELD_INT, AT(token_types), "2", 1, 1024,
     .help = "bert: rows of the token type table"},
    {"pooling", FIELD_CHOICE, AT(pooling), "mean", .choices = POOLINGS,
     .help = "lite: one vector of a text's tokens; mean_max: both, side by side"},
    {"positions", FIELD_INT, AT(positions), "0", 0, 1 << 20,
     .help = "rows of the position table; 0: data.max_words"},
    {"vocab_rows", FIELD_INT, AT(vocab_rows), "0", 0, 1 << 28,
     .help = "rows of the word table; 0: as many as the vocabulary has"},
    {"init_from", FIELD_TEXT, AT(init_from),
     .help = "folder to start from: word vectors (muster pretrain) for lite; a model "
             "folder, Hugging Face's too, for bert"},
};

const size_t n_model_fields = sizeof model_fields / sizeof model_fields[0];

Status model_config_check(const ModelConfig *config, const Config *source)
{
    if (config->hidden % config->heads != 0) {
        return status_set(STATUS_CONFIG,
                          "%s: model.heads: %lld does not divide model.hidden %lld",
                          config_origin(source, "model.heads"), (long long)config->heads,
                          (long long)config->hidden);
    }
    return STATUS_OK;
}
