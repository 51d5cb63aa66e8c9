/* Output, gathered for a pager on terminals. */
#include "cli/output.h"

#include "base/log.h"
#include "base/utf8.h"
#include "cli/write_csv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Status output_open(const OutputOptions *options, bool json, Output *out)
{
    static const OutputOptions NONE = {0};
    options = options ? options : &NONE;
    if (json && options->csv) {
        return status_set(STATUS_USAGE, "--json and --csv exclude each other");
    }
    *out = (Output){.out = stdout,
                    .width = terminal_width(STDOUT_FILENO),
                    .colour = log_colour(STDOUT_FILENO),
                    .json = json,
                    .csv = options->csv};
    if (!options->no_pager && isatty(STDOUT_FILENO)) {
        FILE *gathering = open_memstream(&out->gathered, &out->n_gathered);
        out->paged = gathering != NULL;
        out->out = gathering ? gathering : stdout;
    }
    return STATUS_OK;
}

/* ---- the pager ---- */

static size_t count_lines(const char *text, size_t n)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

/* NULL: none is wanted. */
static const char *pager_command(void)
{
    const char *pager = getenv("PAGER");
    const char *term = getenv("TERM");
    if (pager) {
        return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
    }
    return term && strcmp(term, "dumb") != 0 ? "less" : NULL;
}

/* The user's own words for the shell, as git runs them. */
static void become_pager(const char *command, int from)
{
    dup2(from, STDIN_FILENO);
    close(from);
    setenv("LESS", "FRX", 0);
    setenv("LV", "-c", 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* False when the reader is gone, which is how a pager that was quit looks. */
static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        bytes += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool pager_was_there(pid_t child)
{
    int state = 0;
    while (waitpid(child, &state, 0) < 0) {
        if (errno != EINTR) {
            return true;
        }
    }
    return !(WIFEXITED(state) &&
             (WEXITSTATUS(state) == 127 || WEXITSTATUS(state) == 126));
}

/* False when there is no pager to be had: nothing was shown then. Ctrl-C is the pager's
 * while it is there. */
static bool show_in_pager(const char *command, const char *text, size_t n)
{
    int ends[2];
    fflush(NULL);
    if (pipe(ends) != 0) {
        return false;
    }
    void (*old_int)(int) = signal(SIGINT, SIG_IGN);
    void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        become_pager(command, ends[0]);
    }
    close(ends[0]);
    if (child > 0) {
        write_all(ends[1], text, n);
    }
    close(ends[1]);
    bool shown = child > 0 && pager_was_there(child);
    signal(SIGINT, old_int);
    signal(SIGPIPE, old_pipe);
    return shown;
}

void output_close(Output *output)
{
    if (!output->paged) {
        return;
    }
    fclose(output->out);
    output->out = stdout;
    output->paged = false;
    const char *command = pager_command();
    bool fits = count_lines(output->gathered, output->n_gathered) <
                terminal_height(STDOUT_FILENO);
    if (fits || !command ||
        !show_in_pager(command, output->gathered, output->n_gathered)) {
        fwrite(output->gathered, 1, output->n_gathered, stdout);
    }
    free(output->gathered);
    output->gathered = NULL;
}

/* ---- forms ---- */

void output_table(Output *output, Table *table)
{
    table_set_colour(table, output->colour);
    size_t left_out = table_print(table, output->out, output->width);
    if (left_out > 0) {
        fprintf(output->out, "(%zu more %s: a wider terminal shows %s)\n", left_out,
                left_out == 1 ? "column" : "columns", left_out == 1 ? "it" : "them");
    }
}

void output_csv_row(Output *output, const char *const *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *shown = output->width > 0 && fields[i] ? utf8_printable(fields[i]) : NULL;
        write_csv_field(output->out, shown ? shown : fields[i], i == 0);
        free(shown);
    }
    write_csv_end(output->out);
}

void output_json(Output *output, const StrBuf *json)
{
    fprintf(output->out, "%s\n", json->p);
}

void output_text(Output *output, const char *text)
{
    char *shown = utf8_printable(text);
    fputs(shown, output->out);
    free(shown);
}
