/* The `callbacks:` section: which callbacks a training has besides those that it always
 * has. */
#ifndef MUSTER_TRAINER_CALLBACK_CONFIG_H
#define MUSTER_TRAINER_CALLBACK_CONFIG_H

#include "base/config.h"

typedef struct CallbackConfig {
    bool tensorboard;
} CallbackConfig;

extern const Field callback_fields[];
extern const size_t n_callback_fields;

#endif
