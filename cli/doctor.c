/* `muster doctor`: runs a table of checks on this machine and prints what each found. */
#include "cli/doctor.h"

#include "base/json.h"
#include "base/log.h"
#include "cli/command.h"

#include <stdarg.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(Finding *finding);
} CHECKS[] = {
    {"cpu", check_cpu},
    {"cores", check_cores},
    {"vector units", check_vector_units},
    {"cpu limit", check_cpu_limit},
    {"memory", check_memory},
    {"shared memory", check_shared_memory},
    {"blas", check_blas},
    {"sqlite", check_sqlite},
    {"mpi library", check_mpi_library},
    {"mpi launcher", check_mpi_launcher},
    {"started by", check_started_by},
    {"file system", check_file_system},
    {"free disk", check_disk},
    {"temporary folder", check_temporary_folder},
    {"home", check_home},
    {"open files", check_open_files},
    {"locale", check_locale},
};
enum { N_CHECKS = sizeof CHECKS / sizeof CHECKS[0] };

static const char *const LEVEL_NAMES[] = {"ok", "warn", "fail"};
static const char *const LEVEL_COLOURS[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};

static void format_into(StrBuf *out, const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    strbuf_clear(out);
    strbuf_add_text(out, text);
}

void finding_set(Finding *finding, Level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_into(&finding->text, format, args);
    va_end(args);
    finding->level = level;
}

void finding_advise(Finding *finding, Level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_into(&finding->advice, format, args);
    va_end(args);
    finding->level = level > finding->level ? level : finding->level;
}

static void print_text(const Finding *findings)
{
    bool colour = log_colour(STDOUT_FILENO);
    for (size_t i = 0; i < N_CHECKS; i++) {
        const Finding *finding = &findings[i];
        printf("%s%-4s%s  %-16s  %s\n", colour ? LEVEL_COLOURS[finding->level] : "",
               LEVEL_NAMES[finding->level], colour ? "\x1b[0m" : "", CHECKS[i].name,
               finding->text.p ? finding->text.p : "-");
        if (finding->advice.n > 0) {
            printf("      %-16s  %s\n", "", finding->advice.p);
        }
    }
}

static void print_json(const Finding *findings)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "checks");
    json_begin_array(&w);
    for (size_t i = 0; i < N_CHECKS; i++) {
        json_begin_object(&w);
        json_write_key(&w, "name");
        json_write_string(&w, CHECKS[i].name);
        json_write_key(&w, "level");
        json_write_string(&w, LEVEL_NAMES[findings[i].level]);
        json_write_key(&w, "text");
        json_write_string(&w, findings[i].text.p);
        json_write_key(&w, "advice");
        json_write_string(&w, findings[i].advice.n ? findings[i].advice.p : NULL);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static Status run(const Invocation *invocation)
{
    Finding findings[N_CHECKS] = {0};
    size_t counts[3] = {0};
    for (size_t i = 0; i < N_CHECKS; i++) {
        CHECKS[i].run(&findings[i]);
        counts[findings[i].level]++;
    }
    if (invocation->json) {
        print_json(findings);
        command_answered();
    } else {
        print_text(findings);
        printf("\n%zu ok, %zu to look at, %zu failed\n", counts[LEVEL_OK],
               counts[LEVEL_WARN], counts[LEVEL_FAIL]);
    }
    for (size_t i = 0; i < N_CHECKS; i++) {
        strbuf_free(&findings[i].text);
        strbuf_free(&findings[i].advice);
    }
    if (counts[LEVEL_FAIL] > 0) {
        return status_set(STATUS_FAILED, "%zu of %d checks failed", counts[LEVEL_FAIL],
                          N_CHECKS);
    }
    return STATUS_OK;
}

static const Example EXAMPLES[] = {
    {"muster doctor",
     "look at this machine, from the folder that the runs will stand in"},
    {"mpirun -n 2 muster doctor --json", "the same as a launcher's child sees it"},
};

const Command command_doctor = {
    .name = "doctor",
    .summary = "looks at this machine: CPU, memory, BLAS, MPI, file system, limits",
    .usage = "doctor [--json]",
    .details = "Exit code 1 when something would keep a training from running.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .run = run,
};
