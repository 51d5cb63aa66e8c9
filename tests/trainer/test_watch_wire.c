/* The connections of ranks that watch each other, both ends in one process. Whole jobs
 * stand in tests/e2e/faults.bats. */
#include "trainer/watch_wire.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Wire {
    WatchOffer offer;
    int listener;
    WatchHello hello;
} Wire;

static int open_wire(void **state)
{
    static Wire wire;
    wire.listener = watch_listen(&ranks_single, &wire.offer);
    wire.hello = (WatchHello){.rank = 1, .pid = 77, .host = "n1"};
    memcpy(wire.hello.token, wire.offer.token, WATCH_TOKEN);
    *state = &wire;
    return wire.listener >= 0 && wire.offer.n == 1 && wire.offer.local ? 0 : 1;
}

static int close_wire(void **state)
{
    const Wire *wire = *state;
    return close(wire->listener);
}

static void wait_for(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&one, 1, 5000), 1);
}

/* Both ends; out[0] is rank 0's, -1 when it refused. */
static void connect_both(Wire *wire, int out[2])
{
    WatchHello heard;
    out[1] = watch_connect(&wire->offer, &wire->hello);
    assert_true(out[1] >= 0);
    wait_for(wire->listener);
    out[0] = watch_accept(wire->listener, &wire->offer, 2, &heard);
    if (out[0] >= 0) {
        assert_memory_equal(&heard, &wire->hello, sizeof heard);
    }
}

static void test_strangers_are_refused(void **state)
{
    Wire *wire = *state;
    int ends[2];
    static const int32_t RANKS[] = {0, -1, 2};
    for (size_t i = 0; i < sizeof RANKS / sizeof RANKS[0]; i++) {
        wire->hello.rank = RANKS[i];
        connect_both(wire, ends);
        assert_int_equal(ends[0], -1);
        close(ends[1]);
    }
    wire->hello.rank = 1;
    wire->hello.token[WATCH_TOKEN - 1] ^= 1;
    connect_both(wire, ends);
    assert_int_equal(ends[0], -1);
    close(ends[1]);
    wire->hello.token[WATCH_TOKEN - 1] ^= 1;
    connect_both(wire, ends);
    assert_true(ends[0] >= 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_the_newest_beat_counts(void **state)
{
    int ends[2];
    WatchBeat beat = {0};
    bool ended;
    connect_both(*state, ends);
    assert_false(watch_receive(ends[0], &beat, &ended));
    assert_false(ended);
    for (uint64_t i = 1; i <= 3; i++) {
        watch_send(ends[1], &(WatchBeat){.beats = i, .kind = WATCH_BEAT});
    }
    wait_for(ends[0]);
    assert_true(watch_receive(ends[0], &beat, &ended));
    assert_int_equal(beat.beats, 3);
    assert_false(ended);
    close(ends[1]);
    wait_for(ends[0]);
    assert_false(watch_receive(ends[0], &beat, &ended));
    assert_true(ended);
    close(ends[0]);
}

/* Though the one who leaves has not read what was sent to it. */
static void test_goodbye_arrives(void **state)
{
    int ends[2];
    WatchBeat beat = {0};
    bool ended = false;
    connect_both(*state, ends);
    for (int i = 0; i < 100; i++) {
        watch_send(ends[0], &(WatchBeat){.kind = WATCH_BEAT});
    }
    watch_send(ends[1], &(WatchBeat){.kind = WATCH_GOODBYE});
    watch_hang_up(ends[1]);
    wait_for(ends[0]);
    assert_true(watch_receive(ends[0], &beat, &ended));
    assert_int_equal(beat.kind, WATCH_GOODBYE);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_strangers_are_refused, open_wire,
                                        close_wire),
        cmocka_unit_test_setup_teardown(test_the_newest_beat_counts, open_wire,
                                        close_wire),
        cmocka_unit_test_setup_teardown(test_goodbye_arrives, open_wire, close_wire),
    };
    return cmocka_run_group_tests_name("watch wire", tests, NULL, NULL);
}
