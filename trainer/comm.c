/* MPI, used plainly. Counts are ints there, so large transfers go in pieces. */
#include "trainer/comm.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "base/pulse.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The self of a Ranks: its communicator, and the gather that nobody waits for. */
typedef struct Comm {
    MPI_Comm comm;
    MPI_Request request; /* of the round under way, or MPI_REQUEST_NULL */
    void *mine, *all;    /* its buffers: they must stand still */
    size_t cap;
} Comm;

static Comm world = {.comm = MPI_COMM_NULL, .request = MPI_REQUEST_NULL};

enum { PIECE = 1 << 30 };

static MPI_Comm comm_of(void *self)
{
    return ((const Comm *)self)->comm;
}

static int piece_of(size_t left)
{
    return left < PIECE ? (int)left : PIECE;
}

static void comm_broadcast(void *self, void *bytes, size_t n)
{
    char *p = bytes;
    pulse_wait_begin();
    for (size_t at = 0; at < n; at += PIECE) {
        MPI_Bcast(p + at, piece_of(n - at), MPI_BYTE, 0, comm_of(self));
    }
    pulse_wait_end();
}

/* One broadcast per rank: any size, and the bytes land in their place. */
static void comm_gather(void *self, const void *mine, void *all, const size_t *counts)
{
    MPI_Comm comm = comm_of(self);
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    char *to = all;
    pulse_wait_begin();
    for (int root = 0; root < size; root++) {
        if (root == rank && counts[root] > 0 && to != (const char *)mine) {
            memmove(to, mine, counts[root]);
        }
        for (size_t at = 0; at < counts[root]; at += PIECE) {
            MPI_Bcast(to + at, piece_of(counts[root] - at), MPI_BYTE, root, comm);
        }
        to += counts[root];
    }
    pulse_wait_end();
}

static void comm_exchange(void *self, int partner, const void *send, size_t send_n,
                          void *recv, size_t recv_n)
{
    MPI_Comm comm = comm_of(self);
    const char *from = send;
    char *to = recv;
    pulse_wait_begin();
    do {
        int out = piece_of(send_n), in = piece_of(recv_n);
        MPI_Sendrecv(from, out, MPI_BYTE, partner, 0, to, in, MPI_BYTE, partner, 0, comm,
                     MPI_STATUS_IGNORE);
        from += out;
        to += in;
        send_n -= (size_t)out;
        recv_n -= (size_t)in;
    } while (send_n > 0 || recv_n > 0);
    pulse_wait_end();
}

static int comm_max(void *self, int value)
{
    int largest = value;
    pulse_wait_begin();
    MPI_Allreduce(&value, &largest, 1, MPI_INT, MPI_MAX, comm_of(self));
    pulse_wait_end();
    return largest;
}

static void comm_wait(void *self)
{
    MPI_Request request;
    int done = 0;
    pulse_wait_begin();
    MPI_Ibarrier(comm_of(self), &request);
    while (!done) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (!done) {
            nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
        }
    }
    pulse_wait_end();
}

static void comm_abort(void *self, int code)
{
    (void)self;
    MPI_Abort(world.comm, code);
    abort();
}

static void abort_all(int code)
{
    MPI_Abort(world.comm, code);
}

static void begin_round(Comm *comm, const void *mine, size_t n)
{
    int size;
    MPI_Comm_size(comm->comm, &size);
    if (n > comm->cap) {
        comm->cap = n;
        free(comm->mine);
        free(comm->all);
        comm->mine = mem_alloc(n, 1);
        comm->all = mem_alloc((size_t)size, n);
    }
    memcpy(comm->mine, mine, n);
    MPI_Iallgather(comm->mine, (int)n, MPI_BYTE, comm->all, (int)n, MPI_BYTE, comm->comm,
                   &comm->request);
}

static bool comm_try_gather(void *self, const void *mine, void *all, size_t n)
{
    Comm *comm = self;
    int done, size;
    if (comm->request == MPI_REQUEST_NULL) {
        begin_round(comm, mine, n);
    }
    MPI_Test(&comm->request, &done, MPI_STATUS_IGNORE);
    if (done) {
        MPI_Comm_size(comm->comm, &size);
        memcpy(all, comm->all, (size_t)size * n);
    }
    return done;
}

static void comm_leave(void *self)
{
    Comm *comm = self;
    MPI_Comm_free(&comm->comm);
    free(comm->mine);
    free(comm->all);
    free(comm);
}

static void comm_split(void *self, int color, Ranks *out);

static Ranks ranks_of(Comm *comm)
{
    Ranks ranks = {
        .self = comm,
        .broadcast = comm_broadcast,
        .gather = comm_gather,
        .exchange = comm_exchange,
        .max = comm_max,
        .wait = comm_wait,
        .try_gather = comm_try_gather,
        .abort = comm_abort,
        .split = comm_split,
        .leave = comm_leave,
    };
    MPI_Comm_rank(comm->comm, &ranks.rank);
    MPI_Comm_size(comm->comm, &ranks.size);
    return ranks;
}

static void comm_split(void *self, int color, Ranks *out)
{
    Comm *part = mem_zalloc(1, sizeof *part);
    part->request = MPI_REQUEST_NULL;
    /* Equal keys: ranks keep their order. */
    pulse_wait_begin();
    MPI_Comm_split(comm_of(self), color, 0, &part->comm);
    pulse_wait_end();
    *out = ranks_of(part);
}

static CommHost host;

/* Cores that any of the host's ranks may use: they may be bound to some each, or all to
 * the same ones. */
static void look_at_host(void)
{
    MPI_Comm here;
    cpu_set_t mine, all;
    CPU_ZERO(&mine);
    CPU_ZERO(&all);
    sched_getaffinity(0, sizeof mine, &mine);
    MPI_Comm_split_type(world.comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &host.ranks);
    MPI_Allreduce(&mine, &all, (int)sizeof mine, MPI_BYTE, MPI_BOR, here);
    MPI_Comm_free(&here);
    host.cores = CPU_COUNT(&all) > 0 ? CPU_COUNT(&all) : 1;
}

CommHost comm_host(void)
{
    return host.ranks > 0 ? host : (CommHost){1, (int)parallel_cores()};
}

Status comm_open(Ranks *out)
{
    int provided;
    /* Callbacks may run a thread of their own (the tracker's writer); only the main
     * thread calls MPI. */
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
        return status_set(STATUS_FAILED, "MPI did not start");
    }
    MPI_Comm_dup(MPI_COMM_WORLD, &world.comm);
    *out = ranks_of(&world);
    look_at_host();
    check_set_abort(abort_all, out->rank);
    return STATUS_OK;
}

void comm_close(void)
{
    check_set_abort(NULL, -1);
    pulse_wait_begin();
    MPI_Comm_free(&world.comm);
    free(world.mine);
    free(world.all);
    MPI_Finalize();
    pulse_wait_end();
}

const char *comm_library(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING];
    static const char mpich[] = "MPICH Version:";
    int n;
    MPI_Get_library_version(version, &n);
    version[strcspn(version, ",\n")] = '\0';
    if (strncmp(version, mpich, sizeof mpich - 1) == 0) { /* a tab follows */
        char *number = version + sizeof mpich - 1;
        number += strspn(number, " \t");
        memmove(version + strlen("MPICH "), number, strlen(number) + 1);
        version[strlen("MPICH")] = ' ';
    }
    return version;
}

#ifdef __SANITIZE_ADDRESS__
/* The leak checker reports at exit and goes by the module that allocated; Open MPI's
 * plugins must still be loaded then, or their leaks have no name to be told from ours.
 * Visible, or they would call libc's. */
__attribute__((visibility("default"))) int dlclose(void *handle);
int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
#endif
