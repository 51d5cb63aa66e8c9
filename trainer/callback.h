/* What the train loop tells the world, and what listens: the public interface under the
 * names that the tree uses. The loop knows no callback by name; the tracker implements
 * this interface from above. */
#ifndef MUSTER_TRAINER_CALLBACK_H
#define MUSTER_TRAINER_CALLBACK_H

#include "base/status.h"
#include "include/muster/callback.h"

typedef MusterNamedValue NamedValue;
typedef MusterNamedText NamedText;
typedef MusterTrialStart TrialStart;
typedef MusterStepUse StepUse;
typedef MusterStepEnd StepEnd;
typedef MusterReport Report;
typedef MusterMeasurement Measurement;
typedef MusterTrialEnd TrialEnd;
typedef MusterCallback Callback;

#define STEP_TO_SHOW_AND_KEEP MUSTER_STEP_TO_SHOW_AND_KEEP
#define STEP_TO_SHOW          MUSTER_STEP_TO_SHOW
#define STEP_TO_KEEP          MUSTER_STEP_TO_KEEP

/* The value of a metric in a report, automatic numbers included, or `otherwise`. */
double report_value(const Report *report, const char *name, double otherwise);

#endif
