/* The connections between watching threads, for trainer/watch.c alone: who listens, who
 * connects, and the few bytes they exchange. */
#ifndef MUSTER_TRAINER_WATCH_WIRE_H
#define MUSTER_TRAINER_WATCH_WIRE_H

#include "base/ranks.h"
#include "trainer/host.h"

#include <stdbool.h>
#include <stdint.h>

enum { WATCH_TOKEN = 16, WATCH_ADDRESSES = 16 };

/* Where rank 0 listens; the same bytes on all ranks. */
typedef struct WatchOffer {
    uint8_t token[WATCH_TOKEN];
    uint32_t n;                          /* 0: nowhere */
    uint32_t addresses[WATCH_ADDRESSES]; /* IPv4, network order */
    uint16_t port;                       /* network order */
    bool local;                          /* all ranks are on this machine */
} WatchOffer;

typedef struct WatchHello {
    uint8_t token[WATCH_TOKEN];
    int32_t rank, pid;
    char host[HOST_NAME];
} WatchHello;

/* WATCH_LEFT: out of turn, and has said so itself. */
typedef enum WatchKind { WATCH_BEAT = 1, WATCH_GOODBYE, WATCH_LEFT } WatchKind;

typedef struct WatchBeat {
    uint64_t beats;
    uint8_t kind, phase, waiting, unused[5];
} WatchBeat;

/* Rank 0 begins to listen, -1 elsewhere; all get the offer. Collective. */
int watch_listen(const Ranks *ranks, WatchOffer *offer);

/* Connects to rank 0 and introduces this rank; -1 when no address answers. */
int watch_connect(const WatchOffer *offer, const WatchHello *hello);

/* Takes a connection whose hello has the token and a rank below `size`; else -1. */
int watch_accept(int listener, const WatchOffer *offer, int size, WatchHello *hello);

/* Never waits; a beat that finds no room is not sent. */
void watch_send(int fd, const WatchBeat *beat);

/* The newest beat that has come, and whether the stream has ended. */
bool watch_receive(int fd, WatchBeat *beat, bool *ended);

/* Closes this end and waits a moment for the other, so that what was sent arrives. */
void watch_hang_up(int fd);

#endif
