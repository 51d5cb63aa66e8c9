/* `muster version`: what was built, from what, by what. */
#include "cli/command.h"

#include "base/json.h"
#include "build_info.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void print_json(void)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "version");
    json_write_string(&w, MUSTER_VERSION);
    json_write_key(&w, "git_commit");
    json_write_string(&w, *MUSTER_COMMIT ? MUSTER_COMMIT : NULL);
    json_write_key(&w, "compiler");
    json_write_string(&w, COMPILER);
    json_write_key(&w, "build_type");
    json_write_string(&w, MUSTER_BUILD_TYPE);
    json_write_key(&w, "sanitizers");
    json_write_string(&w, *MUSTER_SANITIZERS ? MUSTER_SANITIZERS : NULL);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_text(void)
{
    printf("muster %s\n", MUSTER_VERSION);
    if (*MUSTER_COMMIT) {
        printf("commit    %s\n", MUSTER_COMMIT);
    }
    printf("compiler  %s\n", COMPILER);
    printf("build     %s%s%s\n", MUSTER_BUILD_TYPE, *MUSTER_SANITIZERS ? ", with " : "",
           MUSTER_SANITIZERS);
}

static Status run(const Invocation *invocation)
{
    if (invocation->json) {
        print_json();
    } else {
        print_text();
    }
    return STATUS_OK;
}

static const Example EXAMPLES[] = {
    {"muster version --json", "the same for programs"},
};

const Command command_version = {
    .name = "version",
    .summary = "version, commit and compiler of this program",
    .usage = "version [--json]",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .run = run,
};
