/* Mapped files whose blocks are compared with their checksums when they are needed. */
#include "data/checked_map.h"

#include "tests/data/help.h"

#include <fcntl.h>
#include <sys/wait.h>

enum { SIZE = 300001, BLOCK = 1 << 16 };

static unsigned char byte_of(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 13);
}

static void write_file(const char *path)
{
    CheckedWriter *writer =
        checked_writer_open(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), path);
    for (size_t i = 0; i < SIZE;) {
        unsigned char some[777];
        size_t n = SIZE - i < sizeof some ? SIZE - i : sizeof some;
        for (size_t j = 0; j < n; j++) {
            some[j] = byte_of(i + j);
        }
        checked_writer_add(writer, some, n);
        i += n;
    }
    assert_ok(checked_writer_end(writer, true, NULL));
}

static CheckedMap *open_file(const char *path)
{
    CheckedMap *map;
    assert_ok(checked_map_open(open(path, O_RDONLY), path, &map));
    return map;
}

static void flip(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    unsigned char byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static off_t size_of(const char *path)
{
    int fd = open(path, O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    return size;
}

static void test_what_was_written_is_read(void **state)
{
    (void)state;
    write_file("map");
    CheckedMap *map = open_file("map");
    assert_int_equal(checked_map_size(map), (SIZE + 7) / 8 * 8);
    const size_t places[][2] = {{0, 1},         {0, SIZE},        {BLOCK - 1, 2},
                                {SIZE - 1, 1},  {2 * BLOCK, 100}, {5, 0},
                                {BLOCK, BLOCK}, {123, 200000}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const unsigned char *bytes = checked_map_get(map, places[i][0], places[i][1]);
        for (size_t j = 0; j < places[i][1]; j++) {
            assert_int_equal(bytes[j], byte_of(places[i][0] + j));
        }
    }
    checked_map_close(map);
}

/* Damage in one block leaves the others usable; using it ends the process with code 5. */
static void test_a_damaged_block(void **state)
{
    (void)state;
    write_file("map");
    flip("map", BLOCK + 17);
    CheckedMap *map = open_file("map");
    assert_ok(checked_map_verify(map, 0, BLOCK));
    assert_ok(checked_map_verify(map, 2 * BLOCK, SIZE - 2 * BLOCK));
    assert_fails(STATUS_DAMAGED, "map: is damaged near byte 65536",
                 checked_map_verify(map, BLOCK - 1, 2));
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        checked_map_get(map, BLOCK, 1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STATUS_DAMAGED);
    checked_map_close(map);
}

static void test_damaged_frames(void **state)
{
    (void)state;
    write_file("map");
    off_t size = size_of("map");
    CheckedMap *map;
    for (off_t back = 1; back <= 40 + 8 * 5; back++) {
        flip("map", size - back);
        assert_int_equal(checked_map_open(open("map", O_RDONLY), "map", &map),
                         STATUS_DAMAGED);
        flip("map", size - back);
    }
    for (off_t cut = 0; cut < size; cut += 9973) {
        assert_int_equal(truncate("map", size - cut - 1), 0);
        assert_int_equal(checked_map_open(open("map", O_RDONLY), "map", &map),
                         STATUS_DAMAGED);
        write_file("map");
    }
    map = open_file("map");
    assert_fails(STATUS_DAMAGED, "map: is damaged: a part lies outside of it",
                 checked_map_verify(map, SIZE, BLOCK));
    assert_fails(STATUS_DAMAGED, "map: is damaged: a part lies outside of it",
                 checked_map_verify(map, UINT64_MAX, 2));
    checked_map_close(map);
}

static void test_an_empty_payload(void **state)
{
    (void)state;
    CheckedWriter *writer =
        checked_writer_open(open("none", O_RDWR | O_CREAT, 0600), "none");
    assert_ok(checked_writer_end(writer, false, NULL));
    CheckedMap *map = open_file("none");
    assert_int_equal(checked_map_size(map), 0);
    checked_map_close(map);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    CheckedWriter *writer = checked_writer_open(open("/dev/full", O_RDWR), "/dev/full");
    char some[3 * BLOCK] = {0};
    checked_writer_add(writer, some, sizeof some);
    assert_int_equal(checked_writer_end(writer, false, NULL), STATUS_FAILED);
    assert_non_null(strstr(status_message(), "/dev/full: No space left on device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_a_damaged_block),
        cmocka_unit_test(test_damaged_frames),
        cmocka_unit_test(test_an_empty_payload),
        cmocka_unit_test(test_a_full_disk),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
