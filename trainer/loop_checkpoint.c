/* The checkpoints of the loop: saved, ranked, dropped. */
#include "trainer/loop_groups.h"

#include "base/files.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool loop_save(Loop *loop, const char *dir, const NamedValue *metrics, size_t n)
{
    CheckpointInfo info = loop->job->info;
    info.metrics = metrics;
    info.n_metrics = n;
    info.position = &loop->members.of[0].at;
    info.step = loop->at.step;
    info.more = loop->members.of + 1;
    info.n_more = loop->members.n - 1;
    info.fetch = groups_fetch;
    info.context = loop;
    info.thresholds = loop->thresholds;
    Status status =
        checkpoint_save(dir, loop->members.of[0].model, loop->job->preprocessor,
                        loop->members.of[0].optimizer, &info);
    loop->checkpoint_lost = status != STATUS_OK;
    loop->saved_step = status == STATUS_OK ? loop->at.step : loop->saved_step;
    if (status != STATUS_OK) {
        log_warning("checkpoint not saved, older ones are kept: %s", status_message());
        snprintf(loop->checkpoint_error, sizeof loop->checkpoint_error, "%.500s",
                 status_message());
    }
    return status == STATUS_OK;
}

void loop_drop_checkpoint(Loop *loop, const char *dir)
{
    if (tree_remove(dir) != STATUS_OK) {
        log_warning("old checkpoint not removed: %s", status_message());
        return;
    }
    callbacks_checkpoint_removed(loop->job->callbacks, dir);
}

/* What retention ranks a checkpoint by; NaN when the report has no such metric. */
static double score_of(const Loop *loop, const NamedValue *metrics, size_t n)
{
    Report report = {.metrics = metrics, .n_metrics = n};
    const char *name = loop->job->checkpoint->checkpoint_score_attribute;
    return report_value(&report, name ? name : "val_loss", NAN);
}

char *loop_save_report(Loop *loop, const NamedValue *metrics, size_t n, StrList *dropped)
{
    char name[CHECKPOINT_NAME];
    checkpointer_next_name(loop->checkpointer, name);
    char *dir = path_join(loop->job->start.result_dir, name);
    if (!loop_save(loop, dir, metrics, n)) {
        free(dir);
        return NULL;
    }
    checkpointer_added(loop->checkpointer, dir, score_of(loop, metrics, n), dropped);
    if (*loop->partial && strcmp(loop->partial, dir) != 0) {
        strlist_add(dropped, loop->partial);
    }
    loop->partial[0] = '\0';
    return dir;
}
