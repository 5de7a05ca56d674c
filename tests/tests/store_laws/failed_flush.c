/* A disk whose flush fails, loaded before a node: while the file named by FLUSH_FAILS is there, each
 * flush of a file below the folder named by FLUSH_FAILS_BELOW answers EIO, and what was written to it
 * since its last good flush is gone, as after the operating system has dropped its dirty pages. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 256

/* By inode: how far a file was flushed. */
static struct { ino_t inode; off_t end; } flushed[FILES];

static int is_watched(int fd) {
    char link[64], path[PATH_MAX];
    const char *below = getenv("FLUSH_FAILS_BELOW");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (below == NULL || length < 0) return 0;
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0;
}

static off_t *end_of(ino_t inode) {
    for (int i = 0; i < FILES; i++) {
        if (flushed[i].inode == 0) flushed[i].inode = inode;
        if (flushed[i].inode == inode) return &flushed[i].end;
    }
    abort();
}

static int flush(int fd, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat file;
    const char *failing = getenv("FLUSH_FAILS");
    if (failing == NULL || !is_watched(fd) || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
        return real(fd);
    off_t written = lseek(fd, 0, SEEK_CUR), *end = end_of(file.st_ino);
    if (access(failing, F_OK) != 0) {
        int answer = real(fd);
        if (answer == 0 && written > *end) *end = written;
        return answer;
    }
    static const char nothing[4096];
    for (off_t at = *end; at < written; at += sizeof nothing) {
        size_t left = (size_t)(written - at);
        if (pwrite(fd, nothing, left < sizeof nothing ? left : sizeof nothing, at) < 0) break;
    }
    errno = EIO;
    return -1;
}

int fsync(int fd) { return flush(fd, "fsync"); }
int fdatasync(int fd) { return flush(fd, "fdatasync"); }
