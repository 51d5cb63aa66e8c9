/* What became of the folder that a model began from, for people. */
#ifndef MUSTER_TRAINER_START_REPORT_H
#define MUSTER_TRAINER_START_REPORT_H

#include "model/classifier.h"

/* Notes on stderr: how many tensors came from `dir`, which were drawn anew, which of the
 * folder's were not used. Local. */
void start_report_tell(const char *dir, const InitReport *report);

#endif
