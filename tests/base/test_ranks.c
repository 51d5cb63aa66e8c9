/* The tree sum and agreeing, on ranks that are threads of this process. */
#include "tests/base/check.h"

#include "base/mem.h"
#include "base/ranks.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MAX_RANKS = 8 };

/* Everything goes through posted pointers between two barriers. */
typedef struct World {
    int size;
    pthread_barrier_t barrier;
    const void *posted[MAX_RANKS];
    int values[MAX_RANKS];
    /* One slot per ordered pair of ranks, for exchange. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void *mail[MAX_RANKS][MAX_RANKS];
} World;

typedef struct Member {
    World *world;
    int rank;
    Ranks ranks;
    Status mine, agreed;
    char message[256];
    float *x;
    size_t n;
} Member;

static void wait_all(World *world)
{
    pthread_barrier_wait(&world->barrier);
}

static void gather(void *self, const void *mine, void *all, const size_t *counts)
{
    Member *member = self;
    World *world = member->world;
    world->posted[member->rank] = mine;
    wait_all(world);
    char *to = all;
    for (int r = 0; r < world->size; r++) {
        memcpy(to, world->posted[r], counts[r]);
        to += counts[r];
    }
    wait_all(world);
}

static void exchange(void *self, int partner, const void *send, size_t send_n, void *recv,
                     size_t recv_n)
{
    Member *member = self;
    World *world = member->world;
    char *copy = mem_alloc(send_n, 1);
    memcpy(copy, send, send_n);
    pthread_mutex_lock(&world->lock);
    while (world->mail[member->rank][partner]) {
        pthread_cond_wait(&world->changed, &world->lock);
    }
    world->mail[member->rank][partner] = copy;
    pthread_cond_broadcast(&world->changed);
    while (!world->mail[partner][member->rank]) {
        pthread_cond_wait(&world->changed, &world->lock);
    }
    char *got = world->mail[partner][member->rank];
    world->mail[partner][member->rank] = NULL;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
    memcpy(recv, got, recv_n);
    free(got);
}

static int max(void *self, int value)
{
    Member *member = self;
    World *world = member->world;
    world->values[member->rank] = value;
    wait_all(world);
    int largest = value;
    for (int r = 0; r < world->size; r++) {
        largest = world->values[r] > largest ? world->values[r] : largest;
    }
    wait_all(world);
    return largest;
}

static void run_ranks(int size, Member *members, void *(*body)(void *))
{
    World world = {.size = size,
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .changed = PTHREAD_COND_INITIALIZER};
    pthread_barrier_init(&world.barrier, NULL, (unsigned)size);
    pthread_t threads[MAX_RANKS];
    for (int r = 0; r < size; r++) {
        members[r].world = &world;
        members[r].rank = r;
        members[r].ranks = (Ranks){.rank = r,
                                   .size = size,
                                   .self = &members[r],
                                   .gather = gather,
                                   .exchange = exchange,
                                   .max = max};
        assert_int_equal(pthread_create(&threads[r], NULL, body, &members[r]), 0);
    }
    for (int r = 0; r < size; r++) {
        pthread_join(threads[r], NULL);
    }
    pthread_barrier_destroy(&world.barrier);
}

static void *sum_body(void *self)
{
    Member *member = self;
    float *scratch = mem_alloc(member->n, sizeof *scratch);
    ranks_sum_tree(&member->ranks, member->x, member->n, scratch);
    free(scratch);
    return NULL;
}

enum { LEAVES = 8, LENGTH = 37 };

/* Values of very different size, so that another order of adding gives other bits. */
static float leaf_value(int leaf, size_t i)
{
    Rng rng = rng_stream(1, 1, (uint32_t)leaf, (uint32_t)i);
    return (float)(rng_normal(&rng) * (double)(1u << (rng_u32(&rng) % 20)));
}

/* The sum of leaves [begin, end) in a binary tree: what a rank does with its own. */
static float tree_of_leaves(int begin, int end, size_t i)
{
    if (end - begin == 1) {
        return leaf_value(begin, i);
    }
    int middle = begin + (end - begin) / 2;
    return tree_of_leaves(begin, middle, i) + tree_of_leaves(middle, end, i);
}

static void fill(Member *members, int size, size_t n)
{
    for (int r = 0; r < size; r++) {
        members[r].n = n;
        members[r].x = mem_alloc(n, sizeof(float));
        for (size_t i = 0; i < n; i++) {
            members[r].x[i] =
                tree_of_leaves(LEAVES * r / size, LEAVES * (r + 1) / size, i);
        }
    }
}

static void free_members(Member *members, int size)
{
    for (int r = 0; r < size; r++) {
        free(members[r].x);
    }
}

static void powers_of_two_give_the_same_bits(void **state)
{
    (void)state;
    static const size_t LENGTHS[] = {0, 1, 2, 3, 7, 8, LENGTH};
    for (int size = 1; size <= 8; size *= 2) {
        for (size_t k = 0; k < sizeof LENGTHS / sizeof LENGTHS[0]; k++) {
            Member members[MAX_RANKS] = {0};
            fill(members, size, LENGTHS[k]);
            run_ranks(size, members, sum_body);
            for (int r = 0; r < size; r++) {
                for (size_t i = 0; i < LENGTHS[k]; i++) {
                    float expected = tree_of_leaves(0, LEAVES, i);
                    assert_memory_equal(&members[r].x[i], &expected, sizeof expected);
                }
            }
            free_members(members, size);
        }
    }
}

/* Otherwise the test above could not see a wrong order. */
static void the_order_of_adding_matters_here(void **state)
{
    (void)state;
    bool differs = false;
    for (size_t i = 0; i < LENGTH; i++) {
        float in_order = 0;
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            in_order += leaf_value(leaf, i);
        }
        differs |= in_order != tree_of_leaves(0, LEAVES, i);
    }
    assert_true(differs);
}

static void other_sizes_add_in_rank_order(void **state)
{
    (void)state;
    for (int size = 3; size <= 7; size += 2) {
        Member members[MAX_RANKS] = {0};
        fill(members, size, LENGTH);
        float expected[LENGTH];
        for (size_t i = 0; i < LENGTH; i++) {
            expected[i] = members[0].x[i];
            for (int r = 1; r < size; r++) {
                expected[i] += members[r].x[i];
            }
        }
        run_ranks(size, members, sum_body);
        for (int r = 0; r < size; r++) {
            assert_memory_equal(members[r].x, expected, sizeof expected);
        }
        free_members(members, size);
    }
}

static void *agree_body(void *self)
{
    Member *member = self;
    if (member->mine != STATUS_OK) {
        status_set(member->mine, "broken on %d", member->rank);
        status_hint("mend %d", member->rank);
    }
    member->agreed = ranks_agree(&member->ranks, member->mine);
    snprintf(member->message, sizeof member->message, "%.150s / %.50s", status_message(),
             status_hint_text());
    return NULL;
}

static void all_ranks_leave_with_the_worst(void **state)
{
    (void)state;
    Member members[MAX_RANKS] = {0};
    members[1].mine = STATUS_CONFIG;
    members[2].mine = STATUS_DATA;
    members[3].mine = STATUS_DATA;
    run_ranks(4, members, agree_body);
    for (int r = 0; r < 4; r++) {
        assert_int_equal(members[r].agreed, STATUS_DATA);
        assert_contains(members[r].message, "[rank 2 host ");
        assert_contains(members[r].message, "] broken on 2 / mend 2");
    }
}

static void rank_0_needs_no_introduction(void **state)
{
    (void)state;
    Member members[MAX_RANKS] = {0};
    members[0].mine = STATUS_DATA;
    members[2].mine = STATUS_DATA;
    run_ranks(3, members, agree_body);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(members[r].agreed, STATUS_DATA);
        assert_string_equal(members[r].message, "broken on 0 / mend 0");
    }
}

static void agreeing_on_success(void **state)
{
    (void)state;
    Member members[MAX_RANKS] = {0};
    run_ranks(4, members, agree_body);
    for (int r = 0; r < 4; r++) {
        assert_int_equal(members[r].agreed, STATUS_OK);
    }
    assert_int_equal(ranks_agree(&ranks_single, STATUS_GATE), STATUS_GATE);
}

static void shares_cover_everything_once(void **state)
{
    (void)state;
    for (int size = 1; size <= 7; size++) {
        size_t next = 0;
        for (int r = 0; r < size; r++) {
            Ranks ranks = {.rank = r, .size = size};
            size_t begin, end;
            ranks_share(&ranks, 10, &begin, &end);
            assert_int_equal(begin, next);
            assert_in_range(end - begin, 10 / (size_t)size, 10 / (size_t)size + 1);
            next = end;
        }
        assert_int_equal(next, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_give_the_same_bits),
        cmocka_unit_test(the_order_of_adding_matters_here),
        cmocka_unit_test(other_sizes_add_in_rank_order),
        cmocka_unit_test(all_ranks_leave_with_the_worst),
        cmocka_unit_test(rank_0_needs_no_introduction),
        cmocka_unit_test(agreeing_on_success),
        cmocka_unit_test(shares_cover_everything_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
