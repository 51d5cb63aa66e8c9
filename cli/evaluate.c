/* `muster evaluate`: how good a model is on a split of its own data or on a file; the
 * figures go back to its run. */
#include "cli/evaluate.h"

#include "cli/command.h"
#include "cli/rank_job.h"
#include "cli/same_everywhere.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/table.h"
#include "predict/evaluate.h"
#include "predict/evaluation_data.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct EvaluateOptions {
    const char *split, *data, *sort;
    StrList gates; /* "f1=0.9" */
    bool no_log;
    int64_t ranks;
    double threshold; /* below 0: the model's own */
    const char *tracking_uri;
} options = {.split = "test", .sort = "f1", .threshold = -1};

static const char *const SPLITS[] = {"train", "val", "test"};
static const char *const SORTS[] = {"f1", "support", "name"};

/* What is evaluated on what. */
typedef struct Subject {
    const ModelReference *reference;
    Predictor *predictor;
    const char *split; /* "test", or "data" for a file */
} Subject;

/* ---- options ---- */

static Status choose(const char *option, const char *value, const char *const *names,
                     size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], value) == 0) {
            *out = i;
            return STATUS_OK;
        }
    }
    const char *nearest = text_nearest(value, names, n);
    status_set(STATUS_USAGE, "--%s %s: expected %s, %s or %s", option, value, names[0],
               names[1], names[2]);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    }
    return STATUS_USAGE;
}

/* "f1=0.9"; the name is ended in a copy. */
static Status parse_gate(const char *gate, char **name, double *least)
{
    const char *equals = strchr(gate, '=');
    if (!equals || !text_to_double(equals + 1, least)) {
        return status_set(STATUS_USAGE, "--min %s: expected NAME=NUMBER", gate);
    }
    *name = mem_strndup(gate, (size_t)(equals - gate));
    for (size_t i = 0; evaluation_value_name(i); i++) {
        if (strcmp(evaluation_value_name(i), *name) == 0 && !strstr(*name, "loss")) {
            return STATUS_OK;
        }
    }
    status_set(STATUS_USAGE, "--min %s: no score of that name", gate);
    status_hint("precision, recall, f1, accuracy, and the first three with _macro, "
                "_micro and, of "
                "several labels, _samples");
    free(*name);
    return STATUS_USAGE;
}

static Status check_gates(const Evaluation *evaluation)
{
    for (size_t i = 0; i < options.gates.n; i++) {
        char *name = NULL;
        double least, found = 0;
        TRY(parse_gate(options.gates.items[i], &name, &least));
        /* Without figures the names alone are checked. */
        Status status = STATUS_OK;
        if (evaluation && !evaluation_value(evaluation, name, &found)) {
            status = status_set(STATUS_USAGE,
                                "--min %s: is for models of several labels a text", name);
        } else if (evaluation && found < least) {
            status = status_set(STATUS_GATE, "%s is %.6g, asked for at least %.6g", name,
                                found, least);
        }
        free(name);
        TRY(status);
    }
    return STATUS_OK;
}

/* ---- tables ---- */

static void add_scores(Table *table, const char *name, const Scores *scores, uint64_t n)
{
    table_cell(table, name);
    table_cell_printf(table, "%.4f", scores->precision);
    table_cell_printf(table, "%.4f", scores->recall);
    table_cell_printf(table, "%.4f", scores->f1);
    table_cell_printf(table, "%llu", (unsigned long long)n);
}

static void print_overall(const Evaluation *e)
{
    const char *const headings[] = {"average", ">precision", ">recall", ">f1",
                                    ">samples"};
    Table *table = table_open(headings, 5);
    add_scores(table, "weighted", &e->metrics.weighted, e->n);
    add_scores(table, "macro", &e->metrics.macro, e->n);
    add_scores(table, "micro", &e->metrics.micro, e->n);
    if (e->metrics.multi_label) {
        add_scores(table, "samples", &e->metrics.samples, e->n);
    }
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
    printf("\naccuracy %.4f  loss %.4f", e->metrics.accuracy, e->loss);
    if (e->metrics.multi_label) {
        printf("  hamming_loss %.4f", e->metrics.hamming_loss);
    }
    printf("\n");
}

typedef struct ClassOrder {
    const Evaluation *evaluation;
    const Predictor *predictor;
    size_t key; /* index into SORTS */
} ClassOrder;

/* Best or largest first; names decide between equals. Labels are sorted by bytes. */
static int compare_classes(const void *a, const void *b, void *context)
{
    const ClassOrder *order = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const ClassMetrics *x = &order->evaluation->metrics.classes[i];
    const ClassMetrics *y = &order->evaluation->metrics.classes[j];
    double by_key = order->key == 0   ? y->scores.f1 - x->scores.f1
                    : order->key == 1 ? (double)y->support - (double)x->support
                                      : 0;
    return by_key != 0 ? (by_key > 0 ? 1 : -1) : (i > j) - (i < j);
}

static void print_classes(const Evaluation *e, const Predictor *p, size_t sort)
{
    const char *const headings[] = {e->metrics.multi_label ? "label" : "class",
                                    ">precision",
                                    ">recall",
                                    ">f1",
                                    ">support",
                                    ">threshold"};
    size_t n_headings = e->metrics.multi_label ? 6 : 5;
    size_t *order = mem_alloc(e->n_classes, sizeof *order);
    for (size_t c = 0; c < e->n_classes; c++) {
        order[c] = c;
    }
    ClassOrder by = {e, p, sort};
    qsort_r(order, e->n_classes, sizeof *order, compare_classes, &by);
    Table *table = table_open(headings, n_headings);
    for (size_t i = 0; i < e->n_classes; i++) {
        const ClassMetrics *c = &e->metrics.classes[order[i]];
        add_scores(table, predictor_label(p, order[i]), &c->scores, c->support);
        if (e->metrics.multi_label) {
            table_cell_printf(table, "%.4g", predictor_thresholds(p)[order[i]]);
        }
    }
    table_print(table, stdout, terminal_width(STDOUT_FILENO));
    table_close(table);
    free(order);
}

static void print_tables(const Subject *subject, const Evaluation *e, size_t sort)
{
    const ModelReference *r = subject->reference;
    printf("%s%s%s: ", r->run_name ? r->run_name : "", r->run_name ? ", " : "",
           path_base(r->checkpoint_dir));
    if (options.data) {
        printf("%s, %zu samples\n\n", options.data, e->n);
    } else {
        printf("%s split, %zu samples\n\n", subject->split, e->n);
    }
    print_overall(e);
    printf("\n");
    print_classes(e, subject->predictor, sort);
}

/* ---- JSON ---- */

static void write_object(const Subject *subject, const Evaluation *e, JsonWriter *w)
{
    char date[20];
    clock_format(clock_wall_ms(), date);
    json_begin_object(w);
    json_write_key(w, "timestamp");
    json_write_string(w, date);
    json_write_key(w, "run_id");
    json_write_string(w, subject->reference->run_id);
    json_write_key(w, "checkpoint");
    json_write_string(w, subject->reference->checkpoint_dir);
    json_write_key(w, "split");
    json_write_string(w, subject->split);
    json_write_key(w, "data");
    json_write_string(w, options.data);
    evaluation_write(e, subject->predictor, w);
    json_end_object(w);
}

static void write_json(const Subject *subject, const Evaluation *e, StrBuf *out)
{
    JsonWriter w = json_writer(out, 2);
    write_object(subject, e, &w);
    strbuf_add_char(out, '\n');
}

/* ---- back to the run ---- */

static Status log_metrics(const Subject *subject, const Evaluation *e)
{
    Store *store = NULL;
    StoreOptions store_options = {.mode = STORE_WRITE};
    TRY(store_open(subject->reference->store_uri, &store_options, &store));
    const Json *iteration =
        json_get(predictor_description(subject->predictor), "iteration");
    Metrics metrics = {0};
    int64_t now = clock_wall_ms();
    const char *name;
    for (size_t i = 0; (name = evaluation_value_name(i)); i++) {
        double value = 0;
        if (!evaluation_value(e, name, &value)) {
            continue;
        }
        char *key = mem_printf("%s_%s", subject->split, name);
        metrics_add(&metrics, key, value, now, json_int(iteration, 0));
        free(key);
    }
    LogBatch batch = {.metrics = metrics.items, .n_metrics = metrics.n};
    Status status = store_log_batch(store, subject->reference->run_id, &batch);
    metrics_free(&metrics);
    store_close(store);
    return status;
}

static Status log_artifact(const Subject *subject, const Evaluation *e)
{
    bool test = strcmp(subject->split, "test") == 0;
    char *name = test ? mem_strdup("evaluation.json")
                      : mem_printf("evaluation_%s.json", subject->split);
    char *path = path_join(subject->reference->result_dir, name);
    StrBuf text = {0};
    write_json(subject, e, &text);
    Status status = file_write(path, text.p, text.n);
    strbuf_free(&text);
    free(path);
    free(name);
    return status;
}

/* A training's own figures stand under train_* and val_*: those of these two splits get
 * no metrics of their own, only the artifact. */
static Status log_back(const Subject *subject, const Evaluation *e)
{
    if (options.no_log || !subject->reference->run_id) {
        return STATUS_OK;
    }
    bool own_names = strcmp(subject->split, "test") == 0 || options.data;
    Status status = own_names ? log_metrics(subject, e) : STATUS_OK;
    if (status == STATUS_OK && subject->reference->result_dir) {
        status = log_artifact(subject, e);
    }
    if (status != STATUS_OK) {
        status_prefix("the figures could not be added to run %s",
                      subject->reference->run_id);
        status_hint("leave the run as it is with --no-log");
    }
    return status;
}

/* ---- the command ---- */

/* Every rank reads the rows; they must be the same. */
static Status read_rows(const Ranks *ranks, const Predictor *predictor,
                        EvaluationSplit split, EvaluationData *out)
{
    Status status = options.data ? evaluation_data_file(predictor, options.data,
                                                        ranks->rank == 0, out)
                                 : evaluation_data_split(predictor, split, out);
    TRY(ranks_agree(ranks, status));
    return same_everywhere(ranks, evaluation_data_digest(out), STATUS_DATA, "the data");
}

static Status evaluate(const Ranks *ranks, const Subject *subject, EvaluationSplit split,
                       Evaluation *out)
{
    EvaluationData data = {0};
    Status status = read_rows(ranks, subject->predictor, split, &data);
    if (status == STATUS_OK) {
        status = evaluate_set(ranks, subject->predictor, data.set, out);
    }
    evaluation_data_free(&data);
    return status;
}

/* Where an evaluation goes: a JSON object of its own, a key of another's, or tables. */
typedef struct Target {
    bool json;
    JsonWriter *within;
} Target;

static void print_json(const Subject *subject, const Evaluation *e)
{
    StrBuf text = {0};
    write_json(subject, e, &text);
    fputs(text.p, stdout);
    strbuf_free(&text);
}

static Status report(const Subject *subject, const Evaluation *e, size_t sort,
                     const Target *target)
{
    if (target->within) {
        json_write_key(target->within, "evaluation");
        write_object(subject, e, target->within);
    } else if (target->json) {
        print_json(subject, e);
    } else {
        print_tables(subject, e, sort);
    }
    TRY(log_back(subject, e));
    return check_gates(e);
}

static Status check_options(const Ranks *ranks, size_t *split, size_t *sort)
{
    TRY(choose("split", options.split, SPLITS, 3, split));
    TRY(choose("sort", options.sort, SORTS, 3, sort));
    if (ranks->size > 1 && options.data && strcmp(options.data, "-") == 0) {
        status_set(STATUS_USAGE, "--data -: every rank reads the rows, and there is one "
                                 "standard input");
        status_hint("give a file, or evaluate on one rank");
        return STATUS_USAGE;
    }
    return check_gates(NULL);
}

static Status open_model(const Ranks *ranks, Subject *subject)
{
    const char *dir = subject->reference->checkpoint_dir;
    Status status = predictor_open(dir, &subject->predictor);
    if (status == STATUS_OK && options.threshold >= 0) {
        status = predictor_set_threshold(subject->predictor, options.threshold);
    }
    return ranks_agree(ranks, status);
}

/* Rank 0 looks the model up, prints and writes. `model` and `target` are its own. */
static Status evaluate_model(const Ranks *ranks, const char *model, const Target *target)
{
    size_t split, sort;
    ModelReference reference = {0};
    TRY(check_options(ranks, &split, &sort));
    Status status = STATUS_OK;
    if (ranks->rank == 0) {
        status = model_reference_resolve(options.tracking_uri, model, &reference);
    }
    TRY(ranks_agree(ranks, status));
    ranks_broadcast_text(ranks, &reference.checkpoint_dir);
    Subject subject = {.reference = &reference,
                       .split = options.data ? "data" : options.split};
    Evaluation evaluation = {0};
    status = open_model(ranks, &subject);
    if (status == STATUS_OK) {
        status = evaluate(ranks, &subject, (EvaluationSplit)split, &evaluation);
    }
    if (status == STATUS_OK && ranks->rank == 0) {
        status = report(&subject, &evaluation, sort, target);
    }
    status = ranks_agree(ranks, status);
    evaluation_free(&evaluation);
    predictor_close(subject.predictor);
    model_reference_free(&reference);
    return status;
}

static Status run_rank(const Ranks *ranks, const Invocation *invocation, void *context)
{
    (void)context;
    return evaluate_model(ranks, invocation->args[0],
                          &(Target){.json = invocation->json});
}

static Status run(const Invocation *invocation)
{
    const RankJob job = {.main = run_rank, .quick = true};
    return rank_job_run(&job, options.ranks, invocation);
}

Status evaluate_trained(const Ranks *ranks, const char *tracking_uri, const char *run_id,
                        JsonWriter *json)
{
    options.tracking_uri = tracking_uri;
    ranks->wait(ranks->self);
    return evaluate_model(ranks, run_id, &(Target){.within = json});
}

#define AT(field) offsetof(struct EvaluateOptions, field)

static const Option OPTIONS[] = {
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(ranks),
     .value = "N",
     .min = 1,
     .max = 4096,
     .help = "share the rows among N ranks under mpirun; the figures are the same"},
    {.name = "split",
     .kind = OPTION_TEXT,
     .offset = AT(split),
     .value = "NAME",
     .help = "train, val or test (default test)"},
    {.name = "data",
     .kind = OPTION_TEXT,
     .offset = AT(data),
     .value = "FILE",
     .help = "evaluate on the rows of a CSV, TSV or JSON Lines file instead"},
    {.name = "sort",
     .kind = OPTION_TEXT,
     .offset = AT(sort),
     .value = "KEY",
     .help = "order of the classes: f1, support or name (default f1)"},
    {.name = "min",
     .kind = OPTION_LIST,
     .offset = AT(gates),
     .value = "NAME=NUMBER",
     .help = "end with exit code 10 when a score is below"},
    {.name = "threshold",
     .kind = OPTION_DOUBLE,
     .offset = AT(threshold),
     .value = "P",
     .min = 0,
     .max = 1,
     .help = "several labels: give those from this probability on (the model's own, a "
             "label each)"},
    {.name = "no-log",
     .kind = OPTION_FLAG,
     .offset = AT(no_log),
     .help = "leave the run as it is"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(tracking_uri),
     .value = "URI",
     .help = "the run store (MLFLOW_TRACKING_URI, sqlite:///muster.db)"},
};

static const OptionConflict CONFLICTS[] = {{"split", "data"}};

static const Example EXAMPLES[] = {
    {"muster evaluate best:tiny", "the best run's best checkpoint on its test split"},
    {"muster evaluate last --data new.csv --min f1=0.8", "a gate for a pipeline"},
    {"muster evaluate last --data large.csv --ranks 2", "on two cores"},
};

const Command command_evaluate = {
    .name = "evaluate",
    .summary = "precision, recall and F1 of a trained model",
    .usage = "evaluate MODEL [--split train|val|test | --data FILE] [--ranks N] [--json]",
    .details = "MODEL is a run (id, name or \"last\": its best checkpoint), "
               "best:EXPERIMENT[:METRIC],\n"
               "or a checkpoint or result folder. The split is made again from the files "
               "that the\n"
               "training read; when they have changed, that is an error. The figures are "
               "added to\n"
               "the run as test_f1, test_accuracy ... and evaluation.json.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], CONFLICTS,
                sizeof CONFLICTS / sizeof CONFLICTS[0], &options},
    .min_args = 1,
    .max_args = 1,
    .arg = "MODEL",
    .run = run,
};
