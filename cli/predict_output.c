/* One answer in each of the forms. */
#include "cli/predict_output.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "model/label_answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BAR_CELLS = 20, BARS = 5 };

struct AnswerPrinter {
    AnswerStyle style;
    const Predictor *predictor;
    FILE *out;
    size_t n_classes;
    const char *separator; /* between a text's labels; NULL: one class a text */
    size_t n_printed;
    size_t label_width; /* of the widest label, in columns */
    size_t *order;      /* [n_classes] the answer's classes, most likely first */
    int32_t *given;     /* [n_classes] the labels that it gives, ascending */
    StrBuf text;        /* of one answer */
};

/* ---- the classes of one answer ---- */

/* The earlier class first among equals, as argmax has it. */
static bool comes_before(const float *answers, size_t a, size_t b)
{
    return answers[a] > answers[b] || (answers[a] == answers[b] && a < b);
}

static int compare_classes(const void *a, const void *b, void *answers)
{
    return comes_before(answers, *(const size_t *)a, *(const size_t *)b) ? -1 : 1;
}

static void sort_classes(AnswerPrinter *printer, const float *answers)
{
    for (size_t c = 0; c < printer->n_classes; c++) {
        printer->order[c] = c;
    }
    qsort_r(printer->order, printer->n_classes, sizeof *printer->order, compare_classes,
            (void *)(uintptr_t)answers);
}

static double probability(const AnswerPrinter *printer, float answer)
{
    return printer->separator ? label_probability(answer) : exp((double)answer);
}

/* As many digits as a float has, so that JSON does not show noise. */
static double short_probability(const AnswerPrinter *printer, float answer)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.7g", probability(printer, answer));
    return strtod(digits, NULL);
}

static size_t n_shown(const AnswerPrinter *printer, size_t otherwise)
{
    size_t n = printer->style.top > 0 ? printer->style.top : otherwise;
    return n < printer->n_classes ? n : printer->n_classes;
}

static const char *label_of(const AnswerPrinter *printer, size_t i)
{
    return predictor_label(printer->predictor, printer->order[i]);
}

/* How many labels the answer gives; they are in `given`. */
static size_t give_labels(AnswerPrinter *printer, const float *answers)
{
    return labels_above(answers, predictor_thresholds(printer->predictor),
                        printer->n_classes, printer->given);
}

/* ---- forms ---- */

/* The answer as a file's label column would have it. */
static void add_prediction(AnswerPrinter *printer, const float *answers, StrBuf *out)
{
    if (!printer->separator) {
        strbuf_add_text(out, label_of(printer, 0));
        return;
    }
    size_t n = give_labels(printer, answers);
    for (size_t i = 0; i < n; i++) {
        strbuf_add_text(out, i > 0 ? printer->separator : "");
        strbuf_add_text(out,
                        predictor_label(printer->predictor, (size_t)printer->given[i]));
    }
}

static void add_bars(AnswerPrinter *printer, const float *answers)
{
    StrBuf *text = &printer->text;
    size_t n = n_shown(printer, BARS);
    for (size_t i = 0; i < n; i++) {
        const char *label = label_of(printer, i);
        double p = probability(printer, answers[printer->order[i]]);
        int full = (int)(p * BAR_CELLS + 0.5);
        int gap = (int)(printer->label_width - utf8_width(text_of(label)));
        strbuf_printf(text, "  %s%*s  %.4f", label, gap, "", p);
        strbuf_add_text(text, full > 0 ? " " : "");
        for (int cell = 0; cell < full; cell++) {
            strbuf_add_char(text, '#');
        }
        strbuf_add_char(text, '\n');
    }
}

static void add_plain(AnswerPrinter *printer, const float *answers)
{
    StrBuf *text = &printer->text;
    if (printer->style.proba && printer->n_printed > 0) {
        strbuf_add_char(text, '\n');
    }
    add_prediction(printer, answers, text);
    strbuf_add_char(text, '\n');
    if (printer->style.proba) {
        add_bars(printer, answers);
    }
}

static void write_labels(AnswerPrinter *printer, const float *answers, JsonWriter *w)
{
    size_t n = give_labels(printer, answers);
    json_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        json_write_string(w,
                          predictor_label(printer->predictor, (size_t)printer->given[i]));
    }
    json_end_array(w);
}

static void add_json(AnswerPrinter *printer, const float *answers)
{
    JsonWriter w = json_writer(&printer->text, 0);
    json_begin_object(&w);
    json_write_key(&w, "prediction");
    if (printer->separator) {
        write_labels(printer, answers, &w);
    } else {
        json_write_string(&w, label_of(printer, 0));
    }
    json_write_key(&w, "probabilities");
    json_begin_object(&w);
    size_t n = n_shown(printer, printer->n_classes);
    for (size_t i = 0; i < n; i++) {
        json_write_key(&w, label_of(printer, i));
        json_write_double(&w, short_probability(printer, answers[printer->order[i]]));
    }
    json_end_object(&w);
    json_end_object(&w);
}

static void add_csv_text(StrBuf *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        strbuf_add_text(out, text);
        return;
    }
    strbuf_add_char(out, '"');
    for (const char *p = text; *p; p++) {
        strbuf_add(out, "\"\"", *p == '"');
        strbuf_add_char(out, *p);
    }
    strbuf_add_char(out, '"');
}

static void add_csv_number(AnswerPrinter *printer, float answer)
{
    char number[32];
    text_from_double(short_probability(printer, answer), number);
    strbuf_printf(&printer->text, ",%s", number);
}

static void add_csv_header(AnswerPrinter *printer)
{
    strbuf_add_text(&printer->text,
                    printer->separator ? "prediction" : "prediction,probability");
    for (size_t c = 0; printer->style.proba && c < printer->n_classes; c++) {
        strbuf_add_char(&printer->text, ',');
        add_csv_text(&printer->text, predictor_label(printer->predictor, c));
    }
    strbuf_add_char(&printer->text, '\n');
}

static void add_csv(AnswerPrinter *printer, const float *answers)
{
    StrBuf prediction = {0};
    strbuf_add(&prediction, "", 0);
    add_prediction(printer, answers, &prediction);
    /* A line that is empty is no row to most readers: no label is an empty text. */
    if (prediction.n == 0) {
        strbuf_add_text(&printer->text, "\"\"");
    }
    add_csv_text(&printer->text, prediction.p);
    strbuf_free(&prediction);
    if (!printer->separator) {
        add_csv_number(printer, answers[printer->order[0]]);
    }
    for (size_t c = 0; printer->style.proba && c < printer->n_classes; c++) {
        add_csv_number(printer, answers[c]);
    }
    strbuf_add_char(&printer->text, '\n');
}

static void add_answer(AnswerPrinter *printer, const float *answers)
{
    sort_classes(printer, answers);
    switch (printer->style.form) {
    case ANSWERS_PLAIN:
        add_plain(printer, answers);
        break;
    case ANSWERS_JSON:
        strbuf_add_text(&printer->text, printer->n_printed > 0 ? ",\n " : "");
        add_json(printer, answers);
        break;
    case ANSWERS_JSON_LINES:
        add_json(printer, answers);
        strbuf_add_char(&printer->text, '\n');
        break;
    case ANSWERS_CSV:
        add_csv(printer, answers);
        break;
    }
    printer->n_printed++;
}

/* ---- printing ---- */

static void print_text(AnswerPrinter *printer)
{
    if (printer->text.n > 0) {
        fwrite(printer->text.p, 1, printer->text.n, printer->out);
    }
    strbuf_clear(&printer->text);
}

AnswerPrinter *answers_begin(const AnswerStyle *style, const Predictor *predictor,
                             FILE *out)
{
    AnswerPrinter *printer = mem_zalloc(1, sizeof *printer);
    printer->style = *style;
    printer->predictor = predictor;
    printer->out = out;
    printer->n_classes = predictor_n_classes(predictor);
    printer->separator = predictor_label_separator(predictor);
    printer->order = mem_alloc(printer->n_classes, sizeof *printer->order);
    printer->given = mem_alloc(printer->n_classes, sizeof *printer->given);
    for (size_t c = 0; c < printer->n_classes; c++) {
        size_t width = utf8_width(text_of(predictor_label(predictor, c)));
        printer->label_width =
            width > printer->label_width ? width : printer->label_width;
    }
    if (style->form == ANSWERS_CSV) {
        add_csv_header(printer);
    } else if (style->form == ANSWERS_JSON) {
        strbuf_add_char(&printer->text, '[');
    }
    return printer;
}

/* Answers are shown as soon as they are there: somebody may be waiting at the other end
 * of a pipe. */
void answers_add(AnswerPrinter *printer, const float *answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_answer(printer, answers + i * printer->n_classes);
        print_text(printer);
    }
    fflush(printer->out);
}

void answers_end(AnswerPrinter *printer, bool complete)
{
    if (complete) {
        strbuf_add_text(&printer->text, printer->style.form == ANSWERS_JSON ? "]\n" : "");
        print_text(printer);
    }
    strbuf_free(&printer->text);
    free(printer->order);
    free(printer->given);
    free(printer);
}
