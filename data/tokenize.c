/* The reader, the threads that split, and the writer: a ring of pieces goes round. */
#include "data/tokenize.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "data/read_progress.h"
#include "data/row_piece.h"
#include "data/rows.h"
#include "data/tokenized_file.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PIECES_PER_THREAD = 3 };

/* ---- threads ---- */

typedef enum SlotState { SLOT_FREE, SLOT_READ, SLOT_TAKEN, SLOT_SPLIT } SlotState;

typedef struct Slot {
    RowPiece piece;
    SlotState state;
} Slot;

/* Pieces are filled, split and written in the order of the slots. */
typedef struct Ring {
    const WordSplitter *splitter;
    TokenizedWriter *writer;
    Slot *slots;
    size_t n_slots;
    size_t next_read;  /* slot that is filled at the moment */
    size_t next_take;  /* slot that a thread takes next */
    size_t next_write; /* oldest slot that is not yet written */

    pthread_t threads[MOST_THREADS];
    size_t n_threads, most_threads;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closing;
} Ring;

static void ring_init(Ring *ring, const WordSplitter *splitter, TokenizedWriter *writer,
                      size_t threads)
{
    *ring = (Ring){.splitter = splitter, .writer = writer, .most_threads = threads};
    ring->n_slots = threads * PIECES_PER_THREAD + 1;
    ring->slots = mem_zalloc(ring->n_slots, sizeof *ring->slots);
    pthread_mutex_init(&ring->lock, NULL);
    pthread_cond_init(&ring->changed, NULL);
}

static void set_state(Ring *ring, Slot *slot, SlotState state)
{
    pthread_mutex_lock(&ring->lock);
    slot->state = state;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

/* The next slot that was read, or NULL when there will be no more. */
static Slot *take_slot(Ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    Slot *slot = &ring->slots[ring->next_take];
    while (slot->state != SLOT_READ && !ring->closing) {
        pthread_cond_wait(&ring->changed, &ring->lock);
        slot = &ring->slots[ring->next_take];
    }
    if (slot->state == SLOT_READ) {
        slot->state = SLOT_TAKEN;
        ring->next_take = (ring->next_take + 1) % ring->n_slots;
    } else {
        slot = NULL;
    }
    pthread_mutex_unlock(&ring->lock);
    return slot;
}

static void *split_slots(void *context)
{
    Ring *ring = context;
    Slot *slot;
    while ((slot = take_slot(ring))) {
        row_piece_split(&slot->piece, ring->splitter);
        set_state(ring, slot, SLOT_SPLIT);
    }
    return NULL;
}

/* Waits for the oldest piece, writes it and frees its slot. */
static void write_oldest(Ring *ring)
{
    Slot *slot = &ring->slots[ring->next_write];
    pthread_mutex_lock(&ring->lock);
    while (slot->state != SLOT_SPLIT) {
        pthread_cond_wait(&ring->changed, &ring->lock);
    }
    pthread_mutex_unlock(&ring->lock);
    row_piece_write(&slot->piece, ring->writer);
    row_piece_clear(&slot->piece);
    set_state(ring, slot, SLOT_FREE);
    ring->next_write = (ring->next_write + 1) % ring->n_slots;
}

/* The first piece starts no thread: most inputs are no longer. */
static void start_thread(Ring *ring)
{
    if (ring->n_threads < ring->most_threads &&
        pthread_create(&ring->threads[ring->n_threads], NULL, split_slots, ring) == 0) {
        ring->n_threads++;
    }
}

/* Hands the piece at hand over and makes sure that the next slot is free. */
static void pass_on(Ring *ring)
{
    Slot *slot = &ring->slots[ring->next_read];
    start_thread(ring);
    if (ring->n_threads == 0) {
        row_piece_split(&slot->piece, ring->splitter);
        row_piece_write(&slot->piece, ring->writer);
        row_piece_clear(&slot->piece);
        return;
    }
    set_state(ring, slot, SLOT_READ);
    ring->next_read = (ring->next_read + 1) % ring->n_slots;
    if (ring->next_read == ring->next_write) {
        write_oldest(ring);
    }
}

/* Writes what is left (unless `drop`) and lets the threads go. */
static void ring_finish(Ring *ring, bool drop)
{
    while (ring->next_write != ring->next_read) {
        write_oldest(ring);
    }
    RowPiece *last = &ring->slots[ring->next_read].piece;
    if (!drop && last->n_rows > 0) {
        row_piece_split(last, ring->splitter);
        row_piece_write(last, ring->writer);
    }
    pthread_mutex_lock(&ring->lock);
    ring->closing = true;
    pthread_cond_broadcast(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
    for (size_t i = 0; i < ring->n_threads; i++) {
        pthread_join(ring->threads[i], NULL);
    }
    for (size_t i = 0; i < ring->n_slots; i++) {
        row_piece_free(&ring->slots[i].piece);
    }
    free(ring->slots);
    pthread_mutex_destroy(&ring->lock);
    pthread_cond_destroy(&ring->changed);
}

/* ---- files ---- */

/* What is carried from file to file. */
typedef struct Reading {
    const TokenizeRequest *request;
    StrList columns; /* text, then label, then group */
    Ring ring;
    ReadProgress progress;
    size_t n_rows, n_invalid;
} Reading;

static Status empty_column(const RowReader *rows, const Row *row, const char *column,
                           const char *what, const char *hint)
{
    status_set(STATUS_DATA, "%s:%zu:1: column \"%s\", the %s, is empty",
               row_reader_name(rows), row->line, column, what);
    status_hint("%s", hint);
    return STATUS_DATA;
}

static Status add_row(Reading *reading, const RowReader *rows, const Row *row)
{
    const TokenizeRequest *request = reading->request;
    size_t n_text = request->text_columns->n;
    Text label = {"", 0}, group = {"", 0};
    if (request->label) {
        label = row->fields[n_text];
        if (label.n == 0 && !request->label_separator) {
            return empty_column(
                rows, row, request->label, "label",
                "every row needs a class; take the row out or give it one");
        }
    }
    if (request->group) {
        group = row->fields[n_text + (request->label != NULL)];
    }
    if (++reading->n_rows >= UINT32_MAX) {
        return status_set(STATUS_DATA, "%s:%zu:1: more than 4,294,967,294 rows",
                          row_reader_name(rows), row->line);
    }
    RowPiece *piece = &reading->ring.slots[reading->ring.next_read].piece;
    piece->labelled = request->label != NULL;
    piece->grouped = request->group != NULL;
    row_piece_add(piece, row->fields, n_text, label, group, row->line);
    if (piece->arena.n >= ROW_PIECE_BYTES) {
        pass_on(&reading->ring);
    }
    return STATUS_OK;
}

/* The writer learns of a new file when all rows before it are there. */
static void begin_file(Reading *reading, const char *name)
{
    Ring *ring = &reading->ring;
    if (ring->slots[ring->next_read].piece.n_rows > 0) {
        pass_on(ring);
    }
    while (ring->next_write != ring->next_read) {
        write_oldest(ring);
    }
    tokenized_writer_add_file(ring->writer, name);
}

static Status read_file(Reading *reading, const char *path)
{
    const TokenizeRequest *request = reading->request;
    RowOptions options = {.columns = &reading->columns,
                          .policy = request->policy,
                          .list_separator = request->label_separator,
                          .list_column = request->label};
    RowReader *rows;
    TRY(row_reader_open(path, &options, &rows));
    begin_file(reading, row_reader_name(rows));
    Row row;
    bool more = true;
    uint64_t size;
    Status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = row_reader_next(rows, &row, &more);
        if (status != STATUS_OK || !more) {
            break;
        }
        status = add_row(reading, rows, &row);
        if (reading->n_rows % 1024 == 0) {
            read_progress_tell(&reading->progress, row_reader_progress(rows, &size),
                               reading->n_rows);
        }
    }
    reading->progress.before += row_reader_progress(rows, &size);
    reading->n_invalid += row_reader_n_invalid(rows);
    row_reader_close(rows);
    return status;
}

static void list_columns(const TokenizeRequest *request, StrList *columns)
{
    for (size_t i = 0; i < request->text_columns->n; i++) {
        strlist_add(columns, request->text_columns->items[i]);
    }
    if (request->label) {
        strlist_add(columns, request->label);
    }
    if (request->group) {
        strlist_add(columns, request->group);
    }
}

static void warn_invalid(const TokenizeRequest *request, size_t n)
{
    if (n > 0) {
        log_warning("%s: %zu row%s held invalid UTF-8 and %s %s",
                    request->files->items[0], n, n == 1 ? "" : "s",
                    n == 1 ? "was" : "were",
                    request->policy == UTF8_SKIP ? "skipped" : "repaired with U+FFFD");
    }
}

/* Bytes of all files, as they lie; 0 when one of them is a pipe. */
static uint64_t total_size(const StrList *files)
{
    uint64_t total = 0;
    for (size_t i = 0; i < files->n; i++) {
        struct stat info;
        if (stat(files->items[i], &info) != 0 || !S_ISREG(info.st_mode)) {
            return 0;
        }
        total += (uint64_t)info.st_size;
    }
    return total;
}

Status tokenize_files(const TokenizeRequest *request, TokenizedRows **out)
{
    Reading reading = {.request = request};
    TokenizedWriter *writer = tokenized_writer_open(request->fd, request->path);
    if (request->label_separator) {
        tokenized_writer_separate_labels(writer, request->label_separator);
    }
    list_columns(request, &reading.columns);
    ring_init(&reading.ring, request->splitter, writer,
              request->threads ? request->threads : parallel_cores());
    reading.progress = read_progress_begin(request->progress, total_size(request->files));
    Status status = STATUS_OK;
    for (size_t i = 0; i < request->files->n && status == STATUS_OK; i++) {
        status = read_file(&reading, request->files->items[i]);
    }
    ring_finish(&reading.ring, status != STATUS_OK);
    read_progress_end(&reading.progress);
    strlist_free(&reading.columns);
    if (status != STATUS_OK) {
        tokenized_writer_abandon(writer);
        return status;
    }
    warn_invalid(request, reading.n_invalid);
    return tokenized_writer_end(writer, reading.n_invalid, true, out);
}

/* ---- texts ---- */

void tokenize_texts(const WordSplitter *splitter, const Text *texts, size_t n,
                    TokenizedRows **out)
{
    RowPiece piece = {0};
    TokenizedWriter *writer = tokenized_writer_open(-1, NULL);
    for (size_t i = 0; i < n; i++) {
        row_piece_add(&piece, &texts[i], 1, (Text){"", 0}, (Text){"", 0}, 0);
        if (piece.arena.n >= ROW_PIECE_BYTES || i + 1 == n) {
            row_piece_split(&piece, splitter);
            row_piece_write(&piece, writer);
            row_piece_clear(&piece);
        }
    }
    row_piece_free(&piece);
    CHECK(tokenized_writer_end(writer, 0, false, out) == STATUS_OK);
}
