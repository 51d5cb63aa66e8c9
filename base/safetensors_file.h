/* One safetensors file, mapped, with its header checked. The rest of base/safetensors
 * sees files through this; others include base/safetensors.h.
 *
 * The header is read and checked completely before a tensor is handed out. The data is
 * mapped read-only and private. Where other hosts may write to the file system, it is
 * read into memory instead: there a mapped page can vanish without a local writer. Size
 * and time of change are fixed at open and compared again before and after data is looked
 * at, so that a file that was written over or cut off is an error and not other numbers.
 * Against a file that is cut off in the very moment between the two nothing helps: the
 * process ends with SIGBUS. Our own files are never written in place. */
#ifndef MUSTER_BASE_SAFETENSORS_FILE_H
#define MUSTER_BASE_SAFETENSORS_FILE_H

#include "base/json.h"
#include "base/status.h"
#include "base/tensor.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct SafetensorsFile SafetensorsFile;

/* A tensor and where its bytes lie in the data part. */
typedef struct SafetensorsEntry {
    Tensor tensor;
    const SafetensorsFile *file;
    uint64_t begin, end;
    void *aligned; /* a copy of data that lies at an odd address, once asked for */
} SafetensorsEntry;

struct SafetensorsFile {
    char *path;
    int fd;
    struct stat opened; /* as the file was when it was opened */
    Json *header;
    SafetensorsEntry *entries; /* in the order of their bytes */
    size_t n;
    unsigned char *bytes; /* the whole file */
    size_t n_bytes;
    size_t n_data; /* at its end */
    bool mapped;   /* else `bytes` is memory of ours */
};

/* Opens `path` and checks all of its header; see safetensors_open. On failure `file` is
 * to be closed as well. */
Status safetensors_file_open(SafetensorsFile *file, const char *path);
void safetensors_file_close(SafetensorsFile *file);

/* STATUS_DAMAGED when the file is no longer the one that was opened. */
Status safetensors_file_unchanged(const SafetensorsFile *file);

#endif
