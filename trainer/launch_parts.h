/* The state of a supervisor, for trainer/launch.c and trainer/launch_end.c alone. */
#ifndef MUSTER_TRAINER_LAUNCH_PARTS_H
#define MUSTER_TRAINER_LAUNCH_PARTS_H

#include "trainer/launch.h"
#include "trainer/launch_news.h"
#include "trainer/launch_notices.h"

#include <signal.h>
#include <sys/types.h>

enum { EXIT_SIGNAL = 128 };

typedef struct Peer {
    int fd, rank;
    pid_t pid;
    bool goodbye;
    double stopped; /* clock_seconds() since which it was seen stopped; 0: it is not */
} Peer;

typedef struct Launch {
    pid_t mpirun;
    int signals;  /* signalfd */
    int listener; /* ranks connect here */
    int errors;   /* mpirun's stderr */
    sigset_t old_mask;
    Peer *peers;
    size_t n_peers, peers_cap;
    bool attached;   /* some rank was here */
    int last_signal; /* passed on to ranks that come later */
    int n_interrupts;
    double kill_at; /* clock_seconds(), 0 = never */
    LaunchNotices notices;
    LaunchNews news;
    bool any_goodbye; /* ranks that end in order say it after MPI's last barrier */
    char lost[LAUNCH_REASON]; /* the first rank whose connection broke, or "" */
    bool ended;
    int wait_status;
} Launch;

/* What the job that has ended came to: fills exit_code, by_user and broken. A Status
 * other than STATUS_OK says whose fault it was. */
Status launch_conclude(Launch *launch, LaunchReport *report);

#endif
