/* Preloaded into a program under test: lets chosen system calls fail, as often as the environment says, and counts all.
 *
 * torture_begin(fault, report, spared) is called when it may begin, and nothing is counted before:
 *
 * fault   KIND ERROR AT EVER CLASSES, e.g. "write 28 3 0 tf": the third write to a standard stream or a file fails with
 *         error 28; an ERROR of 0 is a short count. With EVER 1 all from the third on fail.
 * report  a file of zeros, as long as struct report, which tells what was seen and struck, however the program ends.
 * spared  beginnings of paths, separated by colons, that are left alone: those of the program's own code.
 *
 * Children are left alone too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, FSYNC, RENAME, CONNECT, SEND, RECV, CLOSE, FORK, THREAD, DESCRIPTOR, KINDS };
static const char *const kinds[KINDS] = {"open", "read", "write", "fsync", "rename", "connect",
                                         "send", "recv", "close", "fork", "thread", "descriptor"};
/* A standard stream, a regular file, a pipe, a socket, anything else; a pipe with both ends in this process. */
static const char classes[] = "tfpsoi";

struct report {
    _Atomic uint64_t calls[KINDS][6];
    _Atomic uint32_t struck;
    char what[500];
};

#define MOST_DESCRIPTORS 4096
static struct report *report;
static const char *spared;
static _Atomic int armed;
static int kind_wanted = -1, error_wanted, ever;
static unsigned long first;
static char classes_wanted[8];
static _Atomic unsigned long seen;
/* The other end of a pipe, plus one, while both are open here. */
static _Atomic int other_end[MOST_DESCRIPTORS];

#define REAL(name) ((__typeof__(&name))next_in_line(&real_##name, #name))
#define SLOT(name) static void *real_##name

static void *next_in_line(void **slot, const char *name) {
    if (*slot == NULL)
        *slot = dlsym(RTLD_NEXT, name);
    return *slot;
}

static void disarm(void) { armed = 0; }

/* What it starts is not tortured. */
__attribute__((constructor)) static void hide(void) { unsetenv("LD_PRELOAD"); }

void torture_begin(const char *fault, const char *where, const char *paths) {
    char kind[16];
    if (sscanf(fault, "%15s %d %lu %d %7s", kind, &error_wanted, &first, &ever, classes_wanted) != 5)
        abort();
    for (int each = 0; each < KINDS; each++)
        if (strcmp(kinds[each], kind) == 0)
            kind_wanted = each;
    int fd = open(where, O_RDWR | O_CLOEXEC);
    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (report == MAP_FAILED)
        abort();
    pthread_atfork(NULL, NULL, disarm);
    spared = strdup(paths);
    armed = 1;
}

static int is_spared(const char *path) {
    for (const char *each = spared; *each;) {
        size_t length = strcspn(each, ":");
        if (length && strncmp(path, each, length) == 0)
            return 1;
        each += length + (each[length] == ':');
    }
    return 0;
}

static int class_of(int fd) {
    struct stat status;
    if (fd >= 0 && fd <= 2)
        return 0;
    if (fd < MOST_DESCRIPTORS && other_end[fd])
        return 5;
    if (fstat(fd, &status) != 0)
        return 4;
    return S_ISREG(status.st_mode) ? 1 : S_ISFIFO(status.st_mode) ? 2 : S_ISSOCK(status.st_mode) ? 3 : 4;
}

/* Whether this call is to fail. A call on a path has no descriptor (-1); one on neither no path. */
static int strikes(int kind, int fd, const char *path) {
    char link[64], found[PATH_MAX];
    int class = 1;
    if (!armed)
        return 0;
    if (fd >= 0) {
        class = class_of(fd);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, found, sizeof found - 1);
        found[length > 0 ? length : 0] = 0;
        path = found;
    }
    if (path != NULL && is_spared(path))
        return 0;
    report->calls[kind][class]++;
    if (kind != kind_wanted || strchr(classes_wanted, classes[class]) == NULL)
        return 0;
    unsigned long number = ++seen;
    if (number < first || (number > first && !ever))
        return 0;
    if (report->struck++ == 0) {
        snprintf(report->what, sizeof report->what, "%s %d %.400s", kinds[kind], fd, path ? path : "");
        /* Shows where in the program that is. */
        raise(SIGUSR2);
    }
    return 1;
}

#define FAIL_IF(kind, fd, path, value) \
    if (strikes(kind, fd, path)) {     \
        errno = error_wanted;          \
        return value;                  \
    }

/* A call that moves bytes: fails, or moves half of them. */
#define MOVE(kind, fd, size)                     \
    if ((size) > 0 && strikes(kind, fd, NULL)) { \
        if (error_wanted != 0) {                 \
            errno = error_wanted;                \
            return -1;                           \
        }                                        \
        size = (size) > 1 ? (size) / 2 : 1;      \
    }

#define OPENING(name, parameters, arguments)                                    \
    SLOT(name);                                                                 \
    int name(UNPACK parameters const char *path, int flags, ...) {              \
        va_list rest;                                                           \
        va_start(rest, flags);                                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                           \
        FAIL_IF(OPEN, -1, path, -1)                                             \
        return REAL(name)(UNPACK arguments path, flags, mode);                  \
    }
#define UNPACK(...) __VA_ARGS__
OPENING(open, (), ())
OPENING(open64, (), ())
OPENING(openat, (int folder, ), (folder, ))
OPENING(openat64, (int folder, ), (folder, ))

#define MOVING(kind, name, buffer, parameters, arguments)               \
    SLOT(name);                                                         \
    ssize_t name(int fd, buffer at, size_t size UNPACK parameters) {    \
        MOVE(kind, fd, size)                                            \
        return REAL(name)(fd, at, size UNPACK arguments);               \
    }
MOVING(READ, read, void *, (), ())
MOVING(READ, pread, void *, (, off_t offset), (, offset))
MOVING(READ, pread64, void *, (, off64_t offset), (, offset))
MOVING(WRITE, write, const void *, (), ())
MOVING(WRITE, pwrite, const void *, (, off_t offset), (, offset))
MOVING(WRITE, pwrite64, const void *, (, off64_t offset), (, offset))
MOVING(RECV, recv, void *, (, int flags), (, flags))
MOVING(RECV, recvfrom, void *restrict, (, int flags, struct sockaddr *restrict from, socklen_t *restrict length),
       (, flags, from, length))
MOVING(SEND, send, const void *, (, int flags), (, flags))
MOVING(SEND, sendto, const void *, (, int flags, const struct sockaddr *to, socklen_t length), (, flags, to, length))

SLOT(sendmsg);
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (error_wanted != 0)
        FAIL_IF(SEND, fd, NULL, -1)
    return REAL(sendmsg)(fd, message, flags);
}

SLOT(fsync);
int fsync(int fd) {
    FAIL_IF(FSYNC, fd, NULL, -1)
    return REAL(fsync)(fd);
}

SLOT(rename);
int rename(const char *from, const char *to) {
    FAIL_IF(RENAME, -1, to, -1)
    return REAL(rename)(from, to);
}

SLOT(connect);
int connect(int fd, const struct sockaddr *to, socklen_t length) {
    if (strikes(CONNECT, fd, NULL)) {
        /* An interrupted connect goes on in the background. */
        if (error_wanted == EINTR)
            REAL(connect)(fd, to, length);
        errno = error_wanted;
        return -1;
    }
    return REAL(connect)(fd, to, length);
}

/* The descriptor is gone, whatever close says. */
SLOT(close);
int close(int fd) {
    int fails = strikes(CLOSE, fd, NULL);
    if (fd >= 0 && fd < MOST_DESCRIPTORS && other_end[fd]) {
        other_end[other_end[fd] - 1] = 0;
        other_end[fd] = 0;
    }
    int result = REAL(close)(fd);
    if (!fails)
        return result;
    errno = error_wanted;
    return -1;
}

SLOT(fork);
pid_t fork(void) {
    FAIL_IF(FORK, -1, NULL, -1)
    return REAL(fork)();
}

/* A function cannot return twice through another one; a child with memory of its own does as well. */
pid_t vfork(void) { return fork(); }

SLOT(posix_spawn);
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                char *const arguments[], char *const environment[]) {
    return strikes(FORK, -1, NULL) ? error_wanted
                                   : REAL(posix_spawn)(pid, path, actions, attributes, arguments, environment);
}

SLOT(pthread_create);
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    return strikes(THREAD, -1, NULL) ? error_wanted : REAL(pthread_create)(thread, attributes, run, argument);
}

SLOT(socket);
int socket(int domain, int type, int protocol) {
    FAIL_IF(DESCRIPTOR, -1, NULL, -1)
    return REAL(socket)(domain, type, protocol);
}

SLOT(accept4);
int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict length, int flags) {
    FAIL_IF(DESCRIPTOR, fd, NULL, -1)
    return REAL(accept4)(fd, from, length, flags);
}

SLOT(epoll_create1);
int epoll_create1(int flags) {
    FAIL_IF(DESCRIPTOR, -1, NULL, -1)
    return REAL(epoll_create1)(flags);
}

SLOT(epoll_ctl);
int epoll_ctl(int fd, int operation, int about, struct epoll_event *event) {
    if (operation != EPOLL_CTL_DEL)
        FAIL_IF(DESCRIPTOR, about, NULL, -1)
    return REAL(epoll_ctl)(fd, operation, about, event);
}

static int paired(int result, const int ends[2]) {
    if (result == 0 && ends[0] < MOST_DESCRIPTORS && ends[1] < MOST_DESCRIPTORS) {
        other_end[ends[0]] = ends[1] + 1;
        other_end[ends[1]] = ends[0] + 1;
    }
    return result;
}

SLOT(pipe2);
int pipe2(int ends[2], int flags) {
    FAIL_IF(DESCRIPTOR, -1, NULL, -1)
    return paired(REAL(pipe2)(ends, flags), ends);
}

SLOT(socketpair);
int socketpair(int domain, int type, int protocol, int ends[2]) {
    FAIL_IF(DESCRIPTOR, -1, NULL, -1)
    return paired(REAL(socketpair)(domain, type, protocol, ends), ends);
}
