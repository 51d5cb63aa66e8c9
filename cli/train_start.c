/* Word vectors, or an encoder, for a new run; for a resumed one the words alone, from its
 * checkpoint, so that it does not need the folder again. */
#include "cli/train_start.h"

#include "cli/lite_config.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT = 64 << 20 };
static const size_t VOCAB_LIMIT = (size_t)4 << 30;

void train_start_free(TrainStart *start)
{
    word_vectors_free(&start->vectors);
    strbuf_free(&start->words);
    free(start->items);
    *start = (TrainStart){0};
}

static Status read_folder(const WholeConfig *config, TrainStart *start)
{
    TRY(lite_start_read(config, &start->vectors));
    start->added =
        (AddedWords){start->vectors.n, start->vectors.words, start->vectors.digest};
    return STATUS_OK;
}

/* The vocabulary's lines: the words of the rows come first and are found again, those
 * behind them are the added ones. */
static void list_words(TrainStart *start)
{
    size_t cap = 0, n = 0;
    Text rest = {start->words.p, start->words.n};
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t length = end ? (size_t)(end - rest.p) : rest.n;
        start->items = mem_grow(start->items, &cap, n + 1, sizeof *start->items);
        start->items[n++] = (Text){rest.p, length};
        length += end ? 1 : 0;
        rest = (Text){rest.p + length, rest.n - length};
    }
    start->added = (AddedWords){n, start->items, start->digest};
}

/* The digest of the vectors, so that what was prepared for the run is found again. */
static Status read_digest(const char *dir, TrainStart *start)
{
    char *path = path_join(dir, "muster.json");
    Json *json = NULL;
    Status status = json_load(path, JSON_LIMIT, STATUS_DAMAGED, &json);
    const char *digest = json_string(json_get(json_get(json, "digests"), "init"));
    if (status == STATUS_OK && digest && strlen(digest) == SHA256_HEX - 1) {
        memcpy(start->digest, digest, SHA256_HEX);
    } else if (status == STATUS_OK) {
        status = status_set(STATUS_DAMAGED, "%s: digests.init: expected a SHA-256", path);
        status_hint("the run was begun without model.init_from; resume it without");
    }
    json_free(json);
    free(path);
    return status;
}

static Status read_checkpoint(const char *dir, TrainStart *start)
{
    TRY(read_digest(dir, start));
    char *path = path_join(dir, "vocab.txt");
    Status status = file_read(path, VOCAB_LIMIT, STATUS_DAMAGED, &start->words);
    free(path);
    TRY(status);
    list_words(start);
    return STATUS_OK;
}

Status train_start_open(WholeConfig *config, const ResumePoint *resume, TrainStart *out)
{
    const char *dir = config->model.init_from;
    if (config->model.arch != ARCH_LITE || !dir || !*dir) {
        return STATUS_OK;
    }
    TRY(resume->checkpoint_dir ? read_checkpoint(resume->checkpoint_dir, out)
                               : read_folder(config, out));
    config->data.added = &out->added;
    return STATUS_OK;
}
