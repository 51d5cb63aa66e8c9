/* `muster predict`: a model's answers to texts from the command line, a file or a pipe.
 */
#include "cli/command.h"
#include "cli/line_reader.h"
#include "cli/predict_output.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/rows.h"
#include "predict/predictor.h"
#include "tracker/reference.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Texts that are answered together, whichever comes first. */
enum { PART_TEXTS = 256, PART_BYTES = 4 << 20 };

static struct PredictOptions {
    const char *file;
    StrList text_columns;
    bool proba, csv;
    int64_t top;
    double threshold; /* below 0: the model's own */
    const char *tracking_uri;
} options = {.threshold = -1};

/* Texts gathered until there are enough to answer. */
typedef struct Part {
    Predictor *predictor;
    AnswerPrinter *printer;
    StrBuf bytes;             /* of all texts */
    size_t begin[PART_TEXTS]; /* of each in `bytes` */
    size_t n;
    float *answers; /* [PART_TEXTS, n_classes] */
} Part;

static Status answer_part(Part *part)
{
    Text texts[PART_TEXTS];
    for (size_t i = 0; i < part->n; i++) {
        size_t end = i + 1 < part->n ? part->begin[i + 1] : part->bytes.n;
        texts[i] = (Text){part->bytes.p + part->begin[i], end - part->begin[i]};
    }
    Status status = predictor_predict(part->predictor, texts, part->n, part->answers);
    if (status == STATUS_OK) {
        answers_add(part->printer, part->answers, part->n);
    }
    strbuf_clear(&part->bytes);
    part->n = 0;
    return status;
}

/* Fields are joined as in training. */
static Status add_text(Part *part, const Text *fields, size_t n_fields)
{
    part->begin[part->n++] = part->bytes.n;
    for (size_t i = 0; i < n_fields; i++) {
        if (i > 0) {
            strbuf_add_char(&part->bytes, ' ');
        }
        strbuf_add(&part->bytes, fields[i].p, fields[i].n);
    }
    bool full = part->n == PART_TEXTS || part->bytes.n >= PART_BYTES;
    return full ? answer_part(part) : STATUS_OK;
}

static Status predict_arguments(Part *part, const Invocation *invocation)
{
    for (size_t i = 1; i < invocation->n_args; i++) {
        Text text = text_of(invocation->args[i]);
        size_t valid = utf8_valid_prefix(text);
        if (valid < text.n) {
            return status_set(STATUS_USAGE, "text %zu: invalid UTF-8 at byte %zu", i,
                              valid + 1);
        }
        TRY(add_text(part, &text, 1));
    }
    return STATUS_OK;
}

static Status predict_file(Part *part)
{
    const Preprocessor *pre = predictor_preprocessor(part->predictor);
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
        status = add_text(part, row.fields, row.n_fields);
        if (status != STATUS_OK) {
            break;
        }
    }
    row_reader_close(rows);
    return status;
}

/* What has come so far is answered before we wait for more. */
static Status predict_lines(Part *part)
{
    LineReader *lines = line_reader_open(STDIN_FILENO, "<stdin>");
    Text line;
    bool more = true;
    Status status = STATUS_OK;
    while (status == STATUS_OK && more) {
        if (part->n > 0 && !line_reader_ready(lines)) {
            status = answer_part(part);
        }
        if (status == STATUS_OK) {
            status = line_reader_next(lines, &line, &more);
        }
        if (status == STATUS_OK && more) {
            status = add_text(part, &line, 1);
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
static Status finish_part(Part *part, Status status)
{
    if (status == STATUS_OK || part->n == 0) {
        return part->n > 0 ? answer_part(part) : status;
    }
    char *message = mem_strdup(status_message());
    char *hint = mem_strdup(status_hint_text());
    answer_part(part);
    status_set(status, "%s", message);
    status_hint("%s", hint);
    free(message);
    free(hint);
    return status;
}

static Status predict(Predictor *predictor, const Invocation *invocation)
{
    AnswerStyle style = style_of(invocation);
    Part part = {.predictor = predictor};
    part.answers =
        mem_alloc(PART_TEXTS * predictor_n_classes(predictor), sizeof *part.answers);
    part.printer = answers_begin(&style, predictor, stdout);
    Status status = invocation->n_args > 1 ? predict_arguments(&part, invocation)
                    : options.file         ? predict_file(&part)
                                           : predict_lines(&part);
    status = finish_part(&part, status);
    answers_end(part.printer, status == STATUS_OK);
    strbuf_free(&part.bytes);
    free(part.answers);
    return status;
}

static Status run(const Invocation *invocation)
{
    TRY(check_options(invocation));
    ModelReference reference = {0};
    TRY(model_reference_resolve(options.tracking_uri, invocation->args[0], &reference));
    Predictor *predictor = NULL;
    Status status = predictor_open(reference.checkpoint_dir, &predictor);
    if (status == STATUS_OK && options.threshold >= 0) {
        status = predictor_set_threshold(predictor, options.threshold);
    }
    if (status == STATUS_OK) {
        status = predict(predictor, invocation);
    }
    predictor_close(predictor);
    model_reference_free(&reference);
    return status;
}

#define AT(field) offsetof(struct PredictOptions, field)

static const Option OPTIONS[] = {
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
