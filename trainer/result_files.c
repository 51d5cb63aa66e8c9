/* Writing and rereading result.json, progress.csv, params.json. */
#include "trainer/result_files.h"

#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* result.json is read whole; a line is about a kilobyte. */
static const size_t RESULT_LIMIT = (size_t)1 << 28;

typedef struct ResultFiles {
    char *json_path, *csv_path;
    StrList columns; /* of progress.csv; fixed by the first report */
} ResultFiles;

/* ---- reading back ---- */

void result_history_free(ResultHistory *history)
{
    for (size_t i = 0; i < history->n; i++) {
        json_free(history->rows[i]);
    }
    free(history->rows);
    *history = (ResultHistory){0};
}

static Status parse_line(Text line, const char *path, size_t number, Json **out)
{
    char *name = mem_printf("%s:%zu", path, number);
    Status status = json_parse(line, name, STATUS_DAMAGED, out);
    if (status == STATUS_OK && json_type(*out) != JSON_OBJECT) {
        json_free(*out);
        status = status_set(STATUS_DAMAGED, "%s: expected a JSON object", name);
    }
    free(name);
    return status;
}

/* Lines stand in the order of their iterations. */
static Status parse_lines(const StrBuf *text, const char *path, int64_t last_iteration,
                          ResultHistory *out)
{
    size_t number = 0;
    for (const char *p = text->p, *end = text->p + text->n; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) {
            break; /* cut off in writing */
        }
        Json *row;
        TRY(parse_line((Text){p, (size_t)(stop - p)}, path, ++number, &row));
        if (json_int(json_get(row, "training_iteration"), 0) > last_iteration) {
            json_free(row);
            break;
        }
        out->rows = mem_grow(out->rows, &out->cap, out->n + 1, sizeof *out->rows);
        out->rows[out->n++] = row;
        p = stop + 1;
    }
    return STATUS_OK;
}

Status result_history_load(const char *result_dir, int64_t last_iteration,
                           ResultHistory *out)
{
    char *path = path_join(result_dir, RESULT_JSON);
    StrBuf text = {0};
    ResultHistory history = {0};
    Status status = file_read(path, RESULT_LIMIT, STATUS_NOT_FOUND, &text);
    if (status == STATUS_OK) {
        status = parse_lines(&text, path, last_iteration, &history);
    }
    if (status == STATUS_OK) {
        *out = history;
    } else {
        result_history_free(&history);
    }
    strbuf_free(&text);
    free(path);
    return status;
}

/* ---- one report as JSON ---- */

static void write_number(JsonWriter *w, const char *key, double value)
{
    json_write_key(w, key);
    json_write_double(w, value);
}

static void write_int(JsonWriter *w, const char *key, int64_t value)
{
    json_write_key(w, key);
    json_write_int(w, value);
}

static void write_bool(JsonWriter *w, const char *key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}

static void write_string(JsonWriter *w, const char *key, const char *value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

static void write_report(const Report *r, StrBuf *line)
{
    JsonWriter w = json_writer(line, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < r->n_metrics; i++) {
        write_number(&w, r->metrics[i].name, r->metrics[i].value);
    }
    write_int(&w, "step", r->step);
    write_int(&w, "timestamp", r->timestamp);
    if (r->checkpoint_dir) {
        write_string(&w, "checkpoint_dir_name", path_base(r->checkpoint_dir));
    }
    write_bool(&w, "should_checkpoint", r->should_checkpoint);
    write_bool(&w, "done", r->done);
    write_int(&w, "training_iteration", r->training_iteration);
    write_string(&w, "trial_id", r->trial_id);
    write_string(&w, "date", r->date);
    write_number(&w, "time_this_iter_s", r->time_this_iter_s);
    write_number(&w, "time_total_s", r->time_total_s);
    write_int(&w, "pid", r->pid);
    write_string(&w, "hostname", r->hostname);
    write_string(&w, "node_ip", r->node_ip);
    write_number(&w, "time_since_restore", r->time_since_restore);
    write_int(&w, "iterations_since_restore", r->iterations_since_restore);
    json_end_object(&w);
    strbuf_add_char(line, '\n');
}

/* ---- progress.csv, derived from the JSON lines ---- */

static void add_csv_text(StrBuf *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        strbuf_add_text(out, text);
        return;
    }
    strbuf_add_char(out, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"') {
            strbuf_add_char(out, '"');
        }
        strbuf_add_char(out, *p);
    }
    strbuf_add_char(out, '"');
}

static void add_csv_value(StrBuf *out, const Json *value)
{
    char number[32];
    switch (json_type(value)) {
    case JSON_STRING:
        add_csv_text(out, json_string(value));
        break;
    case JSON_INT:
        strbuf_printf(out, "%lld", (long long)json_int(value, 0));
        break;
    case JSON_DOUBLE:
        text_from_double(json_double(value, 0), number);
        strbuf_add_text(out, number);
        break;
    case JSON_BOOL:
        strbuf_add_text(out, json_bool(value, false) ? "True" : "False");
        break;
    default:
        break; /* a field that this report does not have */
    }
}

static void choose_columns(ResultFiles *files, const Json *row)
{
    const Json *value;
    const char *key;
    for (size_t i = 0; (key = json_key(row, i, &value)); i++) {
        strlist_add(&files->columns, key);
    }
    /* The first report may come without a checkpoint; later ones need the column. */
    if (!strlist_has(&files->columns, "checkpoint_dir_name")) {
        strlist_add(&files->columns, "checkpoint_dir_name");
    }
}

/* The header goes before the first row. */
static void add_csv_row(ResultFiles *files, const Json *row, StrBuf *out)
{
    if (files->columns.n == 0) {
        choose_columns(files, row);
        for (size_t i = 0; i < files->columns.n; i++) {
            strbuf_add_text(out, i > 0 ? "," : "");
            add_csv_text(out, files->columns.items[i]);
        }
        strbuf_add_char(out, '\n');
    }
    for (size_t i = 0; i < files->columns.n; i++) {
        strbuf_add_text(out, i > 0 ? "," : "");
        const Json *value = json_get(row, files->columns.items[i]);
        if (value) {
            add_csv_value(out, value);
        }
    }
    strbuf_add_char(out, '\n');
}

/* ---- params.json ---- */

/* Values come as YAML would write them; what reads as a number or a truth is one. */
static void write_param(JsonWriter *w, const NamedText *param)
{
    double number;
    long long whole;
    const char *value = param->value;
    json_write_key(w, param->name);
    if (!value || strcmp(value, "null") == 0) {
        json_write_null(w);
    } else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        json_write_bool(w, *value == 't');
    } else if (value[strspn(value, "-0123456789")] == '\0' &&
               text_to_int(value, &whole)) {
        json_write_int(w, whole);
    } else if (text_to_double(value, &number)) {
        json_write_double(w, number);
    } else {
        json_write_string(w, value);
    }
}

static Status write_params(const TrialStart *start)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    for (size_t i = 0; i < start->n_params; i++) {
        write_param(&w, &start->params[i]);
    }
    json_end_object(&w);
    strbuf_add_char(&text, '\n');
    char *path = path_join(start->result_dir, PARAMS_JSON);
    Status status = file_write(path, text.p, text.n);
    free(path);
    strbuf_free(&text);
    return status;
}

/* ---- the callback ---- */

/* The first `n_lines` lines of `text`. */
static size_t prefix_of_lines(const StrBuf *text, size_t n_lines)
{
    const char *p = text->p;
    for (size_t i = 0; i < n_lines; i++) {
        p = strchr(p, '\n') + 1;
    }
    return (size_t)(p - text->p);
}

/* Lines of reports that the resumed trial makes again are dropped from both files. */
static Status continue_files(ResultFiles *files, const TrialStart *start)
{
    ResultHistory history = {0};
    StrBuf json = {0}, csv = {0};
    Status status = STATUS_OK;
    if (file_exists(files->json_path)) {
        status = result_history_load(start->result_dir, start->start_iteration, &history);
        if (status == STATUS_OK) {
            status = file_read(files->json_path, RESULT_LIMIT, STATUS_FAILED, &json);
        }
    }
    if (status == STATUS_OK) {
        size_t kept = json.p ? prefix_of_lines(&json, history.n) : 0;
        status = file_write(files->json_path, json.p ? json.p : "", kept);
    }
    for (size_t i = 0; i < history.n; i++) {
        add_csv_row(files, history.rows[i], &csv);
    }
    if (status == STATUS_OK) {
        status = file_write(files->csv_path, csv.p ? csv.p : "", csv.n);
    }
    result_history_free(&history);
    strbuf_free(&json);
    strbuf_free(&csv);
    return status;
}

static Status on_start(void *self, const TrialStart *start)
{
    ResultFiles *files = self;
    files->json_path = path_join(start->result_dir, RESULT_JSON);
    files->csv_path = path_join(start->result_dir, PROGRESS_CSV);
    TRY(dir_make(start->result_dir));
    TRY(write_params(start));
    if (start->resumed) {
        return continue_files(files, start);
    }
    TRY(file_write(files->json_path, "", 0));
    return file_write(files->csv_path, "", 0);
}

/* The line of a report, once it is known whether it has a checkpoint: a line that names
 * one stands only beside a complete folder. */
static Status add_row(void *self, const Report *report)
{
    ResultFiles *files = self;
    if (!files->json_path) {
        return STATUS_OK; /* on_start failed and was told */
    }
    StrBuf line = {0}, csv = {0};
    Json *row = NULL;
    write_report(report, &line);
    Status status = json_parse((Text){line.p, line.n}, RESULT_JSON, STATUS_FAILED, &row);
    if (status == STATUS_OK) {
        status = file_append(files->json_path, line.p, line.n, true);
    }
    if (status == STATUS_OK) {
        add_csv_row(files, row, &csv);
        status = file_append(files->csv_path, csv.p, csv.n, false);
    }
    json_free(row);
    strbuf_free(&line);
    strbuf_free(&csv);
    return status;
}

static Status on_report(void *self, const Report *report, bool *stop)
{
    (void)stop;
    return report->checkpoint_pending ? STATUS_OK : add_row(self, report);
}

static void close_files(void *self)
{
    ResultFiles *files = self;
    free(files->json_path);
    free(files->csv_path);
    strlist_free(&files->columns);
    free(files);
}

void result_files_open(Callback *out)
{
    *out = (Callback){.name = "result files",
                      .self = mem_zalloc(1, sizeof(ResultFiles)),
                      .required = true,
                      .on_start = on_start,
                      .on_report = on_report,
                      .on_checkpoint = add_row,
                      .close = close_files};
}
