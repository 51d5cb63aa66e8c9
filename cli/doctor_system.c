/* Where runs are written and what limits stand around them. */
#include "cli/doctor.h"

#include "base/files.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static const double GIB = 0x1p30;
static const double MIB = 0x1p20;

/* Magic numbers of statfs(2) and of the vendors' headers. */
static const struct {
    uint32_t magic;
    const char *name;
    bool network;
} FILE_SYSTEMS[] = {
    {0x6969, "NFS", true},        {0x517B, "SMB", true},
    {0xFF534D42, "CIFS", true},   {0xFE534D42, "SMB2", true},
    {0x0BD00BD0, "Lustre", true}, {0x47504653, "GPFS", true},
    {0x00C36400, "Ceph", true},   {0x5346414F, "AFS", true},
    {0x19830326, "BeeGFS", true}, {0xAAD7AAEA, "PanFS", true},
    {0x01021997, "9P", true},     {0x65735546, "FUSE", false},
    {0xEF53, "ext4", false},      {0x58465342, "XFS", false},
    {0x9123683E, "Btrfs", false}, {0x2FC12FC1, "ZFS", false},
    {0x01021994, "tmpfs", false}, {0x794C7630, "overlay", false},
};

void check_file_system(Finding *finding)
{
    struct statfs fs;
    if (statfs(".", &fs) != 0) {
        finding_set(finding, LEVEL_FAIL, "the working folder: %s", strerror(errno));
        return;
    }
    const char *name = "other";
    bool network = false;
    for (size_t i = 0; i < sizeof FILE_SYSTEMS / sizeof FILE_SYSTEMS[0]; i++) {
        if ((uint32_t)fs.f_type == FILE_SYSTEMS[i].magic) {
            name = FILE_SYSTEMS[i].name;
            network = FILE_SYSTEMS[i].network;
        }
    }
    finding_set(finding, LEVEL_OK, "%s%s", name, network ? ", over the network" : "");
    if (network) {
        finding_advise(finding, LEVEL_WARN,
                       "a run store here works without its write-ahead log; a local disk "
                       "or a tracking server is faster");
    }
    if (access(".", W_OK) != 0) {
        finding_advise(finding, LEVEL_FAIL, "the working folder cannot be written: %s",
                       strerror(errno));
    }
}

static void check_space(Finding *finding, const char *path, double least,
                        const char *advice)
{
    double bytes = (double)disk_free(path);
    if (bytes >= GIB) {
        finding_set(finding, LEVEL_OK, "%.1f GiB free in %s", bytes / GIB, path);
    } else {
        finding_set(finding, LEVEL_OK, "%.1f MiB free in %s", bytes / MIB, path);
    }
    if (bytes < least) {
        finding_advise(finding, LEVEL_WARN, "%s", advice);
    }
}

void check_disk(Finding *finding)
{
    check_space(finding, ".", GIB, "checkpoints and the run store need room");
}

void check_temporary_folder(Finding *finding)
{
    const char *path = getenv("TMPDIR");
    path = path && *path ? path : "/tmp";
    if (!dir_exists(path) || access(path, W_OK | X_OK) != 0) {
        finding_set(finding, LEVEL_FAIL, "%s cannot be written", path);
        finding_advise(finding, LEVEL_FAIL,
                       "set TMPDIR to a folder that can: mpirun needs one");
        return;
    }
    check_space(finding, path, 64 * MIB, "mpirun keeps its session files here");
}

/* Ranks of one node talk through /dev/shm; containers often give it 64 MiB. */
void check_shared_memory(Finding *finding)
{
    if (!dir_exists("/dev/shm")) {
        finding_set(finding, LEVEL_WARN, "no /dev/shm");
        finding_advise(finding, LEVEL_WARN, "ranks fall back to slower ways to talk");
        return;
    }
    check_space(finding, "/dev/shm", 32 * MIB,
                "ranks talk through it: start the container with more (--shm-size)");
}

void check_open_files(Finding *finding)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        finding_set(finding, LEVEL_OK, "unknown");
        return;
    }
    if (limit.rlim_cur == RLIM_INFINITY) {
        finding_set(finding, LEVEL_OK, "no limit");
        return;
    }
    finding_set(finding, LEVEL_OK, "%llu", (unsigned long long)limit.rlim_cur);
    if (limit.rlim_cur < 256) {
        finding_advise(finding, LEVEL_WARN, "raise it: ulimit -n 1024");
    }
}

void check_locale(Finding *finding)
{
    static const char *const VARIABLES[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < 3 && !(locale && *locale); i++) {
        locale = getenv(VARIABLES[i]);
    }
    locale = locale && *locale ? locale : "C";
    bool utf8 = strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
    finding_set(finding, LEVEL_OK, "%s%s", locale,
                utf8 ? "" : "; Muster reads and writes UTF-8 all the same");
}

void check_home(Finding *finding)
{
    const char *home = getenv("HOME");
    if (home && *home) {
        finding_set(finding, LEVEL_OK, "%s", home);
        return;
    }
    finding_set(finding, LEVEL_WARN, "HOME is not set");
    finding_advise(finding, LEVEL_WARN, "mpirun may want it: export HOME=/tmp");
}
