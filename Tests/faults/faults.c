/*
 * faults - an LD_PRELOAD that makes system calls fail, or fall short, by a seeded plan.
 *
 *   DOG_FAULTS       the plan, words with spaces between: "seed=7 read:short=200 accept:EMFILE=50 socket@2:ENOMEM"
 *                    CALL:FAULT=N   of 1000 calls about N fail; CALL@N:FAULT   the N-th call fails, the others do not
 *   DOG_FAULTS_FILE  a file, mapped and shared: struct control. The test turns faults off there, and reads how many
 *                    there were: a plan that never struck would show nothing.
 *
 * CALL is read, write (each with all its forms), accept, dup (fcntl), nonblock (ioctl), peer (getpeername), option
 * (setsockopt), shutdown, socket, bind, listen, epoll_create, epoll_ctl, eventfd, thread (pthread_create), malloc.uv,
 * malloc.z, malloc.ssl. FAULT is a name of errno, or `short` for read and write: 1 to n of n bytes go over.
 *
 * Only sockets' descriptors are touched by read and write. Memory runs out only for libuv, zlib and OpenSSL, told by
 * the caller's address: Swift's runtime traps where there is none, which no program in Swift can change. libuv aborts
 * by itself when realloc fails (its table of descriptors) and when epoll_ctl does while it waits, so realloc is left
 * alone there, and epoll_ctl is for the first calls of a start.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define RULES_MAX 32
#define SHORT (-1)

struct control {
  _Atomic uint32_t is_on;
  _Atomic uint32_t hits[RULES_MAX];
};

typedef struct {
  char call[16];
  int fault; /* an errno, or SHORT */
  unsigned per_thousand;
  unsigned nth; /* 0: by chance */
  _Atomic unsigned calls;
} rule_t;

static rule_t rules[RULES_MAX];
static int rule_count;
static uint64_t seed;
static struct control nowhere;
static struct control *control = &nowhere;
static _Atomic uint64_t thread_count;

/* SplitMix64, one sequence for each thread, by the order in which threads met their first fault. */
static uint64_t next_random(void) {
  static _Thread_local uint64_t state;
  if (state == 0) {
    state = seed * 0x2545F4914F6CDD1DULL + 0x9E3779B97F4A7C15ULL * (1 + atomic_fetch_add(&thread_count, 1));
  }
  uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/* 0: nothing; SHORT; else an errno. */
static int strike(const char *call) {
  if (rule_count == 0 || !atomic_load_explicit(&control->is_on, memory_order_relaxed)) return 0;
  for (int index = 0; index < rule_count; index++) {
    rule_t *rule = &rules[index];
    if (strcmp(rule->call, call) != 0) continue;
    unsigned calls = 1 + atomic_fetch_add(&rule->calls, 1);
    int strikes = rule->nth ? calls == rule->nth : next_random() % 1000 < rule->per_thousand;
    if (!strikes) continue;
    atomic_fetch_add(&control->hits[index], 1);
    return rule->fault;
  }
  return 0;
}

/* As `strike`, and leaves errno as a failed call does. */
static int fails(const char *call) {
  int fault = strike(call);
  if (fault > 0) errno = fault;
  return fault > 0;
}

static int is_socket(int descriptor) {
  struct stat status;
  int saved = errno;
  int found = fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
  errno = saved;
  return found;
}

static size_t shorter(size_t count) { return count > 1 ? 1 + next_random() % count : count; }

/* The first bytes of `vector`, as many as a short call moves; how many entries they take. */
static int shorten(const struct iovec *vector, int count, struct iovec *cut) {
  size_t total = 0, left;
  for (int index = 0; index < count; index++) total += vector[index].iov_len;
  left = shorter(total);
  int used = 0;
  while (used < count && left > 0) {
    cut[used] = vector[used];
    if (cut[used].iov_len > left) cut[used].iov_len = left;
    left -= cut[used++].iov_len;
  }
  return used;
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

static int errno_of(const char *name) {
  static const struct { const char *name; int value; } names[] = {
    {"short", SHORT}, {"EAGAIN", EAGAIN}, {"EINTR", EINTR}, {"ECONNRESET", ECONNRESET}, {"EPIPE", EPIPE},
    {"ETIMEDOUT", ETIMEDOUT}, {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOMEM", ENOMEM}, {"ENOBUFS", ENOBUFS},
    {"ECONNABORTED", ECONNABORTED}, {"EINVAL", EINVAL}, {"ENOTCONN", ENOTCONN}, {"EADDRINUSE", EADDRINUSE},
  };
  for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
    if (strcmp(names[index].name, name) == 0) return names[index].value;
  }
  return 0;
}

static void read_word(const char *word) {
  char fault[16] = "";
  rule_t rule = {0};
  unsigned long long number = 0;
  if (sscanf(word, "seed=%llu", &number) == 1) {
    seed = number;
    return;
  }
  int is_right = sscanf(word, "%15[a-z_.]@%u:%15[A-Za-z]", rule.call, &rule.nth, fault) == 3 ||
                 sscanf(word, "%15[a-z_.]:%15[A-Za-z]=%u", rule.call, fault, &rule.per_thousand) == 3;
  rule.fault = errno_of(fault);
  if (!is_right || rule.fault == 0 || rule_count == RULES_MAX) {
    fprintf(stderr, "faults: not understood: %s\n", word);
    _exit(99);
  }
  memcpy(&rules[rule_count++], &rule, sizeof rule);
}

static void find_libraries(void);

__attribute__((constructor)) static void begin(void) {
  const char *plan = getenv("DOG_FAULTS");
  const char *path = getenv("DOG_FAULTS_FILE");
  if (plan == NULL || path == NULL) return;
  static char words[1024];
  snprintf(words, sizeof words, "%s", plan);
  char *rest = NULL;
  for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) read_word(word);
  int file = open(path, O_RDWR | O_CLOEXEC);
  void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) {
    fprintf(stderr, "faults: %s cannot be mapped\n", path);
    _exit(99);
  }
  close(file);
  find_libraries();
  control = mapped;
}

/* The function that this library stands before. */
#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* ---- Reading and writing ----------------------------------------------------------------------------------------- */

ssize_t read(int descriptor, void *buffer, size_t count) {
  REAL(read);
  int fault = is_socket(descriptor) ? strike("read") : 0;
  if (fault > 0) return errno = fault, -1;
  return real(descriptor, buffer, fault == SHORT ? shorter(count) : count);
}

ssize_t recv(int descriptor, void *buffer, size_t count, int flags) {
  REAL(recv);
  int fault = strike("read");
  if (fault > 0) return errno = fault, -1;
  return real(descriptor, buffer, fault == SHORT ? shorter(count) : count, flags);
}

ssize_t readv(int descriptor, const struct iovec *vector, int count) {
  REAL(readv);
  int fault = is_socket(descriptor) ? strike("read") : 0;
  if (fault > 0) return errno = fault, -1;
  if (fault == 0 || count < 1 || count > IOV_MAX) return real(descriptor, vector, count);
  struct iovec cut[count];
  return real(descriptor, cut, shorten(vector, count, cut));
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags) {
  REAL(recvmsg);
  return fails("read") ? -1 : real(descriptor, message, flags);
}

ssize_t write(int descriptor, const void *buffer, size_t count) {
  REAL(write);
  int fault = is_socket(descriptor) ? strike("write") : 0;
  if (fault > 0) return errno = fault, -1;
  return real(descriptor, buffer, fault == SHORT ? shorter(count) : count);
}

ssize_t send(int descriptor, const void *buffer, size_t count, int flags) {
  REAL(send);
  int fault = strike("write");
  if (fault > 0) return errno = fault, -1;
  return real(descriptor, buffer, fault == SHORT ? shorter(count) : count, flags);
}

ssize_t writev(int descriptor, const struct iovec *vector, int count) {
  REAL(writev);
  int fault = is_socket(descriptor) ? strike("write") : 0;
  if (fault > 0) return errno = fault, -1;
  if (fault == 0 || count < 1 || count > IOV_MAX) return real(descriptor, vector, count);
  struct iovec cut[count];
  return real(descriptor, cut, shorten(vector, count, cut));
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  REAL(sendmsg);
  int fault = strike("write");
  if (fault > 0) return errno = fault, -1;
  int count = (int)message->msg_iovlen;
  if (fault == 0 || count < 1 || count > IOV_MAX) return real(descriptor, message, flags);
  struct iovec cut[count];
  struct msghdr part = *message;
  part.msg_iovlen = (size_t)shorten(message->msg_iov, count, cut);
  part.msg_iov = cut;
  return real(descriptor, &part, flags);
}

/* ---- Connections ------------------------------------------------------------------------------------------------- */

int accept(int descriptor, struct sockaddr *address, socklen_t *length) {
  REAL(accept);
  return fails("accept") ? -1 : real(descriptor, address, length);
}

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags) {
  REAL(accept4);
  return fails("accept") ? -1 : real(descriptor, address, length, flags);
}

int getpeername(int descriptor, struct sockaddr *address, socklen_t *length) {
  REAL(getpeername);
  return fails("peer") ? -1 : real(descriptor, address, length);
}

int setsockopt(int descriptor, int level, int name, const void *value, socklen_t length) {
  REAL(setsockopt);
  return fails("option") ? -1 : real(descriptor, level, name, value, length);
}

int shutdown(int descriptor, int how) {
  REAL(shutdown);
  return fails("shutdown") ? -1 : real(descriptor, how);
}

static int fails_to_dup(int descriptor, int command) {
  return (command == F_DUPFD || command == F_DUPFD_CLOEXEC) && is_socket(descriptor) && fails("dup");
}

/* Every third argument of fcntl and ioctl that is in use here fits a pointer. */
int fcntl(int descriptor, int command, ...) {
  REAL(fcntl);
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return fails_to_dup(descriptor, command) ? -1 : real(descriptor, command, argument);
}

int fcntl64(int descriptor, int command, ...) {
  REAL(fcntl64);
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return fails_to_dup(descriptor, command) ? -1 : real(descriptor, command, argument);
}

int ioctl(int descriptor, unsigned long request, ...) {
  REAL(ioctl);
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return request == FIONBIO && is_socket(descriptor) && fails("nonblock") ? -1 : real(descriptor, request, argument);
}

/* ---- What a start makes ------------------------------------------------------------------------------------------ */

int socket(int domain, int type, int protocol) {
  REAL(socket);
  return fails("socket") ? -1 : real(domain, type, protocol);
}

int bind(int descriptor, const struct sockaddr *address, socklen_t length) {
  REAL(bind);
  return fails("bind") ? -1 : real(descriptor, address, length);
}

int listen(int descriptor, int backlog) {
  REAL(listen);
  return fails("listen") ? -1 : real(descriptor, backlog);
}

int epoll_create1(int flags) {
  REAL(epoll_create1);
  return fails("epoll_create") ? -1 : real(flags);
}

int epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event) {
  REAL(epoll_ctl);
  return fails("epoll_ctl") ? -1 : real(set, operation, descriptor, event);
}

int eventfd(unsigned int value, int flags) {
  REAL(eventfd);
  return fails("eventfd") ? -1 : real(value, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  REAL(pthread_create);
  int fault = strike("thread");
  return fault > 0 ? fault : real(thread, attributes, body, argument);
}

/* ---- Memory, of some libraries ----------------------------------------------------------------------------------- */

void *__libc_malloc(size_t count);
void *__libc_calloc(size_t number, size_t count);
void *__libc_realloc(void *memory, size_t count);

static struct { const char *file, *call; uintptr_t start, end; } libraries[] = {
  {"/libuv.so", "malloc.uv", 0, 0}, {"/libz.so", "malloc.z", 0, 0}, {"/libssl.so", "malloc.ssl", 0, 0},
  {"/libcrypto.so", "malloc.ssl", 0, 0},
};

static int note_library(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  for (size_t index = 0; index < sizeof libraries / sizeof *libraries; index++) {
    if (strstr(info->dlpi_name, libraries[index].file) == NULL) continue;
    for (int part = 0; part < info->dlpi_phnum; part++) {
      const ElfW(Phdr) *header = &info->dlpi_phdr[part];
      if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
      libraries[index].start = info->dlpi_addr + header->p_vaddr;
      libraries[index].end = libraries[index].start + header->p_memsz;
    }
  }
  return 0;
}

static void find_libraries(void) { dl_iterate_phdr(note_library, NULL); }

static int is_out_of_memory(const void *caller) {
  for (size_t index = 0; index < sizeof libraries / sizeof *libraries; index++) {
    if ((uintptr_t)caller < libraries[index].start || (uintptr_t)caller >= libraries[index].end) continue;
    return fails(libraries[index].call);
  }
  return 0;
}

void *malloc(size_t count) {
  return is_out_of_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(count);
}

void *calloc(size_t number, size_t count) {
  return is_out_of_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(number, count);
}

void *realloc(void *memory, size_t count) {
  const void *caller = __builtin_return_address(0);
  int is_libuv = (uintptr_t)caller >= libraries[0].start && (uintptr_t)caller < libraries[0].end;
  return !is_libuv && is_out_of_memory(caller) ? NULL : __libc_realloc(memory, count);
}
