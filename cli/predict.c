/* `muster predict`: a model's answers to texts from the command line, a file or a pipe.
 */
#include "cli/command.h"
#include "cli/line_reader.h"
#include "cli/predict_output.h"
#include "cli/predict_parts.h"
#include "cli/rank_job.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/rows.h"
#include "predict/predictor.h"
#include "tracker/reference.h"
#include "trainer/watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct PredictOptions {
    const char *file;
    StrList text_columns;
    bool proba, csv;
    int64_t top, ranks;
    double threshold; /* below 0: the model's own */
    const char *tracking_uri;
} options = {.threshold = -1};

static Status predict_arguments(PredictParts *parts, const Invocation *invocation)
{
    for (size_t i = 1; i < invocation->n_args; i++) {
        Text text = text_of(invocation->args[i]);
        size_t valid = utf8_valid_prefix(text);
        if (valid < text.n) {
            return status_set(STATUS_USAGE, "text %zu: invalid UTF-8 at byte %zu", i,
                              valid + 1);
        }
        TRY(predict_parts_add(parts, &text, 1));
    }
    return STATUS_OK;
}

static Status predict_file(PredictParts *parts, const Predictor *predictor)
{
    const Preprocessor *pre = predictor_preprocessor(predictor);
    RowOptions row_options = {.columns = options.text_columns.n > 0
                                             ? &options.text_columns
                                             : preprocessor_text_columns(pre),
                              .policy = UTF8_ERROR};
    RowReader *rows = NULL;
    TRY(row_reader_open(options.file, &row_options, &rows));
    Row row;
    bool more = true;
    Status status = STATUS_OK;
    while (more && (status = row_reader_next(rows, &row, &more)) == STATUS_OK && more) {
        status = predict_parts_add(parts, row.fields, row.n_fields);
        if (status != STATUS_OK) {
            break;
        }
    }
    row_reader_close(rows);
    return status;
}

/* What has come so far is answered before we wait for more. */
static Status predict_lines(PredictParts *parts)
{
    LineReader *lines = line_reader_open(STDIN_FILENO, "<stdin>");
    Text line;
    bool more = true;
    Status status = STATUS_OK;
    while (status == STATUS_OK && more) {
        if (predict_parts_waiting(parts) && !line_reader_ready(lines)) {
            status = predict_parts_answer(parts);
        }
        if (status == STATUS_OK) {
            status = line_reader_next(lines, &line, &more);
        }
        if (status == STATUS_OK && more) {
            status = predict_parts_add(parts, &line, 1);
        }
    }
    line_reader_close(lines);
    return status;
}

static Status check_options(const Invocation *invocation)
{
    bool texts = invocation->n_args > 1;
    if (texts && options.file) {
        return status_set(STATUS_USAGE, "TEXT and --file exclude each other");
    }
    if (invocation->json && options.csv) {
        return status_set(STATUS_USAGE, "--json and --csv exclude each other");
    }
    if (options.text_columns.n > 0 && !options.file) {
        return status_set(STATUS_USAGE, "--text-column needs --file");
    }
    if (!texts && !options.file && isatty(STDIN_FILENO)) {
        status_set(STATUS_USAGE, "no text to predict");
        status_hint("give TEXT, --file FILE, or one text per line on standard input");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static AnswerStyle style_of(const Invocation *invocation)
{
    AnswerStyle style = {.proba = options.proba || options.top > 0,
                         .top = (size_t)options.top};
    if (options.csv) {
        style.form = ANSWERS_CSV;
    } else if (invocation->json) {
        style.form = invocation->n_args > 1 ? ANSWERS_JSON : ANSWERS_JSON_LINES;
    }
    return style;
}

/* Texts before a bad one are good: they are answered, then the bad one is told. */
static Status finish_parts(PredictParts *parts, Status status)
{
    if (!predict_parts_waiting(parts)) {
        return status;
    }
    if (status == STATUS_OK) {
        return predict_parts_answer(parts);
    }
    char *message = mem_strdup(status_message());
    char *hint = mem_strdup(status_hint_text());
    predict_parts_answer(parts);
    status_set(status, "%s", message);
    status_hint("%s", hint);
    free(message);
    free(hint);
    return status;
}

/* Rank 0's side. */
static Status predict_all(PredictParts *parts, const Predictor *predictor,
                          const Invocation *invocation)
{
    Status status = invocation->n_args > 1 ? predict_arguments(parts, invocation)
                    : options.file         ? predict_file(parts, predictor)
                                           : predict_lines(parts);
    return finish_parts(parts, status);
}

static Status predict(const Ranks *ranks, Predictor *predictor,
                      const Invocation *invocation)
{
    bool root = ranks->rank == 0;
    bool patient =
        invocation->n_args == 1 && (!options.file || strcmp(options.file, "-") == 0);
    if (patient) {
        watch_set_timeout(0); /* a rank that waits for somebody to type does not hang */
    }
    AnswerStyle style = style_of(invocation);
    AnswerPrinter *printer = root ? answers_begin(&style, predictor, stdout) : NULL;
    PredictParts *parts = predict_parts_open(ranks, predictor, printer, patient);
    Status status =
        root ? predict_all(parts, predictor, invocation) : predict_parts_follow(parts);
    predict_parts_close(parts);
    if (root) {
        answers_end(printer, status == STATUS_OK);
    }
    return ranks_agree(ranks, status);
}

static Status open_model(const Ranks *ranks, const char *model, Predictor **out)
{
    ModelReference reference = {0};
    Status status = STATUS_OK;
    if (ranks->rank == 0) {
        status = model_reference_resolve(options.tracking_uri, model, &reference);
    }
    TRY(ranks_agree(ranks, status));
    ranks_broadcast_text(ranks, &reference.checkpoint_dir);
    status = predictor_open(reference.checkpoint_dir, out);
    if (status == STATUS_OK && options.threshold >= 0) {
        status = predictor_set_threshold(*out, options.threshold);
    }
    model_reference_free(&reference);
    return ranks_agree(ranks, status);
}

static Status run_rank(const Ranks *ranks, const Invocation *invocation, void *context)
{
    (void)context;
    Predictor *predictor = NULL;
    Status status = open_model(ranks, invocation->args[0], &predictor);
    if (status == STATUS_OK) {
        status = predict(ranks, predictor, invocation);
    }
    predictor_close(predictor);
    return status;
}

static Status run(const Invocation *invocation)
{
    const RankJob job = {.main = run_rank, .quick = true};
    TRY(check_options(invocation));
    return rank_job_run(&job, options.ranks, invocation);
}

#define AT(field) offsetof(struct PredictOptions, field)

static const Option OPTIONS[] = {
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(ranks),
     .value = "N",
     .min = 1,
     .max = 4096,
     .help = "share the texts among N ranks under mpirun; the answers are the same"},
    {.name = "file",
     .alias = 'f',
     .kind = OPTION_TEXT,
     .offset = AT(file),
     .value = "FILE",
     .help = "CSV, TSV or JSON Lines, one text per row; - is stdin"},
    {.name = "text-column",
     .kind = OPTION_LIST,
     .offset = AT(text_columns),
     .value = "NAME",
     .help = "column with the text, once per column (the model's own)"},
    {.name = "proba",
     .kind = OPTION_FLAG,
     .offset = AT(proba),
     .help = "show the probabilities of the classes"},
    {.name = "top",
     .kind = OPTION_INT,
     .offset = AT(top),
     .value = "K",
     .min = 1,
     .max = 1e9,
     .help = "the K most likely classes alone; implies --proba"},
    {.name = "threshold",
     .kind = OPTION_DOUBLE,
     .offset = AT(threshold),
     .value = "P",
     .min = 0,
     .max = 1,
     .help = "several labels: give those from this probability on (the model's own, a "
             "label each)"},
    {.name = "csv", .kind = OPTION_FLAG, .offset = AT(csv), .help = "print CSV"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(tracking_uri),
     .value = "URI",
     .help = "the run store (MLFLOW_TRACKING_URI, sqlite:///muster.db)"},
};

static const OptionConflict CONFLICTS[] = {{"top", "csv"}};

static const Example EXAMPLES[] = {
    {"muster predict best:tiny \"my parcel has not come\" --proba", "one text"},
    {"muster predict last --file new.csv --csv > answers.csv", "every row of a file"},
    {"muster predict last --file large.csv --csv --ranks 2 > answers.csv",
     "on two cores"},
    {"zcat mails.gz | muster predict last --json", "a text per line, JSON Lines out"},
};

const Command command_predict = {
    .name = "predict",
    .summary = "classify texts with a trained model",
    .usage =
        "predict MODEL [TEXT ...] [--file FILE] [--proba] [--top K] [--json | --csv]",
    .details =
        "MODEL is a run (id, name or \"last\": its best checkpoint), "
        "best:EXPERIMENT[:METRIC],\n"
        "or a checkpoint or result folder. Without TEXT and --file, each line of "
        "standard\n"
        "input is a text. --json prints an array for TEXT, else an object per line. A "
        "model of\n"
        "several labels a text gives those whose probability reaches their threshold.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], CONFLICTS,
                sizeof CONFLICTS / sizeof CONFLICTS[0], &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "MODEL",
    .run = run,
};
