/* What both kinds of validation are made of; for trainer/validate*.c. */
#ifndef MUSTER_TRAINER_VALIDATE_PARTS_H
#define MUSTER_TRAINER_VALIDATE_PARTS_H

#include "trainer/validate.h"

/* A validation in progress on one rank. */
typedef struct Validation {
    const Ranks *ranks;
    const ValidationRequest *request;
    size_t n, C;
    size_t n_lists;    /* of answers: one of the mean, and for several models one each */
    size_t begin, end; /* this rank's examples */
} Validation;

/* Takes the answers [n_texts, C] to a batch; `at` counts this rank's examples. */
typedef void KeepAnswers(void *context, size_t list, const PackedBatch *batch,
                         const float *answers, size_t at);

/* Predicts this rank's examples, in order. Local. */
void validation_predict(const Validation *v, KeepAnswers *keep, void *context);

/* Every rank's items of `size` bytes, one an example, in the order of the examples.
 * Collective. */
void validation_gather(const Validation *v, const void *mine, void *all, size_t size);

/* Several labels a text. Collective. */
void validate_labels(const Validation *v, double *thresholds, ValidationResult *out);

#endif
