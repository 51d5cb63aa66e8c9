/* Blocks, their checksums, and the bits that say which were compared already. */
#include "data/checked_map.h"

#include "base/checksum.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BITS = 16, BLOCK = 1 << BLOCK_BITS };

static const char MAGIC[8] = "MUSTMAP1";

typedef struct Footer {
    uint64_t size; /* of the payload */
    uint64_t n_blocks;
    uint64_t table_sum; /* checksum of the table of checksums */
    char magic[8];
    uint64_t footer_sum; /* of the fields above */
} Footer;

/* ---- writing ---- */

struct CheckedWriter {
    int fd;
    char *path;
    uint64_t size;
    size_t n; /* bytes in `block` */
    uint64_t *sums;
    size_t n_sums, sums_cap;
    int error; /* errno of the first failure */
    unsigned char block[BLOCK];
};

CheckedWriter *checked_writer_open(int fd, const char *path)
{
    CheckedWriter *writer = mem_zalloc(1, sizeof *writer);
    writer->fd = fd;
    writer->path = mem_strdup(path);
    return writer;
}

static void write_out(CheckedWriter *writer, const void *bytes, size_t n)
{
    const char *from = bytes;
    while (n > 0 && writer->error == 0) {
        ssize_t done = write(writer->fd, from, n);
        if (done < 0 && errno != EINTR) {
            writer->error = errno;
        } else if (done > 0) {
            from += done;
            n -= (size_t)done;
        }
    }
}

static void end_block(CheckedWriter *writer)
{
    writer->sums = mem_grow(writer->sums, &writer->sums_cap, writer->n_sums + 1,
                            sizeof *writer->sums);
    writer->sums[writer->n_sums++] = checksum_bytes(writer->block, writer->n);
    write_out(writer, writer->block, writer->n);
    writer->n = 0;
}

void checked_writer_add(CheckedWriter *writer, const void *bytes, size_t n)
{
    const char *from = bytes;
    writer->size += n;
    while (n > 0) {
        size_t some = BLOCK - writer->n < n ? BLOCK - writer->n : n;
        memcpy(writer->block + writer->n, from, some);
        writer->n += some;
        from += some;
        n -= some;
        if (writer->n == BLOCK) {
            end_block(writer);
        }
    }
}

uint64_t checked_writer_align(CheckedWriter *writer)
{
    static const char ZEROS[8];
    checked_writer_add(writer, ZEROS, (size_t)(-writer->size & 7));
    return writer->size;
}

void checked_writer_abandon(CheckedWriter *writer)
{
    if (!writer) {
        return;
    }
    close(writer->fd);
    free(writer->path);
    free(writer->sums);
    free(writer);
}

Status checked_writer_end(CheckedWriter *writer, bool sync, int *fd)
{
    checked_writer_align(writer);
    if (writer->n > 0) {
        end_block(writer);
    }
    Footer footer = {
        .size = writer->size,
        .n_blocks = writer->n_sums,
        .table_sum = checksum_bytes(writer->sums, writer->n_sums * sizeof *writer->sums),
    };
    memcpy(footer.magic, MAGIC, sizeof MAGIC);
    footer.footer_sum = checksum_bytes(&footer, offsetof(Footer, footer_sum));
    write_out(writer, writer->sums, writer->n_sums * sizeof *writer->sums);
    write_out(writer, &footer, sizeof footer);
    if (writer->error == 0 && sync && fsync(writer->fd) != 0) {
        writer->error = errno;
    }
    Status status = STATUS_OK;
    if (writer->error != 0) {
        status = status_set(STATUS_FAILED, "%s: %s after %llu bytes", writer->path,
                            strerror(writer->error), (unsigned long long)writer->size);
    } else if (fd) {
        *fd = dup(writer->fd);
        if (*fd < 0) {
            status = status_set(STATUS_FAILED, "%s: %s", writer->path, strerror(errno));
        }
    }
    checked_writer_abandon(writer);
    return status;
}

/* ---- reading ---- */

struct CheckedMap {
    char *path;
    const unsigned char *bytes;
    size_t mapped; /* bytes of the whole file */
    Footer footer;
    const uint64_t *sums;
    uint64_t *known; /* a bit for each block that was found whole */
};

void checked_map_close(CheckedMap *map)
{
    if (!map) {
        return;
    }
    if (map->bytes) {
        munmap((void *)(uintptr_t)map->bytes, map->mapped);
    }
    free(map->path);
    free(map->known);
    free(map);
}

static Status damaged(const CheckedMap *map, const char *what)
{
    status_set(STATUS_DAMAGED, "%s: %s", map->path, what);
    status_hint("it holds nothing of its own: remove it, and it is made again");
    return STATUS_DAMAGED;
}

static bool footer_fits(const Footer *footer, size_t mapped)
{
    uint64_t blocks = footer->size / BLOCK + (footer->size % BLOCK > 0);
    return memcmp(footer->magic, MAGIC, sizeof MAGIC) == 0 &&
           footer->footer_sum == checksum_bytes(footer, offsetof(Footer, footer_sum)) &&
           footer->size <= mapped && footer->n_blocks == blocks &&
           footer->size + blocks * sizeof(uint64_t) + sizeof *footer == mapped;
}

static Status map_file(CheckedMap *map, int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return status_set(STATUS_FAILED, "%s: %s", map->path, strerror(errno));
    }
    map->mapped = (size_t)info.st_size;
    if (map->mapped < sizeof(Footer)) {
        return damaged(map, "is cut off");
    }
    void *bytes = mmap(NULL, map->mapped, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        return status_set(STATUS_FAILED, "%s: cannot be mapped: %s", map->path,
                          strerror(errno));
    }
    map->bytes = bytes;
    memcpy(&map->footer, map->bytes + map->mapped - sizeof(Footer), sizeof(Footer));
    if (!footer_fits(&map->footer, map->mapped)) {
        return damaged(map, "is cut off, or not a cache of this version");
    }
    map->sums = (const uint64_t *)(const void *)(map->bytes + map->footer.size);
    if (checksum_bytes(map->sums, map->footer.n_blocks * sizeof *map->sums) !=
        map->footer.table_sum) {
        return damaged(map, "is damaged: its table of checksums is not as it was");
    }
    map->known = mem_zalloc(map->footer.n_blocks / 64 + 1, sizeof *map->known);
    return STATUS_OK;
}

Status checked_map_open(int fd, const char *path, CheckedMap **out)
{
    CheckedMap *map = mem_zalloc(1, sizeof *map);
    map->path = mem_strdup(path);
    Status status = map_file(map, fd);
    close(fd);
    if (status != STATUS_OK) {
        checked_map_close(map);
        return status;
    }
    *out = map;
    return STATUS_OK;
}

uint64_t checked_map_size(const CheckedMap *map)
{
    return map->footer.size;
}

static Status verify_block(const CheckedMap *map, uint64_t block)
{
    uint64_t begin = block << BLOCK_BITS, left = map->footer.size - begin;
    if (checksum_bytes(map->bytes + begin, left < BLOCK ? left : BLOCK) !=
        map->sums[block]) {
        char *what = mem_printf("is damaged near byte %llu", (unsigned long long)begin);
        damaged(map, what);
        free(what);
        return STATUS_DAMAGED;
    }
    __atomic_fetch_or(&map->known[block / 64], (uint64_t)1 << (block % 64),
                      __ATOMIC_RELAXED);
    return STATUS_OK;
}

static bool is_known(const CheckedMap *map, uint64_t block)
{
    uint64_t bits = __atomic_load_n(&map->known[block / 64], __ATOMIC_RELAXED);
    return bits >> (block % 64) & 1;
}

Status checked_map_verify(const CheckedMap *map, uint64_t at, uint64_t n)
{
    if (at > map->footer.size || n > map->footer.size - at) {
        return damaged(map, "is damaged: a part lies outside of it");
    }
    for (uint64_t block = at >> BLOCK_BITS; n > 0 && block <= (at + n - 1) >> BLOCK_BITS;
         block++) {
        if (!is_known(map, block)) {
            TRY(verify_block(map, block));
        }
    }
    return STATUS_OK;
}

const void *checked_map_get(const CheckedMap *map, uint64_t at, uint64_t n)
{
    if (checked_map_verify(map, at, n) != STATUS_OK) {
        log_status();
        status_end_process(STATUS_DAMAGED);
    }
    return map->bytes + at;
}
