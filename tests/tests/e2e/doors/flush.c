/* Preloaded into a node: while the file that FAIL_FLUSH names is there, the next flush of a journal
   removes it, answers EIO and drops what was written since the last flush, as a disk may. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 4096
static off_t flushed[FILES];

static int is_journal(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 4 || fd >= FILES) return 0;
    path[length] = 0;
    return strcmp(path + length - 4, ".jnl") == 0;
}

static void drop_pages(int fd) {
    off_t from = flushed[fd], to = lseek(fd, 0, SEEK_CUR);
    if (fcntl(fd, F_GETFL) & O_APPEND) {
        if (ftruncate(fd, from) != 0) abort();
        return;
    }
    for (off_t at = from; at < to; at++)
        if (pwrite(fd, "", 1, at) != 1) abort();
}

static int flush(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *wanted = getenv("FAIL_FLUSH");
    int is_one = is_journal(fd);
    if (is_one && wanted && unlink(wanted) == 0) {
        drop_pages(fd);
        errno = EIO;
        return -1;
    }
    int done = real(fd);
    if (is_one && done == 0) flushed[fd] = lseek(fd, 0, SEEK_CUR);
    return done;
}

int fsync(int fd) { return flush("fsync", fd); }
int fdatasync(int fd) { return flush("fdatasync", fd); }
