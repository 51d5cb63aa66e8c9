/* `muster train`: reads config and data, creates the run, trains on every rank, prints
 * how it ended. What the parts do is theirs; here they are wired. */
#include "cli/train_job.h"

#include "cli/command.h"
#include "cli/rank_job.h"

#include "trainer/stop_signals.h"

static TrainOptions options;

#define AT(field) offsetof(TrainOptions, field)

static const Option OPTIONS[] = {
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = AT(ranks),
     .value = "N",
     .min = 1,
     .max = 4096,
     .help = "start mpirun with N ranks and supervise it"},
    {.name = "threads",
     .kind = OPTION_INT,
     .offset = AT(threads),
     .value = "N",
     .min = 1,
     .max = 64,
     .help =
         "of each rank while rows are read (OMP_NUM_THREADS, or the host's cores over "
         "its ranks); steps take one"},
    {.name = "resume",
     .kind = OPTION_TEXT,
     .offset = AT(resume),
     .value = "RUN",
     .optional = "",
     .optional_next = true,
     .help =
         "continue a run (id, name, last) from its newest checkpoint; without RUN the "
         "newest unfinished one of the experiment; auto: that, or a new one"},
    {.name = "restart",
     .kind = OPTION_TEXT,
     .offset = AT(restart),
     .value = "RUN",
     .help = "as --resume RUN, but from the start where the run has no checkpoint yet; "
             "what train.max_failures does after a failure"},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .offset = AT(explain),
     .help = "print every final value and where it came from, and stop"},
    {.name = "evaluate",
     .kind = OPTION_FLAG,
     .offset = AT(evaluate),
     .help = "then print precision, recall and f1 of the test split, as muster evaluate"},
    {.name = "experiment",
     .kind = OPTION_TEXT,
     .offset = AT(experiment),
     .value = "NAME",
     .help = "beats the config's experiment"},
    {.name = "run-name",
     .kind = OPTION_TEXT,
     .offset = AT(run_name),
     .value = "NAME",
     .help = "instead of a made-up one"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(tracking_uri),
     .value = "URI",
     .help = "the run store, sqlite:///PATH"},
};

static const OptionConflict CONFLICTS[] = {
    {"explain", "ranks"}, {"explain", "resume"}, {"explain", "evaluate"}};

/* --- the ranks of this job --- */

static Status run_rank(const Ranks *ranks, const Invocation *invocation, void *context)
{
    TrainOptions *chosen = context;
    chosen->json = invocation->json;
    return train_job_run(ranks, chosen, invocation->args, invocation->n_args,
                         stop_signals_catch());
}

Status train_run_on_ranks(const Invocation *invocation, TrainOptions *chosen)
{
    const RankJob job = {.main = run_rank,
                         .context = chosen,
                         .captured = !chosen->explain,
                         .threads = chosen->threads};
    return rank_job_run(&job, chosen->ranks, invocation);
}

static Status run(const Invocation *invocation)
{
    if (invocation->n_args == 0 && !options.resume && !options.restart) {
        status_set(STATUS_USAGE, "missing argument CONFIG");
        status_hint("muster train configs/tiny.yaml");
        return STATUS_USAGE;
    }
    return train_run_on_ranks(invocation, &options);
}

static const Example EXAMPLES[] = {
    {"muster train configs/tiny.yaml", "seconds, on one core"},
    {"muster train configs/debian-sections.yaml --ranks 2", "on two cores"},
    {"mpirun -n 4 muster train configs/x.yaml train.lr=3e-4",
     "under a launcher of your own, one value changed"},
    {"muster train configs/debian-sections-quality.yaml --evaluate",
     "word vectors first, then the training, then its test split"},
    {"muster train --resume last", "continue where the last run was stopped"},
    {"muster train configs/x.yaml --explain", "every value and where it comes from"},
};

const Command command_train = {
    .name = "train",
    .summary = "train a classifier and record the run",
    .usage = "train CONFIG [section.key=value ...]",
    .details =
        "Ranks share each batch; 1, 2, 4 and 8 of them give the same bits. Ctrl-C, "
        "SIGTERM and\nSIGUSR1 end with a checkpoint to resume from. Where "
        "model.init_from is what the\nconfig gives as pretrain.out, word vectors are "
        "learnt first, unless they are there and fit.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], CONFLICTS,
                sizeof CONFLICTS / sizeof CONFLICTS[0], &options},
    .max_args = ANY_ARGS,
    .arg = "CONFIG",
    .more_help = train_job_help,
    .run = run,
};
