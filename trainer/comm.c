/* MPI, used plainly. Counts are ints there, so large transfers go in pieces. */
#include "trainer/comm.h"

#include "base/mem.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static MPI_Comm world = MPI_COMM_NULL;

enum { PIECE = 1 << 30 };

static int piece_of(size_t left)
{
    return left < PIECE ? (int)left : PIECE;
}

static void comm_broadcast(void *self, void *bytes, size_t n)
{
    (void)self;
    char *p = bytes;
    for (size_t at = 0; at < n; at += PIECE) {
        MPI_Bcast(p + at, piece_of(n - at), MPI_BYTE, 0, world);
    }
}

/* One broadcast per rank: any size, and the bytes land in their place. */
static void comm_gather(void *self, const void *mine, void *all, const size_t *counts)
{
    (void)self;
    int rank, size;
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);
    char *to = all;
    for (int root = 0; root < size; root++) {
        if (root == rank && counts[root] > 0 && to != (const char *)mine) {
            memmove(to, mine, counts[root]);
        }
        for (size_t at = 0; at < counts[root]; at += PIECE) {
            MPI_Bcast(to + at, piece_of(counts[root] - at), MPI_BYTE, root, world);
        }
        to += counts[root];
    }
}

static void comm_exchange(void *self, int partner, const void *send, size_t send_n,
                          void *recv, size_t recv_n)
{
    (void)self;
    const char *from = send;
    char *to = recv;
    do {
        int out = piece_of(send_n), in = piece_of(recv_n);
        MPI_Sendrecv(from, out, MPI_BYTE, partner, 0, to, in, MPI_BYTE, partner, 0, world,
                     MPI_STATUS_IGNORE);
        from += out;
        to += in;
        send_n -= (size_t)out;
        recv_n -= (size_t)in;
    } while (send_n > 0 || recv_n > 0);
}

static int comm_max(void *self, int value)
{
    (void)self;
    int largest = value;
    MPI_Allreduce(&value, &largest, 1, MPI_INT, MPI_MAX, world);
    return largest;
}

static void comm_wait(void *self)
{
    (void)self;
    MPI_Request request;
    int done = 0;
    MPI_Ibarrier(world, &request);
    while (!done) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (!done) {
            nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
        }
    }
}

static void comm_abort(void *self, int code)
{
    (void)self;
    MPI_Abort(world, code);
    abort();
}

static void abort_all(int code)
{
    MPI_Abort(world, code);
}

Status comm_open(Ranks *out)
{
    int provided;
    /* Callbacks may run a thread of their own (the tracker's writer); only the main
     * thread calls MPI. */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
        return status_set(STATUS_FAILED, "MPI did not start");
    }
    MPI_Comm_dup(MPI_COMM_WORLD, &world);
    *out = (Ranks){
        .broadcast = comm_broadcast,
        .gather = comm_gather,
        .exchange = comm_exchange,
        .max = comm_max,
        .wait = comm_wait,
        .abort = comm_abort,
    };
    MPI_Comm_rank(world, &out->rank);
    MPI_Comm_size(world, &out->size);
    check_set_abort(abort_all, out->rank);
    return STATUS_OK;
}

void comm_close(void)
{
    check_set_abort(NULL, -1);
    MPI_Comm_free(&world);
    MPI_Finalize();
}

const char *comm_library(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(version, &n);
    version[strcspn(version, ",\n")] = '\0';
    return version;
}

#ifdef __SANITIZE_ADDRESS__
/* The leak checker reports at exit and goes by the module that allocated; Open MPI's
 * plugins must still be loaded then, or their leaks have no name to be told from ours. */
int dlclose(void *handle);
int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
#endif
