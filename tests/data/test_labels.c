/* Classes in the order of their bytes. */
#include "data/labels.h"

#include "tests/data/help.h"

static void test_sorted_and_found(void **state)
{
    (void)state;
    const Text all[] = {TEXT("web"),      TEXT("Web"),  TEXT("admin"), TEXT("web"),
                        TEXT("\xc3\xa4"), TEXT("web2"), TEXT("never")};
    Labels labels;
    labels_fit(&labels, all, NULL, 6);
    char *names = strlist_join(&labels.names, ",");
    assert_string_equal(names, "Web,admin,web,web2,\xc3\xa4");
    free(names);
    for (size_t i = 0; i < labels.names.n; i++) {
        assert_int_equal(labels_find(&labels, text_of(labels.names.items[i])), i);
    }
    assert_int_equal(labels_find(&labels, TEXT("we")), -1);
    assert_int_equal(labels_find(&labels, TEXT("never")), -1);
    assert_int_equal(labels_find(&labels, TEXT("zz")), -1);
    labels_free(&labels);
}

static void test_of_some_rows(void **state)
{
    (void)state;
    const Text all[] = {TEXT("c"), TEXT("b"), TEXT("a")};
    const uint32_t index[] = {2, 0};
    Labels labels;
    labels_fit(&labels, all, index, 2);
    assert_int_equal(labels.names.n, 2);
    assert_int_equal(labels_find(&labels, TEXT("c")), 1);
    assert_int_equal(labels_find(&labels, TEXT("b")), -1);
    labels_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted_and_found),
        cmocka_unit_test(test_of_some_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
