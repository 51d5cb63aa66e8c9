/* What the ranks of a job have told their supervisor (LaunchWord of trainer/launch.h),
 * for trainer/launch.c alone. */
#ifndef MUSTER_TRAINER_LAUNCH_NEWS_H
#define MUSTER_TRAINER_LAUNCH_NEWS_H

#include <stdbool.h>
#include <stddef.h>

enum { LAUNCH_REASON = 512 };

typedef struct LaunchNews {
    bool policy; /* the config was read: ranks say goodbye */
    int max_failures;
    double hang_timeout_s;                         /* 0: nobody is watched */
    char *run_id, *store_uri;                      /* NULL: no run was made */
    bool recorded;                                 /* how it ended stands in its store */
    char hung[LAUNCH_REASON], died[LAUNCH_REASON]; /* "" until somebody says so */
} LaunchNews;

/* Takes one word from a rank's connection. False when the stream has ended; *goodbye
 * becomes true when the rank said that it would. */
bool launch_news_read(LaunchNews *news, int fd, bool *goodbye);

/* From mpirun's notices: "rank 1 on host n1 (pid 7)" for the first process it says was
 * ended by a signal. False when it says nothing of the kind. */
bool launch_news_find_killed(const char *notices, char *out, size_t n);

void launch_news_free(LaunchNews *news);

#endif
