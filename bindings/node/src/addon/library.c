/* library.c - finds libdog and its functions. */
#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
/* Unless DOG_LIBRARY names a file: by the addon's DT_RUNPATH, which the build set, then where the system looks. */
#define LIBRARY_NAME "libdog.so." STRING(DOG_VERSION_MAJOR)

library_t dog;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[1024]; /* empty: there is none */

/* Whether memory comes from libc itself. Every allocator has posix_memalign. malloc would not do: in an executable that
 * takes its address, another address is found. */
static bool allocates(void *libc) { return dlsym(libc, "posix_memalign") == dlsym(RTLD_DEFAULT, "posix_memalign"); }

static char **copy_environment(void) {
  size_t count = 0;
  while (environ != NULL && environ[count] != NULL) count++;
  char **copy = calloc(count + 1, sizeof *copy);
  for (size_t index = 0; copy != NULL && index < count; index++) copy[index] = strdup(environ[index]);
  return copy;
}

/* An executable that uses `environ` has a copy of that variable, which all libraries use. But a library that is bound
 * deep finds libc's own, which is not set. Swift's runtime reads it when it is loaded. So it is set to the variables of
 * now, in memory that is never freed: the real ones move when a program sets one. */
static void set_environment_of(void *libc) {
  char ***own = dlsym(libc, "environ");
  if (own != NULL && *own == NULL) *own = copy_environment();
}

static void open_once(void) {
  int mode = RTLD_NOW | RTLD_LOCAL;
  void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
  if (libc != NULL && allocates(libc)) {
    mode |= RTLD_DEEPBIND;
    set_environment_of(libc);
  }
  const char *named = getenv("DOG_LIBRARY");
  void *handle = dlopen(named != NULL && named[0] != 0 ? named : LIBRARY_NAME, mode);
  if (handle == NULL) {
    snprintf(problem, sizeof problem, "%s", dlerror());
    return;
  }
#define X(name)                                                                                                        \
  if ((dog.name = (__typeof__(dog_##name) *)dlsym(handle, "dog_" #name)) == NULL) {                                    \
    snprintf(problem, sizeof problem, LIBRARY_NAME " has no dog_" #name ": it is of another version");                 \
    return;                                                                                                            \
  }
  LIBRARY_FUNCTIONS(X)
#undef X
  /* Version 0 promises nothing from one minor version to the next. */
  uint32_t found = dog.version() >> 8, wanted = DOG_VERSION_MAJOR << 8 | DOG_VERSION_MINOR;
  if (found != wanted) {
    snprintf(problem, sizeof problem, LIBRARY_NAME " is version %u.%u, the addon was built for %u.%u", found >> 8,
             found & 255, wanted >> 8, wanted & 255);
  }
}

const char *library_open(void) {
  pthread_once(&once, open_once);
  return problem[0] == 0 ? NULL : problem;
}
