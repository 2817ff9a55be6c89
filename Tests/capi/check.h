/*
 * check.h - a test program in C: named checks, each run in a process of its own, and what they fail with.
 *
 *   program --list   the names
 *   program NAME     that one
 *   program          all of them, one after the other
 */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dog.h>

#define CHECK_SECONDS_MAX 60

/* `exit` would run the library's own exit handlers under workers that are still alive. */
#define FAIL(...)                                                                                                      \
  do {                                                                                                                 \
    fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                    \
    fprintf(stderr, __VA_ARGS__);                                                                                      \
    fprintf(stderr, "\n");                                                                                             \
    fflush(stderr);                                                                                                    \
    _exit(1);                                                                                                          \
  } while (0)

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) FAIL("not so: %s", #condition);                                                                  \
  } while (0)

/* The call gives this status. */
#define CHECK_STATUS(call, wanted)                                                                                     \
  do {                                                                                                                 \
    dog_status_t status_is = (call), status_wanted = (wanted);                                                         \
    if (status_is != status_wanted) {                                                                                  \
      FAIL("%s is %s, not %s", #call, dog_status_name(status_is), dog_status_name(status_wanted));                     \
    }                                                                                                                  \
  } while (0)

/* The call gives one of two statuses, where dog.h leaves it open which. */
#define CHECK_EITHER(call, one, other)                                                                                 \
  do {                                                                                                                 \
    dog_status_t status_is = (call);                                                                                   \
    if (status_is != (one) && status_is != (other)) {                                                                  \
      FAIL("%s is %s, neither %s nor %s", #call, dog_status_name(status_is), dog_status_name(one),                     \
           dog_status_name(other));                                                                                    \
    }                                                                                                                  \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, DOG_OK)

#define CHECK_NUMBER(value, wanted)                                                                                    \
  do {                                                                                                                 \
    long long value_is = (long long)(value), value_wanted = (long long)(wanted);                                       \
    if (value_is != value_wanted) FAIL("%s is %lld, not %lld", #value, value_is, value_wanted);                        \
  } while (0)

typedef struct check {
  const char *name;
  void (*run)(void);
} check_t;

static inline int check_run(const check_t *check) {
  alarm(CHECK_SECONDS_MAX); /* SIGALRM ends the process */
  check->run();
  return 0;
}

/* `checks` ends with a NULL name. */
static inline int checks_main(int argc, char **argv, const check_t *checks) {
  if (argc > 1 && strcmp(argv[1], "--list") == 0) {
    for (const check_t *check = checks; check->name != NULL; check++) puts(check->name);
    return 0;
  }
  if (argc > 1) {
    for (const check_t *check = checks; check->name != NULL; check++) {
      if (strcmp(argv[1], check->name) == 0) return check_run(check);
    }
    fprintf(stderr, "there is no check %s\n", argv[1]);
    return 2;
  }
  int failed = 0;
  for (const check_t *check = checks; check->name != NULL; check++) {
    fflush(NULL);
    pid_t child = fork(); /* this process has not called the library */
    if (child == 0) exit(check_run(check));
    int status = 0;
    waitpid(child, &status, 0);
    printf("%-48s %s\n", check->name, status == 0 ? "ok" : "FAILED");
    failed += status != 0;
  }
  return failed != 0;
}

/* ---- waiting for one another ------------------------------------------------------------------------------------- */

/* Counts events from any thread; waits until there were so many. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  long count;
} gate_t;

#define GATE_INITIALIZER {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void gate_pass(gate_t *gate) {
  pthread_mutex_lock(&gate->lock);
  gate->count++;
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->lock);
}

static inline long gate_count(gate_t *gate) {
  pthread_mutex_lock(&gate->lock);
  long count = gate->count;
  pthread_mutex_unlock(&gate->lock);
  return count;
}

static inline void gate_wait(gate_t *gate, long count) {
  pthread_mutex_lock(&gate->lock);
  while (gate->count < count) pthread_cond_wait(&gate->changed, &gate->lock);
  pthread_mutex_unlock(&gate->lock);
}

/* Asks again and again until the condition holds; the watchdog ends a wait in vain. */
#define WAIT_UNTIL(condition)                                                                                          \
  do {                                                                                                                 \
    const struct timespec pause = {0, 1000000};                                                                        \
    while (!(condition)) nanosleep(&pause, NULL);                                                                      \
  } while (0)

static inline void pause_ms(long milliseconds) {
  nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

static inline uint64_t check_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- seeded random numbers (splitmix64) -------------------------------------------------------------------------- */

typedef struct dice {
  uint64_t state;
} dice_t;

/* CHECK_SEED replays a run; the seed is printed, and pytest shows it where a check fails. */
static inline dice_t dice_make(void) {
  const char *seed = getenv("CHECK_SEED");
  dice_t dice = {seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) ^ ((uint64_t)getpid() << 32)};
  printf("CHECK_SEED=%llu\n", (unsigned long long)dice.state);
  fflush(stdout);
  return dice;
}

static inline uint64_t dice_next(dice_t *dice) {
  uint64_t mixed = dice->state += 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

#endif /* CHECK_H */
