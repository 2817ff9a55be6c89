/*
 * random.c - a program that does anything: engines with random options, a host that calls any function of dog.h at
 * any time with any handle, and a crowd of clients, good and bad. Nothing may end the process, and in the end
 * everything has been given back, and every promise kept.
 *
 *   random SECONDS SEED    rounds until the time is over, at least one; each has a seed, one more than the last
 */
#include "crowd/crowd.h"
#include "world/certificate.h"
#include "world/heap.h"
#include "world/life.h"

enum { ROUND_SECONDS_MAX = 120, RACES = 10 };

static void draw_world(world_t *world, uint64_t seed, uint32_t number, const certificate_t *files) {
  dice_t dice = dice_of(seed, number + 1);
  *world = (world_t){.seed = dice_next(&dice), .number = number, .certificate = files->certificate, .key = files->key};
  pthread_mutex_init(&world->lock, NULL);
  world->delivery = dice_between(&dice, DOG_DELIVERY_CALLBACKS, DOG_DELIVERY_EVENTS);
  world->ending = (ending_t)dice_below(&dice, ENDINGS);
  world->runs = dice_chance(&dice, 25);
  snprintf(world->path, sizeof world->path, "%s/socket-%u", files->folder, number);
}

static void tell(const world_t *world) {
  static const char *const endings[] = {"quiet", "stop", "destroy", "inside", "racing"};
  printf("  %s, %s%s: %llu sockets, %llu Shards, %llu questions\n",
         world->delivery == DOG_DELIVERY_EVENTS ? "events" : "callbacks", endings[world->ending],
         world->runs ? ", run" : "", (unsigned long long)world->opens, (unsigned long long)world->starts,
         (unsigned long long)world->questions);
  fflush(stdout);
}

static void check_crowd(pid_t crowd) {
  int status = 0;
  if (waitpid(crowd, &status, WNOHANG) == crowd) FAIL("the crowd ended with %x", (unsigned)status);
}

static void await_all_gone(shared_t *shared, pid_t crowd) {
  shared->is_leaving = 1;
  while (shared->present != 0) {
    check_crowd(crowd);
    pause_ms(1);
  }
}

static void *race(void *user) {
  const uint64_t *seed = user;
  for (uint64_t number = 0; number < RACES; number++) race_before_the_start(*seed * RACES + number);
  return NULL;
}

/* Some engines at once, which live for a moment. Some end among their clients, others when those have gone. */
static void play_round(shared_t *shared, pid_t crowd, uint64_t seed, const certificate_t *files) {
  static world_t worlds[WORLDS_MAX];
  life_t lives[WORLDS_MAX];
  dice_t dice = dice_of(seed, 0);
  uint32_t count = dice_between(&dice, 1, WORLDS_MAX);
  memset(lives, 0, sizeof lives);
  shared->is_leaving = 0;
  for (uint32_t number = 0; number < count; number++) {
    draw_world(&worlds[number], seed, number, files);
    lives[number].world = &worlds[number];
    lives[number].shared = shared;
    life_begin(&lives[number]);
  }
  pthread_t racing = begin(race, &seed);
  pause_ms(dice_between(&dice, 100, 1000));
  for (uint32_t number = 0; number < count; number++) {
    if (worlds[number].ending != END_QUIET) life_end(&lives[number]);
  }
  await_all_gone(shared, crowd);
  for (uint32_t number = 0; number < count; number++) {
    if (worlds[number].ending == END_QUIET) life_end(&lives[number]);
  }
  pthread_join(racing, NULL);
  for (uint32_t number = 0; number < count; number++) tell(&worlds[number]);
}

static int count_threads(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/task");
  CHECK(folder != NULL);
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

/* The first loop of a process opens two descriptors, which stay. */
static void warm_up(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_OK(dog_engine_start(engine));
  CHECK_OK(dog_engine_destroy(engine));
}

static void play(shared_t *shared, pid_t crowd, heap_history_t *heap, uint64_t seconds, uint64_t seed) {
  uint64_t end = check_now_ms() + seconds * 1000;
  certificate_t files;
  certificate_make(&files);
  warm_up();
  int descriptors = count_descriptors(), threads = count_threads();
  do {
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    alarm(ROUND_SECONDS_MAX); /* SIGALRM ends the process */
    play_round(shared, crowd, seed++, &files);
    check_crowd(crowd);
    CHECK_NUMBER(count_descriptors(), descriptors);
    CHECK_NUMBER(count_threads(), threads);
    heap_note(heap);
  } while (check_now_ms() < end);
  certificate_remove(&files);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "--descriptors") == 0) return child_main(atoi(argv[2]));
  heap_history_t heap = {.bytes = heap_open()};
  uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
  shared_t *shared = shared_make();
  shared->seed = seed;
  fflush(NULL);
  pid_t crowd = fork(); /* before this process has a second thread */
  CHECK(crowd >= 0);
  if (crowd == 0) crowd_live(shared);
  children_begin();
  play(shared, crowd, &heap, seconds, seed);
  shared->is_over = 1;
  int status = 0;
  CHECK(waitpid(crowd, &status, 0) == crowd);
  CHECK_NUMBER(status, 0);
  heap_check(&heap);
  printf("%llu lives, %llu sockets, %llu messages heard\n", (unsigned long long)shared->lives,
         (unsigned long long)shared->opened, (unsigned long long)shared->heard);
  return 0;
}
