/* Scores of checkpoints, and who has to go. */
#include "trainer/checkpointer.h"

#include "base/files.h"
#include "base/mem.h"
#include "trainer/result_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ORDERS[] = {"auto", "min", "max", NULL};

#define AT(field) offsetof(CheckpointConfig, field)

const Field checkpoint_fields[] = {
    {"num_to_keep", FIELD_INT, AT(num_to_keep), "1", 0, 1e6,
     .help = "best checkpoints kept besides the last one; 0 keeps all"},
    {"checkpoint_score_attribute", FIELD_TEXT, AT(checkpoint_score_attribute), "val_loss",
     .help = "the reported metric that says how good a checkpoint is"},
    {"checkpoint_score_order", FIELD_CHOICE, AT(checkpoint_score_order), "auto",
     .choices = ORDERS,
     .help = "what is good; auto: min for names with loss or error, else max"},
    {"checkpoint_frequency", FIELD_INT, AT(checkpoint_frequency), "1", 0, 1e6,
     .unit = "iterations", .help = "from one checkpoint to the next; 0: at the end only"},
    {"async", FIELD_BOOL, AT(async), "true",
     .help = "a thread writes while training goes on; costs a copy of weights and "
             "optimizer state in rank 0's memory; seeds side by side write at once"},
};

const size_t n_checkpoint_fields = sizeof checkpoint_fields / sizeof checkpoint_fields[0];

#define PREFIX "checkpoint_"

typedef struct Saved {
    char *dir;
    double score;
} Saved;

struct Checkpointer {
    const CheckpointConfig *config;
    bool lower_is_better;
    Saved *saved; /* in the order they were written */
    size_t n, cap;
    int64_t next_number;
};

bool score_is_min(int order, const char *metric)
{
    if (order == SCORE_AUTO) {
        return strstr(metric, "loss") || strstr(metric, "error");
    }
    return order == SCORE_MIN;
}

Checkpointer *checkpointer_open(const CheckpointConfig *config)
{
    Checkpointer *ck = mem_zalloc(1, sizeof *ck);
    ck->config = config;
    ck->lower_is_better =
        score_is_min(config->checkpoint_score_order, config->checkpoint_score_attribute);
    return ck;
}

void checkpointer_close(Checkpointer *ck)
{
    if (!ck) {
        return;
    }
    for (size_t i = 0; i < ck->n; i++) {
        free(ck->saved[i].dir);
    }
    free(ck->saved);
    free(ck);
}

bool checkpointer_due(const Checkpointer *ck, int64_t iteration, bool last)
{
    int64_t every = ck->config->checkpoint_frequency;
    return last || (every > 0 && iteration % every == 0);
}

void checkpointer_next_name(const Checkpointer *ck, char out[CHECKPOINT_NAME])
{
    snprintf(out, CHECKPOINT_NAME, PREFIX "%06lld", (long long)ck->next_number);
}

/* -1 when `dir` is not named like a checkpoint. */
static int64_t number_of(const char *dir)
{
    const char *name = path_base(dir);
    long long number;
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) {
        return -1;
    }
    const char *digits = name + strlen(PREFIX);
    if (digits[strspn(digits, "0123456789")] != '\0' || !text_to_int(digits, &number)) {
        return -1;
    }
    return number;
}

static bool is_better(const Checkpointer *ck, double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return !isnan(a) && isnan(b);
    }
    return ck->lower_is_better ? a < b : a > b;
}

/* Of equal scores the earlier one wins: later training brought nothing. Where there are
 * no scores (no validation split) the later one does: it is trained more. */
static bool wins_tie(const Checkpointer *ck, size_t j, size_t i)
{
    return isnan(ck->saved[i].score) ? j > i : j < i;
}

/* How many saved ones come before i. */
static size_t rank_of(const Checkpointer *ck, size_t i)
{
    size_t rank = 0;
    for (size_t j = 0; j < ck->n; j++) {
        double a = ck->saved[j].score, b = ck->saved[i].score;
        if (is_better(ck, a, b) || (!is_better(ck, b, a) && wins_tie(ck, j, i))) {
            rank++;
        }
    }
    return rank;
}

static void append(Checkpointer *ck, const char *dir, double score)
{
    ck->saved = mem_grow(ck->saved, &ck->cap, ck->n + 1, sizeof *ck->saved);
    ck->saved[ck->n++] = (Saved){mem_strdup(dir), score};
    int64_t number = number_of(dir);
    if (number >= ck->next_number) {
        ck->next_number = number + 1;
    }
}

/* Never more than one goes when they come one by one, but a resumed trial may keep
 * fewer. */
static void drop_worst(Checkpointer *ck, StrList *remove)
{
    size_t n_keep = (size_t)ck->config->num_to_keep;
    for (size_t i = ck->n; n_keep > 0 && i-- > 0;) {
        if (i + 1 == ck->n || rank_of(ck, i) < n_keep) {
            continue;
        }
        strlist_add_take(remove, ck->saved[i].dir);
        memmove(&ck->saved[i], &ck->saved[i + 1], (ck->n - i - 1) * sizeof *ck->saved);
        ck->n--;
    }
}

void checkpointer_added(Checkpointer *ck, const char *dir, double score, StrList *remove)
{
    append(ck, dir, score);
    drop_worst(ck, remove);
}

const char *checkpointer_best(const Checkpointer *ck)
{
    for (size_t i = 0; i < ck->n; i++) {
        if (rank_of(ck, i) == 0) {
            return ck->saved[i].dir;
        }
    }
    return NULL;
}

const char *checkpointer_last(const Checkpointer *ck)
{
    return ck->n > 0 ? ck->saved[ck->n - 1].dir : NULL;
}

static bool is_saved(const Checkpointer *ck, const char *dir)
{
    for (size_t i = 0; i < ck->n; i++) {
        if (strcmp(ck->saved[i].dir, dir) == 0) {
            return true;
        }
    }
    return false;
}

/* Also counts the numbers of folders that are gone, so that names are not used twice. */
static void take_row(Checkpointer *ck, const char *result_dir, const Json *row)
{
    const char *name = json_string(json_get(row, "checkpoint_dir_name"));
    if (!name || number_of(name) < 0) {
        return;
    }
    char *dir = path_join(result_dir, name);
    const Json *score = json_get(row, ck->config->checkpoint_score_attribute);
    if (dir_exists(dir)) {
        append(ck, dir, json_double(score, NAN));
    } else if (number_of(name) >= ck->next_number) {
        ck->next_number = number_of(name) + 1;
    }
    free(dir);
}

static Status list_unknown(const Checkpointer *ck, const char *result_dir,
                           StrList *remove)
{
    StrList names = {0};
    Status status = dir_list(result_dir, &names);
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *dir = path_join(result_dir, names.items[i]);
        if (strncmp(names.items[i], PREFIX, strlen(PREFIX)) == 0 && dir_exists(dir) &&
            !is_saved(ck, dir)) {
            strlist_add(remove, dir);
        }
        free(dir);
    }
    strlist_free(&names);
    return status;
}

Status checkpointer_restore(Checkpointer *ck, const char *result_dir,
                            int64_t last_iteration, StrList *remove)
{
    ResultHistory history = {0};
    TRY(result_history_load(result_dir, last_iteration, &history));
    for (size_t i = 0; i < history.n; i++) {
        take_row(ck, result_dir, history.rows[i]);
    }
    result_history_free(&history);
    TRY(list_unknown(ck, result_dir, remove));
    drop_worst(ck, remove);
    return STATUS_OK;
}
