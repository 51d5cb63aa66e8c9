/* What base/safetensors.c and base/safetensors_shards.c share: the files that are handed
 * out as one. Others include base/safetensors.h. */
#ifndef MUSTER_BASE_SAFETENSORS_VIEW_H
#define MUSTER_BASE_SAFETENSORS_VIEW_H

#include "base/safetensors.h"
#include "base/safetensors_file.h"

struct Safetensors {
    SafetensorsFile *files; /* never moved: entries point to them */
    size_t n_files;
    SafetensorsEntry **by_place; /* [n] the files' entries back to back */
    SafetensorsEntry **by_name;  /* [n] */
    size_t n;
};

/* A view over room for `n_files` files, which the caller opens one after the other. */
Safetensors *safetensors_view_open(size_t n_files);

/* Once all are open: STATUS_DAMAGED when two files hold the same tensor. */
Status safetensors_view_index(Safetensors *view);

/* The entry of `name`, or NULL. */
SafetensorsEntry *safetensors_view_find(const Safetensors *view, const char *name);

#endif
