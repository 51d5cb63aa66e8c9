/* Where and from what a run came: tags that answer, months later, which commit, machine
 * and job it was. */
#ifndef MUSTER_TRACKER_ENVIRONMENT_H
#define MUSTER_TRACKER_ENVIRONMENT_H

#include "tracker/entities.h"

/* What only the caller knows; any may be NULL or 0. */
typedef struct EnvironmentFacts {
    const char *source_name; /* the config file; git is asked in its folder */
    int n_ranks, n_threads;  /* of the job; of each rank */
    const char *kernel_family;
    const KeyValue *versions; /* become muster.version.<key> */
    size_t n_versions;
    const KeyValue *digests; /* become muster.digest.<key> */
    size_t n_digests;
    bool no_git; /* it is not asked */
} EnvironmentFacts;

/* Adds mlflow.user, mlflow.source.{name,type,git.commit,git.branch}, muster.git.dirty,
 * muster.{host,pid,process_start,ranks,cpu,cores,kernel_family}, muster.slurm.* and the
 * caller's facts. What cannot be found out is left out: a missing git, a folder that is
 * no repository, a git that takes longer than 2 s. */
void environment_tags(const EnvironmentFacts *facts, KeyValues *out);

/* The name of the user this process runs as: "root". Free with free(). */
char *environment_user(void);

/* Runs a program (found through PATH, no shell) with its output captured, for at most
 * `timeout_ms`; false when it could not be run, failed, or took longer. */
bool environment_capture(const char *const *argv, int timeout_ms, StrBuf *out);

#endif
