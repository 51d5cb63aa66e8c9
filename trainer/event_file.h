/* TensorBoard's event files: records of TFRecord framing around Event messages.
 *
 * What TensorBoard needs of both is small and fixed, so the bytes are written by hand:
 * tensorflow/core/lib/io/record_writer.h for the frame, event.proto and summary.proto for
 * the messages. Points gather in memory until they are flushed. */
#ifndef MUSTER_TRAINER_EVENT_FILE_H
#define MUSTER_TRAINER_EVENT_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct EventFile EventFile;

/* Creates DIR/events.out.tfevents.<seconds>.<host>.<pid>.<n> and writes its first record,
 * the version. A file of its own every time: TensorBoard reads all of a folder as one. */
Status event_file_open(const char *dir, EventFile **out);

/* Flushes and frees; NULL is fine. */
void event_file_close(EventFile *file);

/* A point of a curve. `wall_s` is seconds since 1970. */
void event_file_add_scalar(EventFile *file, double wall_s, int64_t step, const char *tag,
                           double value);

/* A text, shown as Markdown. */
void event_file_add_text(EventFile *file, double wall_s, int64_t step, const char *tag,
                         const char *text);

/* What older files say from this step on is void: a training was taken up here. */
void event_file_add_restart(EventFile *file, double wall_s, int64_t step);

/* Writes what has gathered. After a failure nothing more is written, and the status comes
 * back each time. */
Status event_file_flush(EventFile *file);

/* How many bytes wait to be flushed. */
size_t event_file_pending(const EventFile *file);

/* CRC-32C (Castagnoli), not masked. */
uint32_t crc32c(const void *bytes, size_t n);

#endif
