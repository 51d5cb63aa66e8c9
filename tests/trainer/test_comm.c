/* The verbs of Ranks over real MPI; ctest runs this under mpirun with 1, 2, 3 and 4
 * ranks.
 *
 * A rank that left a test early would leave the others waiting, so every test collects
 * its findings, and all ranks pass or fail together. */
#include "trainer/comm.h"
#include "tests/trainer/leaf_sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static Ranks ranks;

/* Collective. */
static void assert_on_all(bool good)
{
    if (!good) {
        fprintf(stderr, "rank %d of %d: not so\n", ranks.rank, ranks.size);
    }
    assert_int_equal(ranks.max(ranks.self, !good), 0);
}

static uint8_t byte_of(int rank, size_t i)
{
    return (uint8_t)((size_t)rank * 31 + i * 7 + 1);
}

/* Shares of very different sizes, none at all among them. */
static size_t share_of(int rank)
{
    const size_t sizes[] = {5, 0, 100000, 1};
    return sizes[rank % 4];
}

static void check_gather(bool in_place)
{
    size_t total = 0, before = 0;
    size_t *counts = mem_zalloc((size_t)ranks.size, sizeof *counts);
    for (int r = 0; r < ranks.size; r++) {
        counts[r] = share_of(r);
        before += r < ranks.rank ? counts[r] : 0;
        total += counts[r];
    }
    uint8_t *all = mem_zalloc(total, 1), *mine = mem_zalloc(share_of(ranks.rank), 1);
    uint8_t *from = in_place ? all + before : mine;
    for (size_t i = 0; i < share_of(ranks.rank); i++) {
        from[i] = byte_of(ranks.rank, i);
    }
    ranks.gather(ranks.self, from, all, counts);
    bool good = true;
    size_t at = 0;
    for (int r = 0; r < ranks.size; r++) {
        for (size_t i = 0; i < counts[r]; i++) {
            good &= all[at++] == byte_of(r, i);
        }
    }
    free(all);
    free(mine);
    free(counts);
    assert_on_all(good);
}

static void test_gather(void **state)
{
    (void)state;
    check_gather(false);
    check_gather(true);
}

static void test_broadcast(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 65537};
    for (size_t s = 0; s < 3; s++) {
        uint8_t *bytes = mem_zalloc(sizes[s], 1);
        for (size_t i = 0; i < sizes[s]; i++) {
            bytes[i] = byte_of(ranks.rank, i);
        }
        ranks.broadcast(ranks.self, bytes, sizes[s]);
        bool good = true;
        for (size_t i = 0; i < sizes[s]; i++) {
            good &= bytes[i] == byte_of(0, i);
        }
        free(bytes);
        assert_on_all(good);
    }
}

/* Neighbours swap; each sends as much as it likes, also nothing. */
static void test_exchange(void **state)
{
    (void)state;
    bool good = true;
    int partner = ranks.rank ^ 1;
    if (partner < ranks.size) {
        size_t n = share_of(ranks.rank), m = share_of(partner);
        uint8_t *send = mem_zalloc(n, 1), *receive = mem_zalloc(m, 1);
        for (size_t i = 0; i < n; i++) {
            send[i] = byte_of(ranks.rank, i);
        }
        ranks.exchange(ranks.self, partner, send, n, receive, m);
        for (size_t i = 0; i < m; i++) {
            good &= receive[i] == byte_of(partner, i);
        }
        free(send);
        free(receive);
    }
    assert_on_all(good);
}

static void test_max(void **state)
{
    (void)state;
    int largest = ranks.max(ranks.self, ranks.rank * 10);
    int negative = ranks.max(ranks.self, -ranks.rank - 1);
    assert_on_all(largest == (ranks.size - 1) * 10 && negative == -1);
}

/* Rounds of a gather that does not wait: each shows what every rank passed when it began
 * the round, whatever it has come to meanwhile. */
static void test_try_gather(void **state)
{
    (void)state;
    bool good = true;
    int *all = mem_zalloc((size_t)ranks.size, sizeof *all);
    for (int round = 0; round < 20; round++) {
        int mine = 100 * ranks.rank + round;
        usleep((useconds_t)(200 * ((ranks.rank + round) % ranks.size)));
        while (!ranks.try_gather(ranks.self, &mine, all, sizeof mine)) {
            mine = -1;
        }
        for (int r = 0; r < ranks.size; r++) {
            good &= all[r] == 100 * r + round;
        }
    }
    free(all);
    assert_on_all(good);
}

/* Even and odd ranks as two jobs, each with its own numbers. */
static void test_split(void **state)
{
    (void)state;
    Ranks part;
    int color = ranks.rank % 2, size = (ranks.size + 1 - color) / 2;
    ranks.split(ranks.self, color, &part);
    bool good = part.size == size && part.rank == ranks.rank / 2;
    int first = ranks.rank, most = part.max(part.self, ranks.rank);
    part.broadcast(part.self, &first, sizeof first);
    good &= first == color && most == 2 * (size - 1) + color;
    part.leave(part.self);
    assert_on_all(good);
}

static void test_broadcast_from(void **state)
{
    (void)state;
    bool good = true;
    for (int from = 0; from < ranks.size; from++) {
        int value = ranks.rank;
        ranks_broadcast_from(&ranks, from, &value, sizeof value);
        good &= value == from;
    }
    assert_on_all(good);
}

static void test_take_status(void **state)
{
    (void)state;
    int last = ranks.size - 1;
    Status mine = STATUS_OK;
    if (ranks.rank == last) {
        mine = status_set(STATUS_DIVERGED, "too far");
        status_hint("less");
    }
    Status got = ranks_take_status(&ranks, last, mine);
    assert_on_all(got == STATUS_DIVERGED && strcmp(status_message(), "too far") == 0 &&
                  strcmp(status_hint_text(), "less") == 0);
}

static bool power_of_two(int n)
{
    return (n & (n - 1)) == 0;
}

/* Eight leaves over the ranks: the bits of the one tree on 1, 2 and 4 ranks; on others
 * the ranks' own trees added in the order of the ranks. */
static void check_leaves(bool bf16)
{
    enum { LEAVES = 8 };
    leaf_rounds = bf16;
    Leaf *want = mem_alloc(1, sizeof *want), *part = mem_alloc(1, sizeof *part);
    if (power_of_two(ranks.size)) {
        leaf_tree(want, 0, LEAVES);
    } else {
        for (int r = 0; r < ranks.size; r++) {
            Ranks other = ranks;
            other.rank = r;
            size_t from, to;
            ranks_share(&other, LEAVES, &from, &to);
            leaf_tree(r == 0 ? want : part, (uint32_t)from, (uint32_t)to);
            if (r > 0) {
                leaf_add(want, part);
            }
        }
    }
    GradientSum sum;
    gradient_sum_init(&sum, LEAF_DENSE, LEAF_H);
    if (bf16) {
        gradient_sum_use_bf16(&sum, LEAF_EXACT);
    }
    bool good = true;
    for (int again = 0; again < 3; again++) {
        size_t begin, end;
        ranks_share(&ranks, LEAVES, &begin, &end);
        leaf_push_all(&sum, (uint32_t)begin, (uint32_t)end);
        good &= leaf_same_bits(want, gradient_sum_finish(&sum, &ranks));
    }
    gradient_sum_free(&sum);
    free(want);
    free(part);
    assert_on_all(good);
}

static void test_leaves_sum_to_the_same_bits(void **state)
{
    (void)state;
    check_leaves(false);
}

static void test_leaves_sum_to_the_same_bits_in_bf16(void **state)
{
    (void)state;
    check_leaves(true);
}

/* Lengths that do not part evenly, down to fewer elements than ranks. */
static void test_sum_of_any_length(void **state)
{
    (void)state;
    const size_t lengths[] = {0, 1, 2, 3, 5, 64, 1001};
    bool good = true;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        size_t n = lengths[l];
        float *x = mem_zalloc(n, sizeof *x), *scratch = mem_zalloc(n, sizeof *scratch);
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)((ranks.rank + 1) * 1000) + (float)i;
        }
        ranks_sum_tree(&ranks, x, n, scratch);
        float sum = (float)(ranks.size * (ranks.size + 1) / 2 * 1000);
        for (size_t i = 0; i < n; i++) {
            good &= x[i] == sum + (float)ranks.size * (float)i;
        }
        free(x);
        free(scratch);
    }
    assert_on_all(good);
}

/* Rank `who` fails with `code`; what all ranks then say. */
static bool agrees(int who, Status code, const char *words, const char *hint)
{
    status_set(STATUS_FAILED, "%s", ""); /* nothing left from before */
    if (ranks.rank == who) {
        status_set(code, "%s", words);
        status_hint("%s", hint);
    }
    Status status = ranks_agree(&ranks, ranks.rank == who ? code : STATUS_OK);
    char host[256] = "", expected[512];
    gethostname(host, sizeof host - 1);
    if (who == 0) {
        snprintf(expected, sizeof expected, "%s", words);
    } else {
        snprintf(expected, sizeof expected, "[rank %d host %.64s] %s", who, host, words);
    }
    return status == code && strcmp(status_message(), expected) == 0 &&
           strcmp(status_hint_text(), hint) == 0;
}

static void test_agree_hands_over_the_words(void **state)
{
    (void)state;
    bool good = ranks_agree(&ranks, STATUS_OK) == STATUS_OK;
    for (int who = 0; who < ranks.size; who++) {
        good &= agrees(who, STATUS_DATA, "train.csv:7:1: no label", "look at it");
        good &= agrees(who, STATUS_DAMAGED, "100% of %s", "");
    }
    assert_on_all(good);
}

/* Of several failures the worst counts; of equal ones the lowest rank is heard. */
static void test_agree_on_the_worst(void **state)
{
    (void)state;
    Status mine = ranks.rank == 0   ? STATUS_OK
                  : ranks.rank == 1 ? STATUS_DATA
                                    : STATUS_DENIED;
    char words[32];
    snprintf(words, sizeof words, "words of %d", ranks.rank);
    status_set(STATUS_FAILED, "%s", words);
    Status status = ranks_agree(&ranks, mine);
    bool good = true;
    if (ranks.size == 2) {
        good = status == STATUS_DATA && strstr(status_message(), "words of 1");
    } else if (ranks.size > 2) {
        good = status == STATUS_DENIED && strstr(status_message(), "words of 2");
    }
    assert_on_all(good);
}

static void test_shares_cover_all(void **state)
{
    (void)state;
    bool good = true;
    for (size_t n = 0; n < 40; n++) {
        size_t at = 0;
        for (int r = 0; r < ranks.size; r++) {
            Ranks other = ranks;
            other.rank = r;
            size_t begin, end;
            ranks_share(&other, n, &begin, &end);
            good &=
                begin == at && end >= begin && end - begin <= n / (size_t)ranks.size + 1;
            at = end;
        }
        good &= at == n;
    }
    assert_on_all(good);
}

static void test_as_many_as_were_started(void **state)
{
    (void)state;
    const char *expected = getenv("EXPECTED_RANKS");
    assert_on_all(expected && atoi(expected) == ranks.size);
    assert_on_all(*comm_library() != '\0');
}

int main(void)
{
    if (comm_open(&ranks) != STATUS_OK) {
        return 1;
    }

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_as_were_started),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_try_gather),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_broadcast_from),
        cmocka_unit_test(test_take_status),
        cmocka_unit_test(test_leaves_sum_to_the_same_bits),
        cmocka_unit_test(test_leaves_sum_to_the_same_bits_in_bf16),
        cmocka_unit_test(test_sum_of_any_length),
        cmocka_unit_test(test_agree_hands_over_the_words),
        cmocka_unit_test(test_agree_on_the_worst),
        cmocka_unit_test(test_shares_cover_all),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    comm_close();
    return failed;
}
