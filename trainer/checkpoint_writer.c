/* The copy, and the thread that writes it. A thread lives for one folder: it starts when
 * the copy is whole, and its end is the outcome, so nothing is shared while both run. */
#include "trainer/checkpoint_writer.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A model as it stood, and its training's state. */
typedef struct Copy {
    Classifier *model;
    Optimizer *optimizer;
} Copy;

struct CheckpointWriter {
    pthread_t thread;
    bool busy;        /* begun, and the outcome not taken */
    bool has_thread;  /* false: none could be had, and it was written at once */
    atomic_bool done; /* set last by the thread */

    char *dir;
    const Preprocessor *pre;
    CheckpointInfo info; /* what it points to is below, or borrowed */
    TrainPosition position;
    Copy first, *more; /* [n_more] */
    CheckpointMember *members;
    NamedValue *metrics;
    char **names; /* [n_names] of the metrics */
    size_t n_names;
    double *thresholds;

    Status status;
    char *message;
};

CheckpointWriter *checkpoint_writer_open(void)
{
    return mem_zalloc(1, sizeof(CheckpointWriter));
}

static void copy_model(Copy *copy, const Classifier *model, const Optimizer *optimizer)
{
    if (!copy->model) {
        copy->model = classifier_of_shape(model);
        copy->optimizer = optimizer_of_shape(optimizer, model);
    }
    classifier_copy_weights(copy->model, model);
    optimizer_copy_state(copy->optimizer, optimizer);
}

static void copy_members(CheckpointWriter *w, const CheckpointInfo *info)
{
    if (!w->more) {
        w->more = mem_zalloc(info->n_more, sizeof *w->more);
        w->members = mem_zalloc(info->n_more, sizeof *w->members);
    }
    for (size_t i = 0; i < info->n_more; i++) {
        const CheckpointMember *member = &info->more[i];
        CHECK(!member->elsewhere);
        copy_model(&w->more[i], member->model, member->optimizer);
        w->members[i] = *member;
        w->members[i].model = w->more[i].model;
        w->members[i].optimizer = w->more[i].optimizer;
    }
    w->info.more = w->members;
}

static void free_metrics(CheckpointWriter *w)
{
    for (size_t i = 0; i < w->n_names; i++) {
        free(w->names[i]);
    }
    free(w->names);
    free(w->metrics);
}

static void copy_metrics(CheckpointWriter *w, const CheckpointInfo *info)
{
    free_metrics(w);
    w->n_names = info->n_metrics;
    w->names = mem_alloc(info->n_metrics, sizeof *w->names);
    w->metrics = mem_alloc(info->n_metrics, sizeof *w->metrics);
    for (size_t i = 0; i < info->n_metrics; i++) {
        w->names[i] = mem_strdup(info->metrics[i].name);
        w->metrics[i] = (NamedValue){w->names[i], info->metrics[i].value};
    }
    w->info.metrics = w->metrics;
}

static void copy_thresholds(CheckpointWriter *w, const CheckpointInfo *info)
{
    size_t n = preprocessor_n_classes(w->pre);
    if (!info->thresholds) {
        return;
    }
    w->thresholds = w->thresholds ? w->thresholds : mem_alloc(n, sizeof *w->thresholds);
    memcpy(w->thresholds, info->thresholds, n * sizeof *w->thresholds);
    w->info.thresholds = w->thresholds;
}

static void *write_folder(void *self)
{
    CheckpointWriter *w = self;
    w->status =
        checkpoint_save(w->dir, w->first.model, w->pre, w->first.optimizer, &w->info);
    /* Messages belong to their thread. */
    w->message = w->status == STATUS_OK ? NULL : mem_strdup(status_message());
    atomic_store(&w->done, true);
    return NULL;
}

/* Signals are the main thread's. */
static void start_thread(CheckpointWriter *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->has_thread = pthread_create(&w->thread, NULL, write_folder, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!w->has_thread) {
        write_folder(w);
    }
}

void checkpoint_writer_begin(CheckpointWriter *w, const char *dir,
                             const Classifier *model, const Preprocessor *pre,
                             const Optimizer *optimizer, const CheckpointInfo *info)
{
    CHECK(!w->busy);
    w->dir = mem_strdup(dir);
    w->pre = pre;
    w->info = *info;
    w->position = *info->position;
    w->info.position = &w->position;
    copy_model(&w->first, model, optimizer);
    copy_members(w, info);
    copy_metrics(w, info);
    copy_thresholds(w, info);
    w->busy = true;
    atomic_store(&w->done, false);
    start_thread(w);
}

bool checkpoint_writer_is_done(const CheckpointWriter *w)
{
    return w->busy && atomic_load(&w->done);
}

Status checkpoint_writer_wait(CheckpointWriter *w)
{
    CHECK(w->busy);
    if (w->has_thread) {
        pthread_join(w->thread, NULL);
    }
    w->busy = false;
    Status status =
        w->status == STATUS_OK ? STATUS_OK : status_set(w->status, "%s", w->message);
    free(w->message);
    free(w->dir);
    w->message = w->dir = NULL;
    return status;
}

void checkpoint_writer_close(CheckpointWriter *w)
{
    if (!w) {
        return;
    }
    if (w->busy) {
        checkpoint_writer_wait(w);
    }
    for (size_t i = 0; w->more && i < w->info.n_more; i++) {
        optimizer_close(w->more[i].optimizer);
        classifier_close(w->more[i].model);
    }
    optimizer_close(w->first.optimizer);
    classifier_close(w->first.model);
    free_metrics(w);
    free(w->more);
    free(w->members);
    free(w->thresholds);
    free(w);
}
