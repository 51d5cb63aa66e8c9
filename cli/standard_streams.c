/* Guards around the three standard descriptors. */
#include "cli/standard_streams.h"

#include "base/console_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* open() gives the lowest free descriptor, so filling them in order fills the right ones.
 * stdout becomes one that cannot be written: losing output must fail. */
void standard_streams_open(void)
{
    static const int MODES[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int filled = open("/dev/null", MODES[fd]);
            (void)filled; /* without /dev/null nothing more can be done */
        }
    }
}

Status standard_streams_close(void)
{
    errno = 0;
    int failed = ferror(stdout);
    failed = fclose(stdout) != 0 || failed;
    int reason = errno, lost = console_capture_end();
    if (failed || lost) {
        errno = lost ? lost : reason;
        return status_set(STATUS_FAILED, "standard output: %s",
                          errno ? strerror(errno) : "output was lost");
    }
    return STATUS_OK;
}
