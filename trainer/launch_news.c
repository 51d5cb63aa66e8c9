/* Reading words, and mpirun's notices. */
#include "trainer/launch_news.h"

#include "base/mem.h"
#include "trainer/launch.h"
#include "trainer/launch_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_run(LaunchNews *news, const char *text)
{
    const char *line = strchr(text, '\n');
    if (line) {
        free(news->run_id);
        free(news->store_uri);
        news->run_id = mem_strndup(text, (size_t)(line - text));
        news->store_uri = mem_strdup(line + 1);
        news->recorded = false;
    }
}

static void keep_first(char kept[LAUNCH_REASON], const char *text)
{
    if (!*kept) {
        snprintf(kept, LAUNCH_REASON, "%.500s", text);
    }
}

static void take(LaunchNews *news, LaunchWord word, const char *text)
{
    switch (word) {
    case LAUNCH_POLICY:
        news->policy = true;
        sscanf(text, "%d %lf", &news->max_failures, &news->hang_timeout_s);
        break;
    case LAUNCH_RUN:
        take_run(news, text);
        break;
    case LAUNCH_RECORDED:
        news->recorded = true;
        break;
    case LAUNCH_DIED:
        keep_first(news->died, text);
        break;
    case LAUNCH_HUNG:
        keep_first(news->hung, text);
        break;
    case LAUNCH_GOODBYE:
        break;
    }
}

bool launch_news_read(LaunchNews *news, int fd, bool *goodbye)
{
    LaunchWordHead head;
    char text[LAUNCH_TEXT];
    ssize_t n = recv(fd, &head, sizeof head, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n != (ssize_t)sizeof head || head.n >= LAUNCH_TEXT) {
        return false;
    }
    if (head.n > 0 && recv(fd, text, head.n, MSG_WAITALL) != (ssize_t)head.n) {
        return false;
    }
    text[head.n] = '\0';
    *goodbye = *goodbye || head.word == LAUNCH_GOODBYE;
    take(news, (LaunchWord)head.word, text);
    return true;
}

bool launch_news_find_killed(const char *notices, char *out, size_t n)
{
    /* Open MPI breaks its lines where it likes. */
    char *flat = mem_strdup(notices ? notices : ""), host[256];
    int rank, pid, number;
    for (char *p = flat; *p; p++) {
        *p = *p == '\n' ? ' ' : *p;
    }
    const char *at = strstr(flat, "process rank ");
    bool found = at && sscanf(at,
                              "process rank %d with PID %d on node %255s exited on "
                              "signal %d",
                              &rank, &pid, host, &number) == 4;
    /* MPICH: "=   RANK 1 PID 4711 RUNNING AT n2". */
    at = strstr(flat, "RANK ");
    found = found ||
            (at && sscanf(at, "RANK %d PID %d RUNNING AT %255s", &rank, &pid, host) == 3);
    if (found) {
        snprintf(out, n, "rank %d on host %s", rank, host);
    }
    free(flat);
    return found;
}

void launch_news_free(LaunchNews *news)
{
    free(news->run_id);
    free(news->store_uri);
    *news = (LaunchNews){0};
}
