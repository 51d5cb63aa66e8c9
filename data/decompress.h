/* gzip and zstd as one thing: a stream that takes bytes and gives bytes. */
#ifndef MUSTER_DATA_DECOMPRESS_H
#define MUSTER_DATA_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

/* What one step did. */
typedef struct DecompressStep {
    size_t used;       /* bytes taken */
    size_t got;        /* bytes given */
    const char *error; /* what is wrong with the stream, or NULL; static storage */
} DecompressStep;

/* One kind of stream: constant instances below, states from `open`. */
typedef struct DecompressKind {
    const char *name; /* for messages */
    const char *magic;
    size_t n_magic;
    void *(*open)(void);
    void (*close)(void *state);

    /* Takes from in[0..n), gives to out[0..cap). Members that follow one another are one
     * stream. */
    DecompressStep (*step)(void *state, const void *in, size_t n, void *out, size_t cap);

    /* Whether the stream may end where it stands. */
    bool (*at_end)(const void *state);
} DecompressKind;

extern const DecompressKind decompress_gzip, decompress_zstd;

/* The kind whose magic these first bytes are, or NULL. */
const DecompressKind *decompress_kind(const void *head, size_t n);

#endif
