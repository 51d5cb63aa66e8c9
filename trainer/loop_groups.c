/* Notices go round in gathers that nobody waits for, so that no group is held up by
 * another; each round shows all ranks the same, so they agree on which is the last. */
#include "trainer/loop_groups.h"

#include "base/mem.h"
#include "base/pulse.h"

#include <stdlib.h>
#include <time.h>

static const struct timespec NAP = {.tv_nsec = 1000 * 1000};

static const Ranks *world_of(const Loop *loop)
{
    return loop->job->ranks;
}

static bool leads(const Loop *loop, size_t m)
{
    return loop->groups.root[m] == world_of(loop)->rank;
}

static int64_t member_steps(const Loop *loop)
{
    return loop->steps_per_epoch / (int64_t)loop->members.n;
}

void groups_begin_epoch(Loop *loop)
{
    Board *board = &loop->board;
    size_t size = (size_t)world_of(loop)->size;
    if (!loop->groups.side_by_side) {
        return;
    }
    if (!board->all) {
        size_t n = (size_t)loop->steps_per_epoch;
        board->all = mem_alloc(size, sizeof *board->all);
        board->losses = mem_alloc(n, sizeof *board->losses);
    }
    for (size_t r = 0; r < size; r++) {
        board->all[r] = (Notice){.failed = MAX_MEMBERS};
    }
    for (size_t m = 0; m < loop->members.n; m++) {
        const TrainPosition *at = &loop->members.of[m].at;
        board->all[loop->groups.root[m]].steps += at->step_in_epoch;
        board->first[m] = at->step_in_epoch;
    }
    board->mine = board->all[world_of(loop)->rank];
}

/* True when a round is complete. */
static bool hear(Loop *loop)
{
    Board *board = &loop->board;
    const Ranks *world = world_of(loop);
    return world->try_gather(world->self, &board->mine, board->all, sizeof board->mine);
}

/* The first model that failed, as far as heard, or MAX_MEMBERS. */
static int first_failed(const Loop *loop)
{
    int first = loop->board.mine.failed;
    for (int r = 0; r < world_of(loop)->size; r++) {
        int failed = loop->board.all[r].failed;
        first = failed < first ? failed : first;
    }
    return first;
}

static bool heard_stop(const Loop *loop)
{
    for (int r = 0; r < world_of(loop)->size; r++) {
        if (loop->board.all[r].stop) {
            return true;
        }
    }
    return false;
}

bool groups_want_stop(const Loop *loop, size_t m)
{
    bool here = *loop->job->signal != 0;
    return here || (loop->groups.side_by_side &&
                    (heard_stop(loop) || first_failed(loop) < (int)m));
}

bool groups_may_train(Loop *loop, size_t m, bool asked)
{
    if (!loop->groups.side_by_side) {
        return true;
    }
    const Ranks *ranks = loop->groups.ranks[m];
    return !ranks->max(ranks->self, asked || groups_want_stop(loop, m));
}

void groups_note_step(Loop *loop, size_t m, double loss)
{
    Board *board = &loop->board;
    if (!loop->groups.side_by_side) {
        return;
    }
    if (leads(loop, m)) {
        int64_t step = loop->members.of[m].at.step_in_epoch - 1;
        board->losses[(int64_t)m * member_steps(loop) + step] = loss;
        board->mine.steps++;
        board->mine.loss = loss;
        board->mine.training = true;
    }
    board->mine.stop = *loop->job->signal != 0;
    hear(loop);
}

void groups_note_failure(Loop *loop, size_t m)
{
    Notice *mine = &loop->board.mine;
    mine->failed = (int)m < mine->failed ? (int)m : mine->failed;
}

void groups_estimate(const Loop *loop, int64_t *steps_in_epoch, double *loss)
{
    int64_t steps = 0, n = 0;
    double sum = 0;
    for (int r = 0; r < world_of(loop)->size; r++) {
        const Notice *notice =
            r == world_of(loop)->rank ? &loop->board.mine : &loop->board.all[r];
        steps += notice->steps;
        if (notice->training) {
            sum += notice->loss;
            n++;
        }
    }
    *steps_in_epoch = steps;
    *loss = n > 0 ? sum / (double)n : loop->board.mine.loss;
}

static bool all_done(const Loop *loop)
{
    for (int r = 0; r < world_of(loop)->size; r++) {
        if (!loop->board.all[r].done) {
            return false;
        }
    }
    return true;
}

/* The last round is the first in which all are done. */
static void wait_for_all(Loop *loop, bool asked, void (*waiting)(Loop *loop))
{
    Notice *mine = &loop->board.mine;
    mine->done = true;
    mine->training = false;
    pulse_wait_begin();
    for (bool over = false; !over;) {
        mine->stop = asked || *loop->job->signal != 0;
        over = hear(loop) && all_done(loop);
        if (!over && world_of(loop)->rank == 0) {
            waiting(loop);
        }
        if (!over) {
            nanosleep(&NAP, NULL);
        }
    }
    pulse_wait_end();
}

/* Rank 0 gets the bytes of rank `from`; the other ranks take no part. */
static void hand_to_root(const Ranks *world, int from, void *bytes, size_t n)
{
    if (from != 0 && world->rank == 0) {
        world->exchange(world->self, from, bytes, 0, bytes, n);
    } else if (from != 0 && world->rank == from) {
        world->exchange(world->self, 0, bytes, n, bytes, 0);
    }
}

static void share_positions(Loop *loop)
{
    const Ranks *world = world_of(loop);
    for (size_t m = 0; m < loop->members.n; m++) {
        TrainPosition *at = &loop->members.of[m].at;
        ranks_broadcast_from(world, loop->groups.root[m], at, sizeof *at);
    }
    loop->at = members_position(&loop->members);
}

/* All ranks get the weights that the group of model m has. */
static void share_model(const Loop *loop, size_t m, Classifier *model)
{
    const Ranks *world = world_of(loop);
    WeightBlock blocks[WEIGHT_BLOCKS];
    classifier_weights(model, blocks);
    for (size_t i = 0; i < WEIGHT_BLOCKS && loop->groups.place[m].n_groups > 1; i++) {
        ranks_broadcast_from(world, loop->groups.root[m], blocks[i].data,
                             blocks[i].n * sizeof *blocks[i].data);
    }
}

/* Validation goes over all ranks, so all need the weights. */
static void share_weights(Loop *loop)
{
    for (size_t m = 0; m < loop->members.n; m++) {
        share_model(loop, m, loop->members.of[m].model);
    }
}

void groups_open_averages(Loop *loop, Classifier *averages[MAX_MEMBERS])
{
    for (size_t m = 0; m < loop->members.n; m++) {
        const CheckpointMember *member = &loop->members.of[m];
        averages[m] = NULL;
        if (loop->job->train->ema > 0) {
            averages[m] = member->elsewhere
                              ? classifier_of_shape(member->model)
                              : optimizer_average(member->optimizer, member->model);
            share_model(loop, m, averages[m]);
        }
    }
}

/* The steps of the epoch for the record, as one rank would have made them: models in
 * order, up to the one that failed. */
static void tell_record(Loop *loop, int last)
{
    Board *board = &loop->board;
    for (size_t m = 0; m < loop->members.n && (int)m <= last; m++) {
        TrainPosition at = loop->members.of[m].at;
        int64_t end = at.step_in_epoch, before = at.step - at.step_in_epoch;
        double *losses = board->losses + (int64_t)m * member_steps(loop);
        hand_to_root(world_of(loop), loop->groups.root[m], losses + board->first[m],
                     (size_t)(end - board->first[m]) * sizeof *losses);
        for (int64_t i = board->first[m]; i < end && is_root(loop); i++) {
            at.step_in_epoch = i + 1;
            at.step = before + i + 1;
            StepEnd step = {.use = STEP_TO_KEEP,
                            .step = loop_step_number(loop, m, &at),
                            .epoch = at.epoch,
                            .step_in_epoch = i + 1,
                            .steps_per_epoch = loop->steps_per_epoch,
                            .loss = losses[i],
                            .lr = loop_lr(loop, at.step - 1)};
            callbacks_step(loop->job->callbacks, &step);
        }
    }
}

Status groups_end_epoch(Loop *loop, Status mine, bool *asked, void (*waiting)(Loop *loop))
{
    if (!loop->groups.side_by_side) {
        return mine;
    }
    wait_for_all(loop, *asked, waiting);
    *asked = heard_stop(loop);
    int failed = first_failed(loop);
    share_positions(loop);
    tell_record(loop, failed);
    if (failed < MAX_MEMBERS) {
        return ranks_take_status(world_of(loop), loop->groups.root[failed], mine);
    }
    share_weights(loop);
    return STATUS_OK;
}

/* The state's arrays belong to the optimizer; only their type says const. */
static void hand_state(const Ranks *world, int from, const Optimizer *optimizer)
{
    Tensor tensors[OPTIMIZER_TENSORS];
    size_t n = optimizer_state(optimizer, tensors);
    for (size_t i = 0; i < n; i++) {
        hand_to_root(world, from, (void *)(uintptr_t)tensors[i].data,
                     tensors[i].dims[0] * tensor_type_size(tensors[i].type));
    }
}

static bool is_sharded(const Loop *loop)
{
    const Optimizer *first = loop->members.of[0].optimizer;
    return first && optimizer_is_sharded(first);
}

const Optimizer *groups_fetch(void *self, const CheckpointMember *member)
{
    Loop *loop = self;
    const Ranks *world = world_of(loop);
    int m = (int)(member - loop->members.of);
    if (!loop->fetched) {
        loop->fetched = train_open_whole_optimizer(loop->job, member->model);
    }
    world->broadcast(world->self, &m, sizeof m);
    if (is_sharded(loop)) {
        optimizer_gather(member->optimizer, loop->fetched);
    } else {
        hand_state(world, loop->groups.root[m], loop->fetched);
    }
    return loop->fetched;
}

const Optimizer *groups_whole_optimizer(Loop *loop, const CheckpointMember *member)
{
    return is_sharded(loop) ? groups_fetch(loop, member) : member->optimizer;
}

/* Rank 0 wants model m's state. */
static void hand_over(Loop *loop, size_t m)
{
    if (is_sharded(loop)) {
        optimizer_gather(loop->members.of[m].optimizer, NULL);
    } else if (leads(loop, m)) {
        const Ranks *world = world_of(loop);
        hand_state(world, world->rank, loop->members.of[m].optimizer);
    }
}

void groups_end_save(Loop *loop)
{
    const Ranks *world = world_of(loop);
    if (!loop->groups.side_by_side && !is_sharded(loop)) {
        return;
    }
    int m = -1;
    do {
        world->broadcast(world->self, &m, sizeof m);
        if (m >= 0 && !is_root(loop)) {
            hand_over(loop, (size_t)m);
        }
    } while (m >= 0);
    optimizer_close(loop->fetched);
    loop->fetched = NULL;
}
