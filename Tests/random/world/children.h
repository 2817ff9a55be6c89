/*
 * children.h - processes that a host makes while its engines run: one that executes a program inherits no descriptor,
 * and one that was only forked is refused by every function.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include "../shared.h"

#include <dirent.h>
#include <openssl/ssl.h>
#include <spawn.h>

extern char **environ;

/* Descriptors of this process besides the one that looks. */
static inline int count_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  CHECK(folder != NULL);
  int count = -3; /* ".", ".." and the folder */
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

/* Says what they are. */
static inline void show_descriptors(void) {
  for (int descriptor = 3; descriptor < 4096; descriptor++) {
    char name[64], target[256] = "";
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    if (readlink(name, target, sizeof target - 1) > 0) fprintf(stderr, "inherited: %d is %s\n", descriptor, target);
  }
}

/* How many a child has that executes a program; what this process got when it began is among it. */
static inline int child_descriptors(int expected) {
  char text[16];
  snprintf(text, sizeof text, "%d", expected);
  char *const arguments[] = {"random", "--descriptors", text, NULL};
  pid_t child;
  CHECK(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int descriptors_of_children;

/* Before any engine is. OpenSSL reads its configuration once, at its first use, by a descriptor that a child forked
 * meanwhile would inherit: it does so here. */
static inline void children_begin(void) {
  CHECK(OPENSSL_init_ssl(0, NULL) == 1);
  descriptors_of_children = child_descriptors(1000);
}

static inline int child_main(int expected) {
  int count = count_descriptors();
  if (count > expected) show_descriptors();
  return count;
}

static inline void child_spawn(void) {
  int count = child_descriptors(descriptors_of_children);
  if (count > descriptors_of_children) FAIL("a child inherits %d descriptors, not %d", count, descriptors_of_children);
}

static inline int child_is_refused(dog_engine_t *engine, uint64_t socket, uint64_t request) {
  dog_stats_t stats = {.size = sizeof stats};
  dog_gateway_t gateway;
  size_t count = 0;
  return dog_engine_stats(engine, &stats) == DOG_EFORKED && dog_engine_stop(engine, 0) == DOG_EFORKED &&
         dog_engine_destroy(engine) == DOG_EFORKED && dog_socket_send(socket, DOG_TEXT, "x", 1) == DOG_EFORKED &&
         dog_request_respond(request, 200, NULL, 0, NULL, 0) == DOG_EFORKED &&
         dog_gateway_find(engine, "ROOM", 4, "r", 1, &gateway) == DOG_EFORKED &&
         dog_shard_count(socket, &count) == DOG_EFORKED && dog_engine_create(NULL, &engine) == DOG_EFORKED;
}

/* It lives for a moment, with every descriptor of its parent's. */
static inline void child_fork(dog_engine_t *engine, uint64_t socket, uint64_t request) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    int is_refused = child_is_refused(engine, socket, request);
    pause_ms(20);
    _exit(is_refused ? 0 : 3);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  if (status != 0) FAIL("a forked child ended with %x", (unsigned)status);
}

#endif /* CHILDREN_H */
