/* One answer in each of the forms. */
#include "cli/predict_output.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BAR_CELLS = 20, BARS = 5 };

struct AnswerPrinter {
    AnswerStyle style;
    const Predictor *predictor;
    FILE *out;
    size_t n_classes;
    size_t n_printed;
    size_t label_width; /* of the widest label, in columns */
    size_t *order;      /* [n_classes] the answer's classes, most likely first */
    StrBuf text;        /* of one answer */
};

/* ---- the classes of one answer ---- */

/* The earlier class first among equals, as argmax has it. */
static bool comes_before(const float *log_probs, size_t a, size_t b)
{
    return log_probs[a] > log_probs[b] || (log_probs[a] == log_probs[b] && a < b);
}

static int compare_classes(const void *a, const void *b, void *log_probs)
{
    return comes_before(log_probs, *(const size_t *)a, *(const size_t *)b) ? -1 : 1;
}

static void sort_classes(AnswerPrinter *printer, const float *log_probs)
{
    for (size_t c = 0; c < printer->n_classes; c++) {
        printer->order[c] = c;
    }
    qsort_r(printer->order, printer->n_classes, sizeof *printer->order, compare_classes,
            (void *)(uintptr_t)log_probs);
}

/* As many digits as a float has, so that JSON does not show noise. */
static double probability(float log_prob)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.7g", exp((double)log_prob));
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

/* ---- forms ---- */

static void add_bars(AnswerPrinter *printer, const float *log_probs)
{
    StrBuf *text = &printer->text;
    size_t n = n_shown(printer, BARS);
    for (size_t i = 0; i < n; i++) {
        const char *label = label_of(printer, i);
        double p = exp((double)log_probs[printer->order[i]]);
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

static void add_plain(AnswerPrinter *printer, const float *log_probs)
{
    StrBuf *text = &printer->text;
    if (printer->style.proba && printer->n_printed > 0) {
        strbuf_add_char(text, '\n');
    }
    strbuf_printf(text, "%s\n", label_of(printer, 0));
    if (printer->style.proba) {
        add_bars(printer, log_probs);
    }
}

static void add_json(AnswerPrinter *printer, const float *log_probs)
{
    JsonWriter w = json_writer(&printer->text, 0);
    json_begin_object(&w);
    json_write_key(&w, "prediction");
    json_write_string(&w, label_of(printer, 0));
    json_write_key(&w, "probabilities");
    json_begin_object(&w);
    size_t n = n_shown(printer, printer->n_classes);
    for (size_t i = 0; i < n; i++) {
        json_write_key(&w, label_of(printer, i));
        json_write_double(&w, probability(log_probs[printer->order[i]]));
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

static void add_csv_number(StrBuf *out, float log_prob)
{
    char number[32];
    text_from_double(probability(log_prob), number);
    strbuf_printf(out, ",%s", number);
}

static void add_csv_header(AnswerPrinter *printer)
{
    strbuf_add_text(&printer->text, "prediction,probability");
    for (size_t c = 0; printer->style.proba && c < printer->n_classes; c++) {
        strbuf_add_char(&printer->text, ',');
        add_csv_text(&printer->text, predictor_label(printer->predictor, c));
    }
    strbuf_add_char(&printer->text, '\n');
}

static void add_csv(AnswerPrinter *printer, const float *log_probs)
{
    add_csv_text(&printer->text, label_of(printer, 0));
    add_csv_number(&printer->text, log_probs[printer->order[0]]);
    for (size_t c = 0; printer->style.proba && c < printer->n_classes; c++) {
        add_csv_number(&printer->text, log_probs[c]);
    }
    strbuf_add_char(&printer->text, '\n');
}

static void add_answer(AnswerPrinter *printer, const float *log_probs)
{
    sort_classes(printer, log_probs);
    switch (printer->style.form) {
    case ANSWERS_PLAIN:
        add_plain(printer, log_probs);
        break;
    case ANSWERS_JSON:
        strbuf_add_text(&printer->text, printer->n_printed > 0 ? ",\n " : "");
        add_json(printer, log_probs);
        break;
    case ANSWERS_JSON_LINES:
        add_json(printer, log_probs);
        strbuf_add_char(&printer->text, '\n');
        break;
    case ANSWERS_CSV:
        add_csv(printer, log_probs);
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
    printer->order = mem_alloc(printer->n_classes, sizeof *printer->order);
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
void answers_add(AnswerPrinter *printer, const float *log_probs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_answer(printer, log_probs + i * printer->n_classes);
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
    free(printer);
}
