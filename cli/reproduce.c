/* `muster reproduce`: trains a stored run again and says whether the same came out. */
#include "cli/output.h"
#include "cli/reproduction.h"
#include "cli/train_job.h"

#include <string.h>

extern const Command command_reproduce;

static TrainOptions options;
static Reproduction reproduction;

#define AT(field) offsetof(TrainOptions, field)

static const Option OPTIONS[] = {
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(ranks),
     .value = "N",
     .min = 1,
     .max = 4096,
     .help =
         "start mpirun with N ranks and supervise it; 1, 2, 4 and 8 give the same bits"},
    TRACKING_URI_OPTION(AT(tracking_uri)),
};

/* Files may have moved; anything else would be another training. */
static Status take_places(const Invocation *invocation)
{
    static const char *const PLACES[] = {
        "data.train=", "data.test=", "data.vocab=", "data.cache=", "model.init_from="};
    for (size_t i = 1; i < invocation->n_args; i++) {
        bool place = false;
        for (size_t k = 0; k < sizeof PLACES / sizeof PLACES[0]; k++) {
            place |= strncmp(invocation->args[i], PLACES[k], strlen(PLACES[k])) == 0;
        }
        if (!place) {
            status_set(STATUS_USAGE, "%s: a run is reproduced with its own settings",
                       invocation->args[i]);
            status_hint("only where files are may change: data.train, data.test, "
                        "data.vocab, data.cache, model.init_from");
            return STATUS_USAGE;
        }
        strlist_add(&reproduction.params, invocation->args[i]);
    }
    return STATUS_OK;
}

static Status run(const Invocation *invocation)
{
    Status status = take_places(invocation);
    if (status == STATUS_OK) {
        reproduction.reference = invocation->args[0];
        reproduction.uri = options.tracking_uri;
        options.reproduction = &reproduction;
        status = train_run_on_ranks(invocation, &options);
    }
    reproduction_free(&reproduction);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster reproduce last", "the newest run, on one rank"},
    {"muster reproduce 3f2a --ranks 2", "on two cores"},
    {"muster reproduce last data.train=/archive/train.csv",
     "its rows stand elsewhere now"},
};

const Command command_reproduce = {
    .name = "reproduce",
    .summary = "train a stored run again and compare every number",
    .usage = "reproduce RUN [data.train=FILE ...]",
    .details =
        "Config and seed come from the store, rows must have the run's digests. Every "
        "reported\nmetric is compared bit by bit, then the weights; the first difference "
        "ends it, with\nwhat has changed in machine, libraries and code. Exit code 0 "
        "when "
        "identical, else 1.\nThe training is a run of its own in the same experiment, "
        "tagged " REPRODUCES_TAG ".",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "RUN",
    .run = run,
};
