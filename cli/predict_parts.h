/* Texts on their way to a model: gathered into parts, a part a rank, and answered when
 * every rank has one or nobody wants to wait any longer.
 *
 * Rank 0 reads and prints; a file need not be there for the others. A part is cut and
 * answered the same way whichever rank has it, so the answers do not depend on how many
 * there are. */
#ifndef MUSTER_CLI_PREDICT_PARTS_H
#define MUSTER_CLI_PREDICT_PARTS_H

#include "base/ranks.h"
#include "cli/predict_output.h"
#include "predict/predictor.h"

typedef struct PredictParts PredictParts;

/* `printer` is rank 0's, NULL elsewhere. With `patient` the ranks sleep while rank 0 has
 * nothing for them: its texts come from somebody who types, or from a pipe. */
PredictParts *predict_parts_open(const Ranks *ranks, Predictor *predictor,
                                 AnswerPrinter *printer, bool patient);

/* Rank 0: one text, its fields joined as in training; answers when all parts are full. */
Status predict_parts_add(PredictParts *parts, const Text *fields, size_t n_fields);

/* Rank 0: true when texts wait for their answers. */
bool predict_parts_waiting(const PredictParts *parts);

/* Rank 0: answers what waits. Afterwards nothing does, whatever came of it. */
Status predict_parts_answer(PredictParts *parts);

/* The other ranks: answers what rank 0 sends until it closes. */
Status predict_parts_follow(PredictParts *parts);

/* Rank 0 lets the others go. Frees. */
void predict_parts_close(PredictParts *parts);

#endif
