/* The model registry by MLflow's rules, for every kind of store (--kind=file). */
#include "tests/tracker/support.h"

#include "tracker/logged_models.h"
#include "tracker/registry.h"

static void make_model(Store *store, const char *name)
{
    RegisteredModelCreate create = {.name = name};
    assert_ok(store_create_registered_model(store, &create, NULL));
}

static int64_t make_version(Store *store, const char *name, const char *source)
{
    ModelVersionCreate create = {.name = name, .source = source};
    ModelVersion version;
    assert_ok(store_create_model_version(store, &create, &version));
    int64_t number = version.version;
    model_version_free(&version);
    return number;
}

static Status get_version(Store *store, const char *name, int64_t number)
{
    ModelVersion version;
    Status status = store_get_model_version(store, name, number, &version);
    if (status == STATUS_OK) {
        model_version_free(&version);
    }
    return status;
}

/* ---- registered models ---- */

static void models_are_made_once(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    KeyValue tags[] = {{"team", "a"}, {"note", "x"}};
    RegisteredModelCreate create = {
        .name = "sections", .description = "which part", .tags = tags, .n_tags = 2};
    RegisteredModel model;
    assert_ok(store_create_registered_model(store, &create, &model));
    assert_string_equal(model.name, "sections");
    assert_string_equal(model.description, "which part");
    assert_true(model.creation_time > 1500000000000);
    assert_int_equal(model.creation_time, model.last_updated_time);
    assert_int_equal(model.tags.n, 2);
    assert_string_equal(model.tags.items[0].key, "note");
    assert_int_equal(model.latest_versions.n, 0);
    registered_model_free(&model);
    assert_error(STORE_RESOURCE_ALREADY_EXISTS,
                 store_create_registered_model(store, &create, NULL));
    assert_contains(status_message(), "Registered Model (name=sections) already exists");
    create = (RegisteredModelCreate){.name = ""};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_create_registered_model(store, &create, NULL));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_get_registered_model(store, "none", &model));
    assert_contains(status_message(), "Registered Model with name=none not found");
    store_close(store);
}

static void models_are_renamed_with_all_they_have(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "old");
    make_model(store, "taken");
    make_version(store, "old", "/m/1");
    assert_ok(store_set_registered_model_tag(store, "old", "k", "v"));
    assert_ok(store_set_model_version_tag(store, "old", 1, "k", "v"));
    assert_ok(store_set_model_alias(store, "old", "champion", 1));
    assert_error(STORE_RESOURCE_ALREADY_EXISTS,
                 store_rename_registered_model(store, "old", "taken"));
    assert_ok(store_rename_registered_model(store, "old", "new"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_rename_registered_model(store, "old", "newer"));
    ModelVersion version;
    assert_ok(store_get_version_by_alias(store, "new", "champion", &version));
    assert_string_equal(version.name, "new");
    assert_string_equal(key_values_get(&version.tags, "k"), "v");
    model_version_free(&version);
    RegisteredModel model;
    assert_ok(store_get_registered_model(store, "new", &model));
    assert_string_equal(key_values_get(&model.tags, "k"), "v");
    registered_model_free(&model);
    store_close(store);
}

static void descriptions_and_tags_change(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    make_version(store, "m", "/m/1");
    assert_ok(store_update_registered_model(store, "m", "a \"model\":\nof two lines"));
    assert_ok(store_update_model_version(store, "m", 1, "first"));
    assert_ok(store_set_registered_model_tag(store, "m", "k", "1"));
    assert_ok(store_set_registered_model_tag(store, "m", "k", "2"));
    RegisteredModel model;
    assert_ok(store_get_registered_model(store, "m", &model));
    assert_string_equal(model.description, "a \"model\":\nof two lines");
    assert_string_equal(key_values_get(&model.tags, "k"), "2");
    assert_string_equal(model.latest_versions.items[0].description, "first");
    registered_model_free(&model);
    assert_ok(store_delete_registered_model_tag(store, "m", "k"));
    assert_ok(store_delete_registered_model_tag(store, "m", "k")); /* is gone already */
    assert_ok(store_delete_model_version_tag(store, "m", 1, "none"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_delete_registered_model_tag(store, "none", "k"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_set_model_version_tag(store, "m", 2, "k", "v"));
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_set_registered_model_tag(store, "m", "../k", "v"));
    store_close(store);
}

static void deleted_models_are_gone(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    make_version(store, "m", "/m/1");
    assert_ok(store_set_model_alias(store, "m", "a", 1));
    assert_ok(store_set_model_version_tag(store, "m", 1, "k", "v"));
    assert_ok(store_delete_registered_model(store, "m"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_delete_registered_model(store, "m"));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, get_version(store, "m", 1));
    make_model(store, "m");
    assert_int_equal(make_version(store, "m", "/m/2"), 1);
    store_close(store);
}

/* ---- versions ---- */

static void versions_are_numbered(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    KeyValue tag = {"k", "v"};
    ModelVersionCreate create = {.name = "m",
                                 .source = "/models/1",
                                 .run_id = "r1",
                                 .run_link = "http://x",
                                 .description = "d",
                                 .user_id = "me",
                                 .tags = &tag,
                                 .n_tags = 1};
    ModelVersion version;
    assert_ok(store_create_model_version(store, &create, &version));
    assert_int_equal(version.version, 1);
    assert_string_equal(version.stage, "None");
    assert_string_equal(version.status, "READY");
    assert_string_equal(version.source, "/models/1");
    assert_string_equal(version.run_id, "r1");
    assert_string_equal(version.run_link, "http://x");
    assert_string_equal(version.description, "d");
    assert_string_equal(version.user_id, "me");
    assert_string_equal(version.storage_location, "/models/1");
    assert_string_equal(key_values_get(&version.tags, "k"), "v");
    model_version_free(&version);
    assert_int_equal(make_version(store, "m", "/models/2"), 2);
    create.name = "none";
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_create_model_version(store, &create, &version));
    create = (ModelVersionCreate){.name = "m"};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_create_model_version(store, &create, &version));
    int64_t number;
    assert_ok(model_version_parse("12", &number));
    assert_int_equal(number, 12);
    assert_error(STORE_INVALID_PARAMETER_VALUE, model_version_parse("1x", &number));
    assert_contains(status_message(), "Parameter 'version' must be an integer, got '1x'");
    store_close(store);
}

static void a_deleted_version_keeps_its_number(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    make_version(store, "m", "/m/1");
    make_version(store, "m", "/m/2");
    assert_ok(store_set_model_alias(store, "m", "champion", 2));
    assert_ok(store_delete_model_version(store, "m", 2));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST, get_version(store, "m", 2));
    assert_contains(status_message(), "Model Version (name=m, version=2) not found");
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_delete_model_version(store, "m", 2));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_transition_stage(store, "m", 2, "Staging", false));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_update_model_version(store, "m", 2, "x"));
    ModelVersion version;
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_get_version_by_alias(store, "m", "champion", &version));
    assert_contains(status_message(), "Registered model alias champion not found");
    RegistryQuery query = {.filter = "name = 'm'"};
    ModelVersions found;
    assert_ok(store_search_model_versions(store, &query, &found));
    assert_int_equal(found.n, 1);
    model_versions_free(&found);
    assert_int_equal(make_version(store, "m", "/m/3"), 3);
    store_close(store);
}

static void assert_stage(Store *store, int64_t number, const char *stage)
{
    ModelVersion version;
    assert_ok(store_get_model_version(store, "m", number, &version));
    assert_string_equal(version.stage, stage);
    model_version_free(&version);
}

static void versions_move_between_stages(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    for (int i = 0; i < 4; i++) {
        make_version(store, "m", "/m");
    }
    assert_ok(store_transition_stage(store, "m", 1, "production", false));
    assert_ok(store_transition_stage(store, "m", 2, "Production", false));
    assert_stage(store, 1, "Production");
    assert_ok(store_transition_stage(store, "m", 3, "PRODUCTION", true));
    assert_stage(store, 1, "Archived");
    assert_stage(store, 2, "Archived");
    assert_stage(store, 3, "Production");
    assert_ok(store_transition_stage(store, "m", 3, "Production", true));
    assert_stage(store, 3, "Production");
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_transition_stage(store, "m", 3, "Live", false));
    assert_contains(status_message(), "Invalid Model Version stage: Live");
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_transition_stage(store, "m", 3, "Archived", true));
    ModelVersions latest;
    assert_ok(store_latest_versions(store, "m", NULL, 0, &latest));
    assert_int_equal(latest.n, 3);
    assert_int_equal(latest.items[0].version, 2);
    assert_int_equal(latest.items[1].version, 3);
    assert_int_equal(latest.items[2].version, 4);
    model_versions_free(&latest);
    const char *stages[] = {"archived", "Staging"};
    assert_ok(store_latest_versions(store, "m", stages, 2, &latest));
    assert_int_equal(latest.n, 1);
    assert_int_equal(latest.items[0].version, 2);
    model_versions_free(&latest);
    stages[0] = "Live";
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_latest_versions(store, "m", stages, 1, &latest));
    store_close(store);
}

static void aliases_name_one_version(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    make_version(store, "m", "/m/1");
    make_version(store, "m", "/m/2");
    assert_ok(store_set_model_alias(store, "m", "champion", 1));
    assert_ok(store_set_model_alias(store, "m", "best", 1));
    assert_ok(store_set_model_alias(store, "m", "champion", 2));
    ModelVersion version;
    assert_ok(store_get_version_by_alias(store, "m", "champion", &version));
    assert_int_equal(version.version, 2);
    assert_int_equal(version.aliases.n, 1);
    model_version_free(&version);
    RegisteredModel model;
    assert_ok(store_get_registered_model(store, "m", &model));
    assert_int_equal(model.aliases.n, 2);
    assert_string_equal(model.aliases.items[0].alias, "best");
    assert_int_equal(model.aliases.items[0].version, 1);
    registered_model_free(&model);
    assert_ok(store_get_version_by_alias(store, "m", "latest", &version));
    assert_int_equal(version.version, 2);
    model_version_free(&version);
    static const char *const BAD[] = {"", "latest", "LATEST", "v1", "V22", "a b", "a/b"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_error(STORE_INVALID_PARAMETER_VALUE,
                     store_set_model_alias(store, "m", BAD[i], 1));
    }
    assert_ok(store_set_model_alias(store, "m", "v1a", 1));
    assert_error(STORE_RESOURCE_DOES_NOT_EXIST,
                 store_set_model_alias(store, "m", "champion", 7));
    assert_ok(store_delete_model_alias(store, "m", "best"));
    assert_ok(store_delete_model_alias(store, "m", "best"));
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_get_version_by_alias(store, "m", "best", &version));
    store_close(store);
}

static void sources_may_name_other_versions(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    make_version(store, "m", "s3://b/1");
    char *uri;
    assert_int_equal(make_version(store, "m", "models:/m/1"), 2);
    assert_ok(store_model_download_uri(store, "m", 2, &uri));
    assert_string_equal(uri, "s3://b/1");
    free(uri);
    ModelVersionCreate create = {.name = "m", .source = "models:/m/9"};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_create_model_version(store, &create, NULL));
    assert_contains(status_message(), "Unable to fetch model from model URI");

    LoggedModelCreate logged = {.name = "net"};
    LoggedModel model;
    assert_ok(store_create_logged_model(store, &logged, &model));
    char *source = mem_printf("models:/%s", model.model_id);
    create =
        (ModelVersionCreate){.name = "m", .source = source, .model_id = model.model_id};
    ModelVersion version;
    assert_ok(store_create_model_version(store, &create, &version));
    assert_string_equal(version.storage_location, model.artifact_location);
    model_version_free(&version);
    char *id = mem_strdup(model.model_id);
    logged_model_free(&model);
    assert_ok(store_get_logged_model(store, id, &model));
    KeyValues registrations = {0};
    logged_model_registrations(&model, &registrations);
    assert_int_equal(registrations.n, 1);
    assert_string_equal(key_values_get(&registrations, "m"), "3");
    key_values_free(&registrations);
    logged_model_free(&model);
    free(source);
    free(id);
    store_close(store);
}

static void versions_are_imported_once(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "m");
    KeyValue tag = {"k", "v"};
    ModelVersion version = {.name = "m",
                            .version = 5,
                            .creation_time = 11,
                            .last_updated_time = 12,
                            .stage = "Staging",
                            .source = "/m/5",
                            .run_id = "r",
                            .run_link = "",
                            .status = "READY",
                            .storage_location = "/elsewhere/5",
                            .tags = {&tag, 1, 0}};
    bool made;
    assert_ok(store_import_model_version(store, &version, &made));
    assert_true(made);
    version.stage = "Archived";
    assert_ok(store_import_model_version(store, &version, &made));
    assert_false(made);
    ModelVersion there;
    assert_ok(store_get_model_version(store, "m", 5, &there));
    assert_string_equal(there.stage, "Staging");
    assert_int_equal(there.creation_time, 11);
    assert_int_equal(there.last_updated_time, 12);
    assert_string_equal(there.storage_location, "/elsewhere/5");
    assert_string_equal(key_values_get(&there.tags, "k"), "v");
    model_version_free(&there);
    assert_int_equal(make_version(store, "m", "/m/6"), 6);
    store_close(store);
}

/* ---- searches ---- */

static void assert_models(Store *store, const RegistryQuery *query, const char *names)
{
    RegisteredModels found;
    StrList list = {0};
    assert_ok(store_search_registered_models(store, query, &found));
    for (size_t i = 0; i < found.n; i++) {
        strlist_add(&list, found.items[i].name);
    }
    char *joined = strlist_join(&list, " ");
    assert_string_equal(joined, names);
    free(joined);
    strlist_free(&list);
    registered_models_free(&found);
}

static void models_are_searched(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    static const char *const NAMES[] = {"beta", "alpha", "Alphabet", "prompt"};
    for (int i = 0; i < 4; i++) {
        KeyValue tag = {i == 3 ? PROMPT_TAG : "team", i == 3 ? "true" : "a"};
        RegisteredModelCreate create = {.name = NAMES[i], .tags = &tag, .n_tags = i != 0};
        assert_ok(store_create_registered_model(store, &create, NULL));
    }
    RegistryQuery query = {0};
    assert_models(store, &query, "Alphabet alpha beta");
    query.filter = "name ILIKE 'alpha%' AND tags.team = 'a'";
    assert_models(store, &query, "Alphabet alpha");
    query.filter = "name = 'beta' OR NOT (tags.team IS NULL)";
    assert_models(store, &query, "Alphabet alpha beta");
    query.filter = "tags.`mlflow.prompt.is_prompt` = 'true'";
    assert_models(store, &query, "prompt");
    query.filter = "tags.`mlflow.prompt.is_prompt` != 'true'";
    assert_models(store, &query, "Alphabet alpha beta");
    query.filter = "tags.`mlflow.prompt.is_prompt` = 'false'";
    assert_models(store, &query, "Alphabet alpha beta");
    const char *order = "name DESC";
    query = (RegistryQuery){.order_by = &order, .n_order_by = 1, .max_results = 2};
    RegisteredModels page;
    assert_ok(store_search_registered_models(store, &query, &page));
    assert_int_equal(page.n, 2);
    assert_string_equal(page.items[0].name, "beta");
    assert_non_null(page.next_page_token);
    query.page_token = page.next_page_token;
    assert_models(store, &query, "Alphabet");
    registered_models_free(&page);
    query = (RegistryQuery){.filter = "metrics.a > 1"};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_search_registered_models(store, &query, &page));
    query = (RegistryQuery){.page_token = "x"};
    assert_error(STORE_INVALID_PARAMETER_VALUE,
                 store_search_registered_models(store, &query, &page));
    store_close(store);
}

static void assert_versions(Store *store, const RegistryQuery *query, const char *wanted)
{
    ModelVersions found;
    StrBuf text = {0};
    strbuf_add(&text, "", 0);
    assert_ok(store_search_model_versions(store, query, &found));
    for (size_t i = 0; i < found.n; i++) {
        strbuf_printf(&text, "%s%s/%d", i ? " " : "", found.items[i].name,
                      (int)found.items[i].version);
    }
    assert_string_equal(text.p, wanted);
    strbuf_free(&text);
    model_versions_free(&found);
}

static void versions_are_searched(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    make_model(store, "a");
    make_model(store, "b");
    static const char *const RUNS[] = {"r1", "r2", "R3"};
    for (int i = 0; i < 3; i++) {
        ModelVersionCreate create = {
            .name = "a", .source = i == 1 ? "/x/1" : "/y/1", .run_id = RUNS[i]};
        assert_ok(store_create_model_version(store, &create, NULL));
    }
    make_version(store, "b", "/x/2");
    assert_ok(store_set_model_version_tag(store, "a", 3, "k", "v"));
    const char *order[] = {"version_number", "name"};
    RegistryQuery query = {.order_by = order, .n_order_by = 2};
    assert_versions(store, &query, "a/1 b/1 a/2 a/3");
    query.filter = "source_path LIKE '/x%'";
    assert_versions(store, &query, "b/1 a/2");
    query.filter = "run_id IN ('r1', 'R3')";
    assert_versions(store, &query, "a/1 a/3");
    query.filter = "version_number >= 2 AND name = 'a'";
    assert_versions(store, &query, "a/2 a/3");
    query.filter = "tags.k = 'v' OR name = 'b'";
    assert_versions(store, &query, "b/1 a/3");
    query = (RegistryQuery){.filter = "name = 'a'", .max_results = 2, .offset = 1};
    ModelVersions page;
    assert_ok(store_search_model_versions(store, &query, &page));
    assert_int_equal(page.n, 2);
    assert_null(page.next_page_token);
    model_versions_free(&page);
    store_close(store);
}

int main(int argc, char **argv)
{
    choose_store_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        with_folder(models_are_made_once),
        with_folder(models_are_renamed_with_all_they_have),
        with_folder(descriptions_and_tags_change),
        with_folder(deleted_models_are_gone),
        with_folder(versions_are_numbered),
        with_folder(a_deleted_version_keeps_its_number),
        with_folder(versions_move_between_stages),
        with_folder(aliases_name_one_version),
        with_folder(sources_may_name_other_versions),
        with_folder(versions_are_imported_once),
        with_folder(models_are_searched),
        with_folder(versions_are_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
