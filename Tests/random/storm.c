/*
 * storm.c - many senders and receivers in one cluster, in all ways of sending, while others come and go. Each receiver
 * that is there all the time gets each sender's messages complete and in order; where a policy drops some, as many as
 * were counted.
 *
 *   storm SECONDS SEED    rounds until the time is over, at least one; each has a seed, one more than the last
 */
#include "storm/clients.h"
#include "storm/host.h"

#include <dirent.h>

static int count_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  CHECK(folder != NULL);
  int count = 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}

static void set_options(const plan_t *plan, dog_options_t *options) {
  CHECK_OK(dog_options_init(options, sizeof *options));
  options->workers = plan->workers;
  options->delivery = plan->delivery;
  options->outbox_bytes_max = plan->outbox_bytes_max;
  options->outbox_policy = plan->policy;
  options->mailbox_bytes_max = plan->mailbox_bytes_max;
}

static void set_classes(storm_t *storm, dog_gateway_class_t *gateway, dog_shard_class_t *shard) {
  const plan_t *plan = &storm->plan;
  CHECK_OK(dog_gateway_class_init(gateway, sizeof *gateway));
  gateway->name = "ROOM";
  gateway->child = "SEATS";
  gateway->user = storm;
  gateway->limit = plan->limit;
  gateway->idle_seconds = plan->idle_seconds;
  CHECK_OK(dog_shard_class_init(shard, sizeof *shard));
  shard->name = "SEATS";
  shard->parent = "ROOM";
  shard->user = storm;
  shard->deflate = plan->deflate;
  shard->deflate_level = plan->deflate_level;
  shard->deflate_window_bits = plan->window_bits;
  shard->deflate_client_context = plan->client_context;
  if (plan->delivery == DOG_DELIVERY_EVENTS) return;
  gateway->identify = on_identify;
  shard->receive = on_receive;
  shard->onopen = on_open;
  shard->onmessage = on_message;
  shard->onclose = on_close;
  shard->ondrain = on_drain;
}

static void start(storm_t *storm) {
  dog_options_t options;
  dog_gateway_class_t gateway;
  dog_shard_class_t shard;
  set_options(&storm->plan, &options);
  set_classes(storm, &gateway, &shard);
  CHECK_OK(dog_engine_create(&options, &storm->engine));
  CHECK_OK(dog_engine_define_gateway(storm->engine, &gateway));
  CHECK_OK(dog_engine_define_shard(storm->engine, &shard));
  CHECK_OK(dog_engine_route(storm->engine, "/room", "ROOM", "room"));
  CHECK_OK(dog_engine_listen(storm->engine, NULL, 0, &storm->address.port));
  CHECK_OK(dog_engine_start(storm->engine));
}

static dog_stats_t stats_of(const storm_t *storm) {
  dog_stats_t stats = {.size = sizeof stats};
  CHECK_OK(dog_engine_stats(storm->engine, &stats));
  return stats;
}

/* Everybody has gone: nobody is counted, and everything that was begun has ended. */
static void check_rest(storm_t *storm) {
  WAIT_UNTIL(stats_of(storm).connections == 0);
  WAIT_UNTIL(stats_of(storm).places == 0);
  WAIT_UNTIL(stats_of(storm).sockets == 0);
  WAIT_UNTIL(stats_of(storm).requests == 0);
  WAIT_UNTIL(storm->closes == storm->opens);
  uint64_t dropped = stats_of(storm).dropped;
  if (storm->plan.churners == 0) {
    CHECK_NUMBER(storm->dropped, dropped);
  } else {
    CHECK(storm->dropped <= dropped); /* one that leaves is not told about any more */
  }
  if (!storm_may_miss(storm)) CHECK_NUMBER(dropped, 0);
}

static pthread_t begin(void *(*run)(void *), void *user) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, user) == 0);
  return thread;
}

static void play(storm_t *storm) {
  const plan_t *plan = &storm->plan;
  pthread_t seats[SEATS_MAX], churners[CHURNERS_MAX], threads[THREADS_MAX];
  churner_t churner[CHURNERS_MAX];
  sending_thread_t sending[THREADS_MAX];
  storm->seat_count = plan->seats;
  for (uint32_t number = 0; number < plan->seats; number++) {
    storm->seats[number].storm = storm;
    storm->seats[number].number = number;
    seats[number] = begin(seat_live, &storm->seats[number]);
  }
  for (uint32_t number = 0; number < plan->churners; number++) {
    churner[number] = (churner_t){storm, number, 0};
    churners[number] = begin(churner_live, &churner[number]);
  }
  gate_wait(&storm->opened, plan->seats);
  storm->has_begun = 1;
  for (uint32_t number = 0; number < plan->threads; number++) {
    sending[number] = (sending_thread_t){storm, number};
    threads[number] = begin(host_send, &sending[number]);
  }
  gate_wait(&storm->spoken, plan->seats);
  for (uint32_t number = 0; number < plan->threads; number++) pthread_join(threads[number], NULL);
  storm->is_over = 1;
  gate_wait(&storm->opened, 2 * plan->seats);
  WAIT_UNTIL(storm->whispered == storm->whispers);
  storm->is_leaving = 1;
  for (uint32_t number = 0; number < plan->seats; number++) pthread_join(seats[number], NULL);
  for (uint32_t number = 0; number < plan->churners; number++) pthread_join(churners[number], NULL);
}

static void report(const storm_t *storm) {
  uint64_t received = 0, lost = 0;
  for (uint32_t seat = 0; seat < storm->seat_count; seat++) received += storm->seats[seat].ledger.received;
  for (uint32_t seat = 0; seat < storm->seat_count; seat++) lost += storm->seats[seat].dropped;
  printf("  %llu messages received, %llu dropped; %llu sockets\n", (unsigned long long)received,
         (unsigned long long)lost, (unsigned long long)storm->opens);
  fflush(stdout);
}

static void play_round(uint64_t seed) {
  alarm(180); /* SIGALRM ends the process: a round takes a second or two */
  storm_t *storm = calloc(1, sizeof *storm);
  CHECK(storm != NULL);
  storm->plan = plan_of(seed);
  pthread_mutex_init(&storm->opened.lock, NULL);
  pthread_cond_init(&storm->opened.changed, NULL);
  pthread_mutex_init(&storm->spoken.lock, NULL);
  pthread_cond_init(&storm->spoken.changed, NULL);
  plan_print(&storm->plan);
  int descriptors = count_descriptors();
  start(storm);
  pthread_t poller = pthread_self();
  if (storm->plan.delivery == DOG_DELIVERY_EVENTS) poller = begin(host_poll, storm);
  play(storm);
  check_rest(storm);
  report(storm);
  CHECK_OK(dog_engine_stop(storm->engine, 1000));
  if (storm->plan.delivery == DOG_DELIVERY_EVENTS) pthread_join(poller, NULL);
  CHECK_OK(dog_engine_destroy(storm->engine));
  CHECK_NUMBER(count_descriptors(), descriptors);
  free(storm);
}

/* The first loop of a process opens two descriptors, which stay. */
static void warm_up(void) {
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_OK(dog_engine_start(engine));
  CHECK_OK(dog_engine_destroy(engine));
}

int main(int argc, char **argv) {
  warm_up();
  uint64_t end = check_now_ms() + (argc > 1 ? strtoull(argv[1], NULL, 10) : 10) * 1000;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
  do {
    play_round(seed++);
  } while (check_now_ms() < end);
  return 0;
}
