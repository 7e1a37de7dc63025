/* Makes the calls named in $FAULT_CALLS fail with errno $FAULT_ERRNO for files below $FAULT_BELOW.
 * Writes the name of each call that fails to a line of the file $FAULT_LOG.
 * Loaded before the C library (LD_PRELOAD), to simulate a broken disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int named(const char *call) {
    const char *calls = getenv("FAULT_CALLS");
    const char *found = calls ? strstr(calls, call) : NULL;
    return found && (found == calls || found[-1] == ',') && (found[strlen(call)] == ',' || !found[strlen(call)]);
}

static int below(const char *path) {
    const char *folder = getenv("FAULT_BELOW");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static void note(const char *call) {
    const char *log = getenv("FAULT_LOG");
    int descriptor = log ? NEXT(open)(log, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
    if (descriptor < 0)
        return;
    dprintf(descriptor, "%s\n", call);
    close(descriptor);
}

static int fails(const char *call, const char *path) {
    if (!named(call) || !below(path))
        return 0;
    note(call);
    errno = atoi(getenv("FAULT_ERRNO"));
    return 1;
}

static int fails_at(const char *call, int descriptor) {
    char link[64], path[PATH_MAX];
    int saved = errno;
    if (!named(call))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(call, path);
}

static int opening(const char *path, int flags) {
    return fails(flags & O_CREAT ? "create" : "open", path);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return opening(path, flags) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return opening(path, flags) ? -1 : NEXT(open64)(path, flags, mode);
}

ssize_t read(int descriptor, void *buffer, size_t count) {
    return fails_at("read", descriptor) ? -1 : NEXT(read)(descriptor, buffer, count);
}

ssize_t write(int descriptor, const void *buffer, size_t count) {
    return fails_at("write", descriptor) ? -1 : NEXT(write)(descriptor, buffer, count);
}

int rename(const char *from, const char *to) {
    return fails("rename", to) ? -1 : NEXT(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
    return fails("mkdir", path) ? -1 : NEXT(mkdir)(path, mode);
}

int unlink(const char *path) {
    return fails("unlink", path) ? -1 : NEXT(unlink)(path);
}

int stat64(const char *path, struct stat64 *found) {
    return fails("stat", path) ? -1 : NEXT(stat64)(path, found);
}

int stat(const char *path, struct stat *found) {
    return fails("stat", path) ? -1 : NEXT(stat)(path, found);
}

int lstat64(const char *path, struct stat64 *found) {
    return fails("stat", path) ? -1 : NEXT(lstat64)(path, found);
}

int lstat(const char *path, struct stat *found) {
    return fails("stat", path) ? -1 : NEXT(lstat)(path, found);
}

int fstat64(int descriptor, struct stat64 *found) {
    return fails_at("stat", descriptor) ? -1 : NEXT(fstat64)(descriptor, found);
}

int fstat(int descriptor, struct stat *found) {
    return fails_at("stat", descriptor) ? -1 : NEXT(fstat)(descriptor, found);
}

int futimens(int descriptor, const struct timespec times[2]) {
    return fails_at("utime", descriptor) ? -1 : NEXT(futimens)(descriptor, times);
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    return fails("utime", path) ? -1 : NEXT(utimensat)(folder, path, times, flags);
}

int flock(int descriptor, int operation) {
    extern int flock(int, int);
    return fails_at("lock", descriptor) ? -1 : NEXT(flock)(descriptor, operation);
}
