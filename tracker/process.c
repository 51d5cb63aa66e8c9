/* Processes of this host by /proc. */
#include "tracker/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void process_host(char out[256])
{
    memset(out, 0, 256);
    if (gethostname(out, 255) != 0) {
        strcpy(out, "localhost");
    }
}

bool process_is_this_host(const char *host)
{
    char mine[256];
    process_host(mine);
    return strcmp(mine, host) == 0;
}

/* State letter and start time of a process; 0 and 0 when it is gone or may not be seen.
 */
static void read_stat(long pid, char *state, uint64_t *start_ticks)
{
    *state = 0;
    *start_ticks = 0;
    char path[64], line[1024] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        return;
    }
    size_t n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[n] = '\0';
    /* The second field is the name in parentheses, which may hold anything; the state
     * follows it, and the start time is the 22nd, the 20th after it. */
    char *p = strrchr(line, ')');
    if (p && p[1] == ' ') {
        *state = p[2];
    }
    for (int field = 2; p && field < 22; field++) {
        p = strchr(p + 1, ' ');
    }
    unsigned long long ticks = 0;
    *start_ticks = p && sscanf(p, "%llu", &ticks) == 1 ? ticks : 0;
}

uint64_t process_start_ticks(long pid)
{
    char state;
    uint64_t ticks;
    read_stat(pid, &state, &ticks);
    return ticks;
}

bool process_is_alive(long pid, uint64_t start_ticks)
{
    if (pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH)) {
        return false;
    }
    char state;
    uint64_t now;
    read_stat(pid, &state, &now);
    /* A zombie has ended; only its parent has not asked yet. */
    return state != 'Z' && (start_ticks == 0 || now == 0 || now == start_ticks);
}
