/* What a rank and the supervisor of trainer/launch.c say to each other: the rank sends
 * its number and gets three file descriptors (SCM_RIGHTS). Private to these two. */
#ifndef MUSTER_TRAINER_LAUNCH_WIRE_H
#define MUSTER_TRAINER_LAUNCH_WIRE_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Names the socket; also what tells a rank that launch_run started it. */
#define LAUNCH_ENV_SOCKET "MUSTER_LAUNCH"

/* Behind the hello a rank may send words (LaunchWord of launch.h) with a text. */
typedef struct LaunchWordHead {
    uint32_t word, n;
} LaunchWordHead;

enum { LAUNCH_TEXT = 4096 };

typedef struct LaunchHello {
    int rank;
} LaunchHello;

enum { N_STREAMS = 3 }; /* stdin, stdout, stderr */

typedef union LaunchControl {
    char bytes[CMSG_SPACE(N_STREAMS * sizeof(int))];
    struct cmsghdr align;
} LaunchControl;

/* The address of the socket of this name; returns its length. */
socklen_t launch_address(const char *name, struct sockaddr_un *address);

#endif
