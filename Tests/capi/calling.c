/*
 * calling.c - what a host has itself called for on a Shard's worker: dog_shard_post, dog_shard_after and
 * dog_timer_cancel; and the pointer of a Gateway. For a host that is called and for one that fetches its events.
 */
#include "events.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

/* ---- a host that is called --------------------------------------------------------------------------------------- */

/* What one call came to: `calls` is 1 exactly when it was called once. */
typedef struct outcome {
  atomic_int calls, status;
  uint64_t asked_ms, called_ms;
} outcome_t;

static void called(void *user, dog_shard_t shard, dog_status_t status) {
  outcome_t *outcome = user;
  outcome->called_ms = check_now_ms();
  atomic_store(&outcome->status, (int)status);
  const char *id = NULL;
  size_t length = 0;
  CHECK_OK(dog_shard_id(shard, &id, &length)); /* on its worker, and it is there still */
  atomic_fetch_add(&outcome->calls, 1);
}

#define CHECK_OUTCOME(outcome, wanted)                                                                                 \
  do {                                                                                                                 \
    WAIT_UNTIL(atomic_load(&(outcome)->calls) > 0);                                                                    \
    CHECK_NUMBER(atomic_load(&(outcome)->calls), 1);                                                                   \
    CHECK_STATUS((dog_status_t)atomic_load(&(outcome)->status), wanted);                                               \
  } while (0)

static _Atomic dog_shard_t the_shard;
static atomic_int stops;
static outcome_t within_onstop;

static dog_status_t onstart_kept(void *user, dog_shard_t shard) {
  (void)user;
  atomic_store(&the_shard, shard);
  return DOG_OK;
}

static void onstop_counted(void *user, dog_shard_t shard) {
  (void)user;
  CHECK_STATUS(dog_shard_post(shard, called, &within_onstop), DOG_ESTALE);
  CHECK_STATUS(dog_shard_after(shard, 0, called, &within_onstop, NULL), DOG_ESTALE);
  atomic_fetch_add(&stops, 1);
}

static void app_init_calling(app_t *app) {
  app_init(app);
  app->shard.onstart = onstart_kept;
  app->shard.onstop = onstop_counted;
}

static void what_is_posted_is_called_on_the_shards_worker(void) {
  app_t app;
  app_init_calling(&app);
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  enum { POSTS = 1000 };
  static outcome_t outcomes[POSTS];
  for (int index = 0; index < POSTS; index++) CHECK_OK(dog_shard_post(the_shard, called, &outcomes[index]));
  for (int index = 0; index < POSTS; index++) CHECK_OUTCOME(&outcomes[index], DOG_OK);
  app_end(&app);
  CHECK_NUMBER(stops, 1);
  CHECK_NUMBER(within_onstop.calls, 0);
  CHECK_STATUS(dog_shard_post(the_shard, called, &outcomes[0]), DOG_ESTALE);
}

/* Posts, and what is sent by the same handle, come in the order of the calls. */
static void emit_number(void *user, dog_shard_t shard, dog_status_t status) {
  CHECK_OK(status);
  CHECK_OK(dog_shard_emit(shard, DOG_TEXT, user, strlen(user)));
}

static void a_post_keeps_its_place_among_what_is_sent(void) {
  app_t app;
  app_init_calling(&app);
  app_start(&app);
  client_t *client = ws_open(app.port, "/den/ws");
  for (int round = 0; round < 50; round++) {
    CHECK_OK(dog_shard_emit(the_shard, DOG_TEXT, "1", 1));
    CHECK_OK(dog_shard_post(the_shard, emit_number, "2"));
    CHECK_OK(dog_shard_emit(the_shard, DOG_TEXT, "3", 1));
  }
  for (int round = 0; round < 50; round++) {
    WS_EXPECT(client, "1");
    WS_EXPECT(client, "2");
    WS_EXPECT(client, "3");
  }
  ws_close(client);
  app_end(&app);
}

static void a_delay_is_never_cut_short(void) {
  app_t app;
  app_init_calling(&app);
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  static const uint32_t delays[] = {0, 1, 63, 64, 65, 130, 300};
  enum { DELAYS = sizeof delays / sizeof delays[0] };
  static outcome_t outcomes[DELAYS];
  dog_timer_t timers[DELAYS];
  for (int index = 0; index < DELAYS; index++) {
    outcomes[index].asked_ms = check_now_ms();
    CHECK_OK(dog_shard_after(the_shard, delays[index], called, &outcomes[index], &timers[index]));
    CHECK(timers[index] != 0);
  }
  for (int index = 0; index < DELAYS; index++) {
    CHECK_OUTCOME(&outcomes[index], DOG_OK);
    CHECK(outcomes[index].called_ms + 1 >= outcomes[index].asked_ms + delays[index]);
    CHECK_STATUS(dog_timer_cancel(timers[index]), DOG_ESTALE);
  }
  app_end(&app);
}

static void what_is_cancelled_is_called_at_once_and_never_again(void) {
  app_t app;
  app_init_calling(&app);
  app.options.timers_max = 3;
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  /* Many more than there may be at a time: each gives its place back. */
  for (int round = 0; round < 300; round++) {
    outcome_t outcomes[3] = {{0}};
    dog_timer_t timers[3];
    for (int index = 0; index < 3; index++) {
      CHECK_OK(dog_shard_after(the_shard, 86400000, called, &outcomes[index], &timers[index]));
    }
    CHECK_STATUS(dog_shard_after(the_shard, 1, called, &outcomes[0], NULL), DOG_EFULL);
    for (int index = 0; index < 3; index++) {
      CHECK_OK(dog_timer_cancel(timers[index]));
      CHECK_STATUS(dog_timer_cancel(timers[index]), DOG_ESTALE);
    }
    for (int index = 0; index < 3; index++) CHECK_OUTCOME(&outcomes[index], DOG_ECANCELLED);
  }
  app_end(&app);
}

/* A timer's handle may go into what its call frees: so it is there before the call can come. Whoever writes it here is
 * held up for as long as a call would take that could. */
static dog_timer_t *guarded;
static outcome_t guarded_outcome;
static atomic_int guarded_writes, called_before_written;

static void hold_up_who_writes(int signal_number, siginfo_t *info, void *context) {
  (void)signal_number, (void)context;
  if (info->si_addr != (void *)guarded) _exit(2);
  atomic_fetch_add(&guarded_writes, 1);
  const struct timespec pause = {0, 1000000};
  for (int round = 0; round < 300 && atomic_load(&guarded_outcome.calls) == 0; round++) nanosleep(&pause, NULL);
  atomic_store(&called_before_written, atomic_load(&guarded_outcome.calls));
  if (mprotect(guarded, 4096, PROT_READ | PROT_WRITE) != 0) _exit(2);
}

static void a_timer_has_its_handle_before_it_is_called(void) {
  app_t app;
  app_init_calling(&app);
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  guarded = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(guarded != MAP_FAILED);
  struct sigaction action = {.sa_sigaction = hold_up_who_writes, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
  CHECK_OK(dog_shard_after(the_shard, 0, called, &guarded_outcome, guarded));
  CHECK_NUMBER(guarded_writes, 1);
  CHECK_NUMBER(called_before_written, 0);
  CHECK_OUTCOME(&guarded_outcome, DOG_OK);
  CHECK_STATUS(dog_timer_cancel(*guarded), DOG_ESTALE);
  app_end(&app);
}

static void what_waits_when_its_shard_ends_is_told_before_its_onstop(void) {
  app_t app;
  app_init_calling(&app);
  app.gateway.idle_seconds = 1;
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  enum { CALLS = 100 };
  static outcome_t outcomes[CALLS];
  for (int index = 0; index < CALLS; index++) {
    CHECK_OK(dog_shard_after(the_shard, 3600000, called, &outcomes[index], NULL));
  }
  WAIT_UNTIL(stops == 1); /* `called` has found the Shard there */
  for (int index = 0; index < CALLS; index++) CHECK_OUTCOME(&outcomes[index], DOG_EGONE);

  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  static outcome_t at_the_stop;
  CHECK_OK(dog_shard_after(the_shard, 3600000, called, &at_the_stop, NULL));
  app_end(&app);
  CHECK_OUTCOME(&at_the_stop, DOG_EGONE);
  CHECK_NUMBER(stops, 2);
}

/* Every thread posts, puts off and cancels what it can, while the engine stops under it: each call that was taken is
 * called once. */
static atomic_long taken, told;

static void count_told(void *user, dog_shard_t shard, dog_status_t status) {
  (void)shard, (void)status;
  free(user);
  atomic_fetch_add(&told, 1);
}

static void *call_until_it_ends(void *argument) {
  dice_t dice = {(uint64_t)(uintptr_t)argument};
  for (;;) {
    void *user = malloc(1);
    dog_timer_t timer = 0;
    dog_status_t status = dice_next(&dice) % 2 == 0
                              ? dog_shard_post(the_shard, count_told, user)
                              : dog_shard_after(the_shard, dice_next(&dice) % 100, count_told, user, &timer);
    if (status != DOG_OK) {
      free(user);
      if (status == DOG_ESTALE) return NULL;
      CHECK_STATUS(status, DOG_EFULL);
      continue;
    }
    atomic_fetch_add(&taken, 1);
    if (timer != 0 && dice_next(&dice) % 2 == 0) CHECK_EITHER(dog_timer_cancel(timer), DOG_OK, DOG_ESTALE);
  }
}

static void every_call_is_called_once_whatever_ends_meanwhile(void) {
  for (int round = 0; round < 15; round++) {
    app_t app;
    app_init_calling(&app);
    app.options.mailbox_bytes_max = 65536;
    app.options.timers_max = 50;
    app_start(&app);
    CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
    pthread_t threads[3];
    for (uintptr_t index = 0; index < 3; index++) {
      CHECK(pthread_create(&threads[index], NULL, call_until_it_ends, (void *)(index + 3 * (uintptr_t)round)) == 0);
    }
    WAIT_UNTIL(atomic_load(&told) > 100 * (round + 1));
    CHECK_OK(dog_engine_stop(app.engine, 0));
    for (int index = 0; index < 3; index++) pthread_join(threads[index], NULL);
    CHECK_NUMBER(atomic_load(&told), atomic_load(&taken));
    CHECK_OK(dog_engine_destroy(app.engine));
  }
}

/* A chain: each call asks for the next, from its own worker. */
static atomic_int links;

static void next_link(void *user, dog_shard_t shard, dog_status_t status) {
  if (status != DOG_OK) return;
  int link = atomic_fetch_add(&links, 1);
  if (link % 2 == 0) CHECK_OK(dog_shard_post(shard, next_link, user));
  if (link % 2 == 1) CHECK_OK(dog_shard_after(shard, 0, next_link, user, NULL));
}

static void a_call_may_ask_for_the_next_and_keeps_nobody_else_waiting(void) {
  app_t app;
  app_init_calling(&app);
  app.options.workers = 1;
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  CHECK_OK(dog_shard_post(the_shard, next_link, NULL));
  WAIT_UNTIL(links > 5);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  app_end(&app);
}

static void what_is_no_call_is_refused(void) {
  app_t app;
  app_init_calling(&app);
  app_start(&app);
  CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  outcome_t outcome = {0};
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_gateway_find(app.engine, "ROOM", 4, "den", 3, &gateway));
  CHECK_STATUS(dog_shard_post(the_shard, NULL, &outcome), DOG_EINVAL);
  CHECK_STATUS(dog_shard_after(the_shard, 1, NULL, &outcome, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_shard_after(the_shard, 86400001, called, &outcome, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_shard_post(gateway, called, &outcome), DOG_EKIND);
  CHECK_STATUS(dog_timer_cancel(the_shard), DOG_EKIND);
  CHECK_STATUS(dog_timer_cancel(0), DOG_ESTALE);
  dog_timer_t timer = 0;
  CHECK_OK(dog_shard_after(the_shard, 86400000, called, &outcome, &timer));
  CHECK_STATUS(dog_timer_cancel(timer + 1), DOG_ESTALE);
  CHECK_STATUS(dog_shard_post(timer, called, &outcome), DOG_EKIND);
  CHECK_OK(dog_timer_cancel(timer));
  CHECK_OUTCOME(&outcome, DOG_ECANCELLED);
  app_end(&app);
}

/* ---- a Gateway's pointer ----------------------------------------------------------------------------------------- */

static atomic_int retired;

static dog_status_t identify_with_data(void *user, dog_gateway_t gateway, dog_request_t request) {
  int *count = NULL;
  CHECK_OK(dog_gateway_data(gateway, (void **)&count));
  if (count == NULL) {
    count = calloc(1, sizeof *count);
    CHECK_OK(dog_gateway_set_data(gateway, count));
  }
  (*count)++;
  return app_identify(user, gateway, request);
}

static void retire_with_data(void *user, dog_gateway_t gateway) {
  (void)user;
  int *count = NULL;
  CHECK_OK(dog_gateway_data(gateway, (void **)&count));
  CHECK(count != NULL && *count == 3);
  free(count);
  atomic_fetch_add(&retired, 1);
}

static void a_gateway_has_a_pointer_of_the_hosts_until_it_has_retired(void) {
  app_t app;
  app_init(&app);
  app.gateway.identify = identify_with_data;
  app.gateway.onretire = retire_with_data;
  app_start(&app);
  for (int round = 0; round < 3; round++) CHECK_NUMBER(http_get(app.port, "/den", NULL), 200);
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_gateway_find(app.engine, "ROOM", 4, "den", 3, &gateway));
  void *data = NULL;
  CHECK_STATUS(dog_gateway_data(gateway, &data), DOG_ETHREAD);
  CHECK_STATUS(dog_gateway_set_data(gateway, &data), DOG_ETHREAD);
  app_end(&app);
  CHECK_NUMBER(retired, 1);
  CHECK_STATUS(dog_gateway_data(gateway, &data), DOG_ESTALE);
}

/* ---- a host that fetches its events ------------------------------------------------------------------------------ */

static dog_shard_t host_shard(host_t *host) {
  client_t *client = client_connect(host->app.port);
  client_ask(client, "GET", "/den?u=ann");
  host_handle(host_reach(host, DOG_EVENT_RECEIVE));
  dog_shard_t shard = host->event.shard;
  response_t response;
  client_read_response(client, &response, 1);
  client_free(client);
  return shard;
}

static void calls_come_as_events_with_their_user(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  dog_shard_t shard = host_shard(&host);
  int posted = 0, put_off = 0, cancelled = 0, gone = 0;
  outcome_t outcome;
  CHECK_STATUS(dog_shard_post(shard, called, &outcome), DOG_EINVAL);
  CHECK_STATUS(dog_shard_after(shard, 1, called, &outcome, NULL), DOG_EINVAL);

  CHECK_OK(dog_shard_post(shard, NULL, &posted));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_CALL);
  CHECK(event->user == &posted && event->shard == shard);
  CHECK_OK(event->status);

  dog_timer_t timer = 0;
  CHECK_OK(dog_shard_after(shard, 86400000, NULL, &cancelled, &timer));
  CHECK_OK(dog_shard_after(shard, 1, NULL, &put_off, NULL));
  event = host_expect(&host, DOG_EVENT_CALL);
  CHECK(event->user == &put_off);
  CHECK_OK(event->status);
  CHECK_OK(dog_timer_cancel(timer));
  event = host_expect(&host, DOG_EVENT_CALL);
  CHECK(event->user == &cancelled);
  CHECK_STATUS(event->status, DOG_ECANCELLED);

  CHECK_OK(dog_shard_after(shard, 86400000, NULL, &gone, NULL));
  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  event = host_expect(&host, DOG_EVENT_CALL);
  CHECK(event->user == &gone);
  CHECK_STATUS(event->status, DOG_EGONE);
  CHECK(host_expect(&host, DOG_EVENT_STOP)->shard == shard);
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static void calls_come_before_a_shard_has_started(void) {
  host_t host;
  host_init(&host);
  host.app.shard.start_later = 1;
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  dog_shard_t shard = host_reach(&host, DOG_EVENT_START)->shard;
  int loaded = 0;
  CHECK_OK(dog_shard_after(shard, 1, NULL, &loaded, NULL));
  CHECK(host_expect(&host, DOG_EVENT_CALL)->user == &loaded);
  CHECK_OK(dog_shard_started(shard, DOG_OK));
  host_handle(host_expect(&host, DOG_EVENT_RECEIVE));
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(client);
  host_end(&host);
}

static void a_gateways_pointer_is_read_by_the_thread_that_polls(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = client_connect(host.app.port);
  client_ask(client, "GET", "/den?u=ann");
  const dog_event_t *event = host_expect(&host, DOG_EVENT_IDENTIFY);
  dog_gateway_t gateway = event->gateway;
  void *data = &host;
  CHECK_OK(dog_gateway_data(gateway, &data));
  CHECK(data == NULL);
  CHECK_OK(dog_gateway_set_data(gateway, &host.gateway_user));
  host_handle(event);
  host_handle(host_reach(&host, DOG_EVENT_RECEIVE));
  client_ask(client, "GET", "/den?u=bob");
  event = host_expect(&host, DOG_EVENT_IDENTIFY);
  CHECK_OK(dog_gateway_data(event->gateway, &data));
  CHECK(data == &host.gateway_user);
  host_handle(event);
  host_handle(host_reach(&host, DOG_EVENT_RECEIVE));
  client_free(client);
  CHECK_OK(dog_engine_stop(host.app.engine, 300));
  host_reach(&host, DOG_EVENT_RETIRE);
  CHECK_OK(dog_gateway_data(gateway, &data));
  CHECK(data == &host.gateway_user);
  host_drain(&host);
  CHECK_STATUS(dog_gateway_data(gateway, &data), DOG_ESTALE);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

#define ROW(name) {#name, name}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(what_is_posted_is_called_on_the_shards_worker),
      ROW(a_post_keeps_its_place_among_what_is_sent),
      ROW(a_delay_is_never_cut_short),
      ROW(what_is_cancelled_is_called_at_once_and_never_again),
      ROW(a_timer_has_its_handle_before_it_is_called),
      ROW(what_waits_when_its_shard_ends_is_told_before_its_onstop),
      ROW(every_call_is_called_once_whatever_ends_meanwhile),
      ROW(a_call_may_ask_for_the_next_and_keeps_nobody_else_waiting),
      ROW(what_is_no_call_is_refused),
      ROW(a_gateway_has_a_pointer_of_the_hosts_until_it_has_retired),
      ROW(calls_come_as_events_with_their_user),
      ROW(calls_come_before_a_shard_has_started),
      ROW(a_gateways_pointer_is_read_by_the_thread_that_polls),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
