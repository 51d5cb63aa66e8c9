/* Protocol buffers and record frames, written by hand. */
#include "trainer/event_file.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "trainer/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* Field numbers of event.proto, summary.proto and tensor.proto. */
enum {
    EVENT_WALL_TIME = 1,
    EVENT_STEP = 2,
    EVENT_FILE_VERSION = 3,
    EVENT_SUMMARY = 5,
    EVENT_SESSION_LOG = 7,
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1,
    VALUE_SIMPLE = 2,
    VALUE_TENSOR = 8,
    VALUE_METADATA = 9,
    METADATA_PLUGIN = 1,
    PLUGIN_NAME = 1,
    TENSOR_DTYPE = 1,
    TENSOR_SHAPE = 2,
    TENSOR_STRING = 8,
    SHAPE_DIM = 2,
    DIM_SIZE = 1,
    SESSION_STATUS = 1
};
enum { DTYPE_STRING = 7, SESSION_START = 1 };

struct EventFile {
    int fd;
    char *path;
    StrBuf pending;
    int error; /* errno of the first failure */
};

/* ---- CRC-32C, the reflected polynomial 0x1EDC6F41 ---- */

uint32_t crc32c(const void *bytes, size_t n)
{
    uint32_t crc = ~0u;
    for (const unsigned char *p = bytes, *end = p + n; p < end; p++) {
        crc ^= *p;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
        }
    }
    return ~crc;
}

/* Masked, since a record may hold checksums itself. */
static uint32_t masked_crc(const void *bytes, size_t n)
{
    uint32_t crc = crc32c(bytes, n);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* ---- protocol buffers ---- */

static void put_little(StrBuf *out, uint64_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++) {
        strbuf_add_char(out, (char)(value >> (8 * i) & 0xff));
    }
}

static void put_varint(StrBuf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        strbuf_add_char(out, (char)(value | 0x80));
    }
    strbuf_add_char(out, (char)value);
}

static void put_key(StrBuf *out, int field, int wire)
{
    put_varint(out, (uint64_t)(field << 3 | wire));
}

static void put_int(StrBuf *out, int field, int64_t value)
{
    put_key(out, field, WIRE_VARINT);
    put_varint(out, (uint64_t)value);
}

static void put_double(StrBuf *out, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, WIRE_64);
    put_little(out, bits, 8);
}

static void put_float(StrBuf *out, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, WIRE_32);
    put_little(out, bits, 4);
}

static void put_bytes(StrBuf *out, int field, const void *bytes, size_t n)
{
    put_key(out, field, WIRE_BYTES);
    put_varint(out, n);
    strbuf_add(out, bytes, n);
}

static void put_text(StrBuf *out, int field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* A message inside another; the inner one is done with. */
static void put_message(StrBuf *out, int field, StrBuf *inner)
{
    put_bytes(out, field, inner->p ? inner->p : "", inner->n);
    strbuf_free(inner);
}

/* ---- records ---- */

static void add_record(EventFile *file, StrBuf *event)
{
    StrBuf length = {0};
    put_little(&length, event->n, 8);
    strbuf_add(&file->pending, length.p, length.n);
    put_little(&file->pending, masked_crc(length.p, length.n), 4);
    strbuf_add(&file->pending, event->p, event->n);
    put_little(&file->pending, masked_crc(event->p, event->n), 4);
    strbuf_free(&length);
    strbuf_free(event);
}

static StrBuf begin_event(double wall_s, int64_t step)
{
    StrBuf event = {0};
    put_double(&event, EVENT_WALL_TIME, wall_s);
    if (step != 0) {
        put_int(&event, EVENT_STEP, step);
    }
    return event;
}

/* An Event with a Summary of this one Value. */
static void add_value(EventFile *file, double wall_s, int64_t step, StrBuf *value)
{
    StrBuf event = begin_event(wall_s, step), summary = {0};
    put_message(&summary, SUMMARY_VALUE, value);
    put_message(&event, EVENT_SUMMARY, &summary);
    add_record(file, &event);
}

void event_file_add_scalar(EventFile *file, double wall_s, int64_t step, const char *tag,
                           double number)
{
    StrBuf value = {0};
    put_text(&value, VALUE_TAG, tag);
    put_float(&value, VALUE_SIMPLE, (float)number);
    add_value(file, wall_s, step, &value);
}

/* A tensor of one string, for TensorBoard's plugin "text". */
void event_file_add_text(EventFile *file, double wall_s, int64_t step, const char *tag,
                         const char *text)
{
    StrBuf value = {0}, dim = {0}, shape = {0}, tensor = {0}, plugin = {0},
           metadata = {0};
    put_int(&dim, DIM_SIZE, 1);
    put_message(&shape, SHAPE_DIM, &dim);
    put_int(&tensor, TENSOR_DTYPE, DTYPE_STRING);
    put_message(&tensor, TENSOR_SHAPE, &shape);
    put_text(&tensor, TENSOR_STRING, text);
    put_text(&plugin, PLUGIN_NAME, "text");
    put_message(&metadata, METADATA_PLUGIN, &plugin);
    put_text(&value, VALUE_TAG, tag);
    put_message(&value, VALUE_TENSOR, &tensor);
    put_message(&value, VALUE_METADATA, &metadata);
    add_value(file, wall_s, step, &value);
}

void event_file_add_restart(EventFile *file, double wall_s, int64_t step)
{
    StrBuf event = begin_event(wall_s, step), session = {0};
    put_int(&session, SESSION_STATUS, SESSION_START);
    put_message(&event, EVENT_SESSION_LOG, &session);
    add_record(file, &event);
}

/* ---- the file ---- */

/* TensorBoard takes files in the order of their names, so the seconds come first. */
static int create(const char *dir, char **path)
{
    char host[HOST_NAME];
    host_name(host);
    long long seconds = clock_wall_ms() / 1000;
    for (int n = 0;; n++) {
        *path = mem_printf("%s/events.out.tfevents.%010lld.%s.%ld.%d", dir, seconds, host,
                           (long)getpid(), n);
        int fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
        free(*path);
    }
}

Status event_file_open(const char *dir, EventFile **out)
{
    char *path;
    int fd = create(dir, &path);
    if (fd < 0) {
        Status status = status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
        free(path);
        return status;
    }
    EventFile *file = mem_zalloc(1, sizeof *file);
    *file = (EventFile){.fd = fd, .path = path};
    StrBuf event = begin_event((double)clock_wall_ms() / 1000, 0);
    put_text(&event, EVENT_FILE_VERSION, "brain.Event:2");
    add_record(file, &event);
    Status status = event_file_flush(file);
    if (status != STATUS_OK) {
        event_file_close(file);
        return status;
    }
    *out = file;
    return STATUS_OK;
}

static Status failed(const EventFile *file)
{
    return status_set(STATUS_FAILED, "%s: %s", file->path, strerror(file->error));
}

Status event_file_flush(EventFile *file)
{
    for (size_t done = 0; done < file->pending.n && !file->error;) {
        ssize_t n = write(file->fd, file->pending.p + done, file->pending.n - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            file->error = errno;
        }
    }
    strbuf_clear(&file->pending);
    return file->error ? failed(file) : STATUS_OK;
}

size_t event_file_pending(const EventFile *file)
{
    return file->pending.n;
}

void event_file_close(EventFile *file)
{
    if (!file) {
        return;
    }
    if (!file->error) {
        event_file_flush(file);
    }
    close(file->fd);
    strbuf_free(&file->pending);
    free(file->path);
    free(file);
}
