/* How far a long reading came, on stderr: a line that rewrites itself on a terminal, one
 * now and then elsewhere; nothing for what takes less than a second. */
#ifndef MUSTER_DATA_READ_PROGRESS_H
#define MUSTER_DATA_READ_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised shows nothing. */
typedef struct ReadProgress {
    bool wanted, terminal, drawn;
    double began, next;
    uint64_t before; /* bytes of the files that are done */
    uint64_t total;  /* of all files; 0 = not known */
} ReadProgress;

/* `total` bytes are to be read. */
ReadProgress read_progress_begin(bool wanted, uint64_t total);

/* `done` bytes of the file at hand were read, `n_rows` rows in all. Cheap. */
void read_progress_tell(ReadProgress *progress, uint64_t done, uint64_t n_rows);

/* Clears the line. */
void read_progress_end(ReadProgress *progress);

#endif
