/* Telling callbacks, one after the other. */
#include "trainer/callbacks.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

static void note_failure(CallbackList *list, Callback *callback, Status status)
{
    if (status == STATUS_OK) {
        return;
    }
    log_warning("%s: %s", callback->name, status_message());
    if (callback->required && !list->failed) {
        list->failed = true;
        snprintf(list->error, sizeof list->error, "%s: %.400s", callback->name,
                 status_message());
    }
}

void callbacks_start(CallbackList *list, const TrialStart *start)
{
    for (size_t i = 0; i < list->n; i++) {
        Callback *callback = &list->items[i];
        if (callback->on_start) {
            note_failure(list, callback, callback->on_start(callback->self, start));
        }
    }
}

void callbacks_step(CallbackList *list, const StepEnd *step)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].on_step) {
            list->items[i].on_step(list->items[i].self, step);
        }
    }
}

void callbacks_report(CallbackList *list, const Report *report, bool *stop)
{
    for (size_t i = 0; i < list->n; i++) {
        Callback *callback = &list->items[i];
        if (callback->on_report) {
            note_failure(list, callback,
                         callback->on_report(callback->self, report, stop));
        }
    }
}

void callbacks_checkpoint(CallbackList *list, const Report *report)
{
    for (size_t i = 0; i < list->n; i++) {
        Callback *callback = &list->items[i];
        if (callback->on_checkpoint) {
            note_failure(list, callback, callback->on_checkpoint(callback->self, report));
        }
    }
}

void callbacks_measurement(CallbackList *list, const Measurement *measurement)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].on_measurement) {
            list->items[i].on_measurement(list->items[i].self, measurement);
        }
    }
}

void callbacks_checkpoint_removed(CallbackList *list, const char *dir)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].on_checkpoint_removed) {
            list->items[i].on_checkpoint_removed(list->items[i].self, dir);
        }
    }
}

void callbacks_end(CallbackList *list, const TrialEnd *end)
{
    for (size_t i = 0; i < list->n; i++) {
        Callback *callback = &list->items[i];
        if (callback->on_end) {
            note_failure(list, callback, callback->on_end(callback->self, end));
        }
    }
}

void callbacks_close(CallbackList *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].close) {
            list->items[i].close(list->items[i].self);
        }
    }
    list->n = 0;
}
