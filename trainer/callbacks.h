/* The list of callbacks of a trial: telling all of them, and what a failing one means. */
#ifndef MUSTER_TRAINER_CALLBACKS_H
#define MUSTER_TRAINER_CALLBACKS_H

#include "trainer/callback.h"

typedef struct CallbackList {
    Callback *items;
    size_t n;
    bool failed; /* a required one failed */
    char error[512];
} CallbackList;

/* Each tells every callback in order. A failure is a warning, said once per callback; a
 * required callback's also marks the list as failed. */
void callbacks_start(CallbackList *list, const TrialStart *start);
void callbacks_step(CallbackList *list, const StepEnd *step);
void callbacks_report(CallbackList *list, const Report *report, bool *stop);
void callbacks_checkpoint(CallbackList *list, const Report *report);
void callbacks_measurement(CallbackList *list, const Measurement *measurement);
void callbacks_checkpoint_removed(CallbackList *list, const char *dir);
void callbacks_end(CallbackList *list, const TrialEnd *end);

/* Closes every callback and empties the list. */
void callbacks_close(CallbackList *list);

#endif
