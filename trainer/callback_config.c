/* The fields of `callbacks:`. */
#include "trainer/callback_config.h"

const Field callback_fields[] = {
    {"tensorboard", FIELD_BOOL, offsetof(CallbackConfig, tensorboard), "false",
     .help = "write TensorBoard's event files into the result folder"},
};

const size_t n_callback_fields = sizeof callback_fields / sizeof callback_fields[0];
