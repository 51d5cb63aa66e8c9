/* `muster pretrain`: word vectors, or an encoder (cli/pretrain_mlm.c), for
 * model.init_from. */
#include "cli/pretrain.h"

#include "cli/command.h"
#include "cli/pretrain_mlm.h"
#include "cli/rank_job.h"
#include "cli/rank_threads.h"
#include "cli/same_everywhere.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#include <signal.h>
#include <string.h>

static struct PretrainOptions {
    int64_t ranks;
    bool force, explain;
} options;

/* The sections that matter; returns how many. */
static size_t pretrain_sections(const WholeConfig *w, Section out[5])
{
    size_t n = 3;
    memcpy(out, w->sections, n * sizeof *out);
    if (w->pretrain.objective == OBJECTIVE_MLM) {
        out[n++] = w->sections[3];
    }
    out[n++] = w->sections[N_ALL_SECTIONS - 1];
    return n;
}

static void print_sections(FILE *out)
{
    WholeConfig whole;
    whole_config_init(&whole);
    config_help(&whole.sections[N_ALL_SECTIONS - 1], 1, out);
    fputs("\ndata:, model:, train: and seed: are those of a training: muster train "
          "--help\n",
          out);
}

/* ---- config ---- */

static Status refuse(const Config *config, const char *key, const char *what,
                     const char *hint)
{
    status_set(STATUS_CONFIG, "%s: %s: word vectors go with %s",
               config_origin(config, key), key, what);
    status_hint("%s; pretrain.objective=mlm takes both", hint);
    return STATUS_CONFIG;
}

static Status check_skipgram(WholeConfig *w, const Config *config, int n_ranks)
{
    if (w->data.train.n > 0 || w->pretrain.text.n == 0) {
        TRY(data_config_check(&w->data, config));
    } else {
        TRY(data_config_check_cleaning(&w->data, config));
    }
    if (w->data.tokenizer != TOKENIZER_WORDS) {
        return refuse(config, "data.tokenizer", "the word tokenizer",
                      "data.tokenizer=words");
    }
    if (w->model.arch == ARCH_BERT) {
        return refuse(config, "model.arch", "lite", "model.arch=lite");
    }
    TRY(pretrain_config_settle(&w->pretrain, config, w->train.lr));
    return pretrain_config_check(&w->pretrain, config, n_ranks);
}

static Status check_config(WholeConfig *w, Config *config, int n_ranks)
{
    if (!w->pretrain.out || !*w->pretrain.out) {
        return config_missing(config, "pretrain.out");
    }
    return w->pretrain.objective == OBJECTIVE_MLM
               ? pretrain_mlm_settle(w, config, n_ranks)
               : check_skipgram(w, config, n_ranks);
}

static Status fill_config(WholeConfig *w, Config *config, const Invocation *invocation,
                          const Ranks *ranks)
{
    for (size_t i = 0; i < invocation->n_args; i++) {
        if (strchr(invocation->args[i], '=')) {
            TRY(config_override(config, invocation->args[i]));
        }
    }
    TRY(config_apply(config, w->sections, N_ALL_SECTIONS));
    TRY(check_config(w, config, ranks->size));
    if (options.explain && ranks->rank == 0) {
        Section used[5];
        config_explain(config, used, pretrain_sections(w, used), stdout);
    }
    return STATUS_OK;
}

static void add_to_digest(void *sha, const char *key, const char *value)
{
    sha256_add(sha, key, strlen(key) + 1);
    sha256_add(sha, value, strlen(value) + 1);
}

static Status read_config(WholeConfig *w, const Invocation *invocation,
                          const Ranks *ranks)
{
    const char *first = invocation->args[0];
    Config *config = NULL;
    TRY(config_open(strchr(first, '=') ? NULL : first, &config));
    Status status = fill_config(w, config, invocation, ranks);
    Section used[5];
    size_t n = pretrain_sections(w, used);
    Sha256 *sha = sha256_begin();
    config_flatten(used, n, add_to_digest, sha);
    sha256_end(sha, w->digest);
    config_close(config);
    return status;
}

static int64_t dim_of(const WholeConfig *w)
{
    return w->pretrain.dim > 0 ? w->pretrain.dim : w->model.hidden;
}

/* ---- ranks ---- */

/* Before hours of work, not after them. */
static Status check_out(const WholeConfig *w, const Ranks *ranks)
{
    Status status = STATUS_OK;
    if (ranks->rank == 0 && !options.force &&
        (dir_exists(w->pretrain.out) || file_exists(w->pretrain.out))) {
        status = status_set(STATUS_DENIED, "%s: is there already", w->pretrain.out);
        status_hint("--force replaces it; pretrain.out=DIR puts the result elsewhere");
    }
    return ranks_agree(ranks, status);
}

/* ---- the end ---- */

static void print_json(const WholeConfig *w, const PretrainResult *r, const Corpus *c)
{
    StrBuf text = {0};
    JsonWriter j = json_writer(&text, 2);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"vocab_size", (double)r->vectors.n},
        {"dim", (double)r->vectors.dim},
        {"texts", (double)corpus_n_texts(c)},
        {"words", (double)corpus_n_words(c)},
        {"loss", r->loss},
        {"words_per_s", (double)r->words / r->seconds},
        {"words_per_cpu_s", (double)r->words / r->cpu_seconds},
        {"seconds", r->seconds},
    };
    json_begin_object(&j);
    json_write_key(&j, "out");
    json_write_string(&j, w->pretrain.out);
    json_write_key(&j, "deterministic");
    json_write_bool(&j, w->pretrain.deterministic);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&j, numbers[i].name);
        json_write_double(&j, numbers[i].value);
    }
    json_end_object(&j);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* How the end is told. */
typedef enum Telling { TELL_JSON, TELL_NEXT, TELL_FIGURES } Telling;

static void print_text(const WholeConfig *w, const PretrainResult *r, bool next)
{
    log_note("%zu vectors of %zu numbers, loss %.4f, %.0f words/s", r->vectors.n,
             r->vectors.dim, r->loss, (double)r->words / r->seconds);
    if (next) {
        log_note("%s: next: muster train CONFIG model.init_from=%s", w->pretrain.out,
                 w->pretrain.out);
    }
}

/* What the vectors depend on: rows, words, settings, seed. Not where they go, nor the
 * threads, which do not show in them. */
static void add_setting(void *sha, const char *key, const char *value)
{
    if (strcmp(key, "pretrain.out") != 0 && strcmp(key, "pretrain.threads") != 0) {
        add_to_digest(sha, key, value);
    }
}

static void digest_source(const WholeConfig *w, const Corpus *corpus,
                          char out[SHA256_HEX])
{
    const int64_t numbers[] = {w->top.seed, dim_of(w), w->data.ngram_min,
                               w->data.ngram_max, w->data.ngram_buckets};
    Sha256 *sha = sha256_begin();
    config_flatten(&w->sections[N_ALL_SECTIONS - 1], 1, add_setting, sha);
    sha256_add(sha, numbers, sizeof numbers);
    sha256_add(sha, corpus_digest(corpus), SHA256_HEX);
    sha256_end(sha, out);
}

static Status save(const WholeConfig *w, const PretrainResult *result,
                   const Corpus *corpus)
{
    char source[SHA256_HEX];
    digest_source(w, corpus, source);
    VectorsInfo info = {.settings = &w->sections[N_ALL_SECTIONS - 1],
                        .seed = (uint64_t)w->top.seed,
                        .corpus_digest = corpus_digest(corpus),
                        .source_digest = source,
                        .loss = result->loss};
    return word_vectors_save(&result->vectors, &info, w->pretrain.out);
}

/* ---- all of it ---- */

static Status train(const WholeConfig *w, const Ranks *ranks, const Corpus *corpus,
                    Telling telling)
{
    PretrainJob job = {.ranks = ranks,
                       .config = &w->pretrain,
                       .dim = (size_t)dim_of(w),
                       .seed = (uint64_t)w->top.seed,
                       .corpus = corpus};
    if (w->pretrain.ngrams && w->pretrain.deterministic) {
        job.ngrams = (NgramConfig){(size_t)w->data.ngram_min, (size_t)w->data.ngram_max,
                                   (size_t)w->data.ngram_buckets};
    }
    log_note("%zu texts, %llu words, %zu of them seen often enough%s",
             corpus_n_texts(corpus), (unsigned long long)corpus_n_words(corpus),
             corpus_vocab_size(corpus),
             w->pretrain.deterministic ? "" : "; Hogwild: other bits each time");
    PretrainResult result = {0};
    TRY(pretrain_run(&job, &result));
    Status status = STATUS_OK;
    if (ranks->rank == 0) {
        status = save(w, &result, corpus);
    }
    if (status == STATUS_OK && ranks->rank == 0 && telling == TELL_JSON) {
        print_json(w, &result, corpus);
    } else if (status == STATUS_OK) {
        print_text(w, &result, telling == TELL_NEXT);
    }
    pretrain_result_free(&result);
    return ranks_agree(ranks, status);
}

static Status read_corpus(const WholeConfig *w, const Ranks *ranks, Corpus **out)
{
    CorpusRequest request = {.config = &w->data,
                             .seed = (uint64_t)w->top.seed,
                             .text = &w->pretrain.text,
                             .min_count = (uint64_t)w->pretrain.min_count,
                             .vocab_size = (size_t)w->pretrain.vocab_size};
    TRY(ranks_agree(ranks, corpus_open(&request, out)));
    return same_everywhere(ranks, corpus_digest(*out), STATUS_DATA, "the text");
}

/* ---- for a training ---- */

typedef enum VectorsState { VECTORS_FIT, VECTORS_MISSING, VECTORS_OTHER } VectorsState;

/* Rank 0 looks; the others are told. Collective. */
static Status look_at_vectors(const WholeConfig *w, const Ranks *ranks,
                              const Corpus *corpus, VectorsState *out)
{
    Status status = STATUS_OK;
    *out = VECTORS_FIT;
    if (ranks->rank == 0) {
        char wanted[SHA256_HEX], found[SHA256_HEX] = "";
        digest_source(w, corpus, wanted);
        status = word_vectors_source(w->pretrain.out, found);
        *out = strcmp(wanted, found) == 0 ? VECTORS_FIT : VECTORS_OTHER;
        if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK;
            *out = VECTORS_MISSING;
        }
    }
    TRY(ranks_agree(ranks, status));
    ranks->broadcast(ranks->self, out, sizeof *out);
    return STATUS_OK;
}

static Status make_vectors(const WholeConfig *w, const Ranks *ranks, const Corpus *corpus)
{
    VectorsState state;
    TRY(look_at_vectors(w, ranks, corpus, &state));
    if (state == VECTORS_FIT) {
        log_note("%s: word vectors, learnt before", w->pretrain.out);
        return STATUS_OK;
    }
    TRY(pretrain_config_check(&w->pretrain, NULL, ranks->size));
    log_note("%s: learning word vectors%s", w->pretrain.out,
             state == VECTORS_OTHER
                 ? " again: those there come from other rows, settings or another seed"
                 : " first");
    return train(w, ranks, corpus, TELL_FIGURES);
}

/* There is nothing yet that a signal could save: it ends the program, as it ends
 * `muster pretrain`. */
enum { N_SIGNALS = 3 };
static const int SIGNALS[N_SIGNALS] = {SIGINT, SIGTERM, SIGUSR1};

Status pretrain_for_training(const WholeConfig *w, const Ranks *ranks)
{
    if (!w->makes_vectors) {
        return STATUS_OK;
    }
    struct sigaction before[N_SIGNALS], usual = {.sa_handler = SIG_DFL};
    for (int i = 0; i < N_SIGNALS; i++) {
        sigaction(SIGNALS[i], &usual, &before[i]);
    }
    Corpus *corpus = NULL;
    Status status = read_corpus(w, ranks, &corpus);
    status = status == STATUS_OK ? make_vectors(w, ranks, corpus) : status;
    corpus_close(corpus);
    for (int i = 0; i < N_SIGNALS; i++) {
        sigaction(SIGNALS[i], &before[i], NULL);
    }
    return status;
}

/* ---- the command ---- */

static Status pretrain_words(const WholeConfig *w, const Ranks *ranks, bool json)
{
    Corpus *corpus = NULL;
    Status status = read_corpus(w, ranks, &corpus);
    status = status == STATUS_OK ? train(w, ranks, corpus, json ? TELL_JSON : TELL_NEXT)
                                 : status;
    corpus_close(corpus);
    return status;
}

static Status run_all(const Ranks *ranks, const Invocation *invocation, void *context)
{
    (void)context;
    WholeConfig whole;
    whole_config_init(&whole);
    Status status = ranks_agree(ranks, read_config(&whole, invocation, ranks));
    if (status == STATUS_OK) {
        status = same_everywhere(ranks, whole.digest, STATUS_CONFIG, "the config");
    }
    if (status == STATUS_OK && !options.explain) {
        bool mlm = whole.pretrain.objective == OBJECTIVE_MLM, json = invocation->json;
        status = check_out(&whole, ranks);
        if (status == STATUS_OK) {
            rank_threads_tell();
            status = mlm ? pretrain_mlm(&whole, ranks, json)
                         : pretrain_words(&whole, ranks, json);
        }
    }
    whole_config_free(&whole);
    return status;
}

static Status run(const Invocation *invocation)
{
    return rank_job_run(&(RankJob){.main = run_all}, options.ranks, invocation);
}

#define AT(field) offsetof(struct PretrainOptions, field)

static const Option OPTIONS[] = {
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(ranks),
     .value = "N",
     .min = 1,
     .max = 64,
     .help = "start mpirun with N ranks, a power of two, and supervise it"},
    {.name = "force",
     .kind = OPTION_FLAG,
     .offset = AT(force),
     .help = "replace a folder that is there"},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .offset = AT(explain),
     .help = "print every final value and where it came from, and stop"},
};

static const Example EXAMPLES[] = {
    {"muster pretrain configs/debian-sections-quality.yaml",
     "from the training split; its validation and test rows are not read"},
    {"muster train configs/x.yaml model.init_from=vectors", "a training from the result"},
    {"muster pretrain pretrain.text=[a.txt, b.txt.gz] pretrain.dim=64 pretrain.out=v",
     "from plain text, one text a line, without a config"},
    {"muster pretrain configs/x.yaml pretrain.deterministic=no",
     "Hogwild: faster, other bits each time"},
    {"muster pretrain configs/x.yaml pretrain.objective=mlm pretrain.out=encoder",
     "the config's own model, lite or bert, as a masked language model"},
};

const Command command_pretrain = {
    .name = "pretrain",
    .summary = "learn word vectors or an encoder from text, for model.init_from",
    .usage = "pretrain CONFIG [section.key=value ...]",
    .details =
        "Skip-gram with negative sampling over the training split of CONFIG's rows and "
        "over plain\ntext files. By default any number of threads, and 1, 2, 4 and 8 "
        "ranks, give the same bits;\npretrain.deterministic=no is Hogwild: faster, and "
        "other bits each time.\npretrain.objective=mlm trains the config's own encoder "
        "as "
        "a masked language model instead; steps\nare those of train: (batch_size, "
        "leaves, "
        "optimizer, scheduler, precision), and model.init_from is\nwhat it begins from.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "CONFIG",
    .more_help = print_sections,
    .run = run,
};
