/* How answers are printed: for people, as JSON, JSON Lines or CSV. */
#ifndef MUSTER_CLI_PREDICT_OUTPUT_H
#define MUSTER_CLI_PREDICT_OUTPUT_H

#include "predict/predictor.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum AnswerForm {
    ANSWERS_PLAIN,      /* a line per text: its label, or its labels as in files; with
                           probabilities, bars below it */
    ANSWERS_JSON,       /* one array of {"prediction", "probabilities"}; of several labels
                           a text the first is a list */
    ANSWERS_JSON_LINES, /* one such object per line */
    ANSWERS_CSV /* prediction, probability (of one class a text); with probabilities, a
                   column per class */
} AnswerForm;

typedef struct AnswerStyle {
    AnswerForm form;
    bool proba;
    size_t top; /* most likely classes shown; 0 = all (bars: 5) */
} AnswerStyle;

typedef struct AnswerPrinter AnswerPrinter;

/* All borrowed until answers_end. Prints what stands before the first answer. */
AnswerPrinter *answers_begin(const AnswerStyle *style, const Predictor *predictor,
                             FILE *out);

/* answers [n, n_classes] as predictor_predict's. */
void answers_add(AnswerPrinter *printer, const float *answers, size_t n);

/* Prints what stands behind the last answer, if `complete`, and frees. */
void answers_end(AnswerPrinter *printer, bool complete);

#endif
