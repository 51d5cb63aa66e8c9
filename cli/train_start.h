/* What a training starts from: model.init_from's folder, and the words it brings. */
#ifndef MUSTER_CLI_TRAIN_START_H
#define MUSTER_CLI_TRAIN_START_H

#include "cli/resume.h"
#include "cli/train_config.h"
#include "model/word_vectors.h"

typedef struct TrainStart {
    WordVectors vectors; /* n 0: none, or the model comes from a checkpoint */
    AddedWords added;
    StrBuf words; /* of a resumed run: its own vocabulary */
    Text *items;
    char digest[SHA256_HEX];
} TrainStart;

void train_start_free(TrainStart *start);

/* Reads the folder, or for a resumed run what its checkpoint kept of it, and lends its
 * words to config->data. Nothing happens without model.init_from. STATUS_CONFIG when
 * vectors or encoder do not fit the config. Local. */
Status train_start_open(WholeConfig *config, const ResumePoint *resume, TrainStart *out);

#endif
