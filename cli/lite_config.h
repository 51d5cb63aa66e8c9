/* What `model.init_from` means to `model.arch: lite`. */
#ifndef MUSTER_CLI_LITE_CONFIG_H
#define MUSTER_CLI_LITE_CONFIG_H

#include "cli/train_config.h"

/* The config of a lite that begins from a folder: an encoder decides data.max_words
 * unless it was given. With pieces for tokens the folder must be an encoder of pieces,
 * and data.vocab becomes the folder unless it was given. STATUS_CONFIG for other folders.
 * `resumed`: the folder is not needed any more. Other configs stay as they are. Local. */
Status lite_config_settle(WholeConfig *whole, const Config *config, bool resumed);

/* Reads the vectors, or the encoder, of w->model.init_from and checks that they fit the
 * config; notes on stderr what becomes of an encoder's tensors. Errors say where the
 * folder was named (w->init_place). Local. */
Status lite_start_read(const WholeConfig *w, WordVectors *out);

#endif
