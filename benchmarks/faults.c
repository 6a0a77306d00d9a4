/* Lets the k-th write to some folders fail, or ends the process there. Preloaded by faults.py, armed from Python.

   A write is whatever changes what is on disk: creating, writing, syncing, renaming, making a folder, removing, and
   setting times. Reads are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE = 2, SYNC = 4, RENAME = 8, FOLDER = 16, REMOVE = 32, TOUCH = 64 };
enum { ONCE = 0, STAYS = 1, SHORT = 2, DEATH = 3 };

static char roots[4096];
static long at = -1, count = 0;
static int failure = 0, way = 0, kinds = 0;
static FILE *tale = NULL;

void faults_arm(const char *folders, long number, int error, int manner, int mask) {
    snprintf(roots, sizeof roots, "%s", folders);
    at = number, failure = error, way = manner, kinds = mask, count = 0;
}

long faults_count(void) { return count; }

void faults_tell(int handle) { tale = fdopen(handle, "w"); }

static int inside(const char *path) {
    for (const char *root = roots; *root;) {
        size_t length = strcspn(root, ":");
        if (length && !strncmp(path, root, length) && (path[length] == '/' || !path[length])) return 1;
        root += length + (root[length] == ':');
    }
    return 0;
}

static const char *place(int handle, char *buffer, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, buffer, size - 1);
    buffer[length > 0 ? length : 0] = 0;
    return buffer;
}

/* 0: go on; 1: fail with errno set; 2: write a part only */
static int due(int kind, const char *what, const char *path) {
    if (!*roots || !(kinds & kind) || !inside(path)) return 0;
    long number = count++;
    if (tale) fprintf(tale, "%ld %s %s\n", number, what, path), fflush(tale);
    if (number < at || at < 0 || (number > at && way != STAYS)) return 0;
    if (way == DEATH) kill(getpid(), SIGKILL);
    if (way == SHORT && kind == WRITE) return 2;
    errno = failure;
    return 1;
}

static int due_at(int kind, const char *what, int folder, const char *path) {
    char whole[8192], base[4096];
    if (path[0] == '/' || folder == AT_FDCWD) return due(kind, what, path);
    snprintf(whole, sizeof whole, "%s/%s", place(folder, base, sizeof base), path);
    return due(kind, what, whole);
}

static int due_on(int kind, const char *what, int handle) {
    char path[4096];
    if (!*roots) return 0;
    return due(kind, what, place(handle, path, sizeof path));
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); }
#define WRITES (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))

int open(const char *path, int flags, ...) { MODE REAL(open); return WRITES && due(CREATE, "open", path) ? -1 : real(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE REAL(open64); return WRITES && due(CREATE, "open", path) ? -1 : real(path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE REAL(openat); return WRITES && due_at(CREATE, "open", folder, path) ? -1 : real(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE REAL(openat64); return WRITES && due_at(CREATE, "open", folder, path) ? -1 : real(folder, path, flags, mode); }
FILE *fopen(const char *path, const char *how) { REAL(fopen); return strpbrk(how, "wa+") && due(CREATE, "fopen", path) ? NULL : real(path, how); }
FILE *fopen64(const char *path, const char *how) { REAL(fopen64); return strpbrk(how, "wa+") && due(CREATE, "fopen", path) ? NULL : real(path, how); }
ssize_t write(int handle, const void *data, size_t size) {
    REAL(write);
    int found = due_on(WRITE, "write", handle);
    return found == 1 ? -1 : real(handle, data, found == 2 && size > 1 ? size / 2 : size);
}
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t where) { REAL(pwrite64); return due_on(WRITE, "write", handle) ? -1 : real(handle, data, size, where); }
int fsync(int handle) { REAL(fsync); return due_on(SYNC, "fsync", handle) ? -1 : real(handle); }
int fdatasync(int handle) { REAL(fdatasync); return due_on(SYNC, "fsync", handle) ? -1 : real(handle); }
int ftruncate64(int handle, off64_t size) { REAL(ftruncate64); return due_on(WRITE, "truncate", handle) ? -1 : real(handle, size); }
int rename(const char *from, const char *to) { REAL(rename); return due(RENAME, "rename", to) ? -1 : real(from, to); }
int renameat(int one, const char *from, int other, const char *to) { REAL(renameat); return due_at(RENAME, "rename", other, to) ? -1 : real(one, from, other, to); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); return due(FOLDER, "mkdir", path) ? -1 : real(path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { REAL(mkdirat); return due_at(FOLDER, "mkdir", folder, path) ? -1 : real(folder, path, mode); }
int unlink(const char *path) { REAL(unlink); return due(REMOVE, "unlink", path) ? -1 : real(path); }
int unlinkat(int folder, const char *path, int flags) { REAL(unlinkat); return due_at(REMOVE, "unlink", folder, path) ? -1 : real(folder, path, flags); }
int rmdir(const char *path) { REAL(rmdir); return due(REMOVE, "rmdir", path) ? -1 : real(path); }
int symlink(const char *to, const char *path) { REAL(symlink); return due(CREATE, "symlink", path) ? -1 : real(to, path); }
int utimensat(int folder, const char *path, const struct timespec times[2], int flags) { REAL(utimensat); return path && due_at(TOUCH, "utime", folder, path) ? -1 : real(folder, path, times, flags); }
