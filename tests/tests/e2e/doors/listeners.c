/* Preloaded into a server: what the file that LOST_LISTENER names says, a port or part of a
   socket's path, is a listener that is gone: it answers EBADF from then on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int is_lost(int fd) {
    const char *named = getenv("LOST_LISTENER");
    int file = named ? open(named, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    char lost[256] = {0}, own[256] = {0};
    ssize_t length = read(file, lost, sizeof lost - 1);
    close(file);
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (length <= 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0) return 0;
    if (address.ss_family == AF_INET)
        snprintf(own, sizeof own, "%d", ntohs(((struct sockaddr_in *)&address)->sin_port));
    if (address.ss_family == AF_UNIX)
        return strstr(((struct sockaddr_un *)&address)->sun_path, lost) != NULL;
    return strcmp(own, lost) == 0;
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
    int (*real)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
    if (is_lost(fd)) {
        errno = EBADF;
        return -1;
    }
    return real(fd, address, size, flags);
}
