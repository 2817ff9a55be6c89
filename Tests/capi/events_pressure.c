/*
 * events_pressure.c - a host that does not fetch its events, or not fast enough: clients are slowed down, nothing is
 * lost and little is kept; deadlines, stop and destruction do not wait for it. And the descriptor that tells it when to
 * fetch again.
 */
#include "events.h"
#include "tls.h"

#include <dirent.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>

/* ---- more than fits ---------------------------------------------------------------------------------------------- */

/* What one worker may put in beyond a limit: what it had read already when it heard that the queue is full. */
#define SLACK_BYTES (1 << 20)

typedef struct pressure {
  uint32_t workers;
  uint32_t events_max;
  uint32_t event_bytes_max;
  int senders;
  int messages; /* of each */
  size_t length;
  size_t capacity; /* of a poll */
  int is_tls;
  int has_pings;
} pressure_t;

typedef struct sender {
  pthread_t thread;
  const pressure_t *pressure;
  client_t *client;
  int number;
  dog_socket_t socket;
  _Atomic int sent;
  int arrived;
} sender_t;

/* "<sender> <number>", and dots up to its length. */
static void write_message(char *text, size_t length, int sender, int number) {
  char head[32];
  int head_length = snprintf(head, sizeof head, "%d %d ", sender, number);
  memset(text, '.', length);
  memcpy(text, head, (size_t)head_length < length ? (size_t)head_length : length);
}

/* Says all it has to say, then reads to the end of the connection, which answers pings too, and closes its side. */
static void *send_all(void *argument) {
  sender_t *sender = argument;
  char *text = malloc(sender->pressure->length);
  for (int index = 0; index < sender->pressure->messages; index++) {
    write_message(text, sender->pressure->length, sender->number, index);
    ws_send(sender->client, WS_TEXT, text, sender->pressure->length);
    sender->sent++;
  }
  free(text);
  ws_await_close(sender->client);
  client_free(sender->client);
  return NULL;
}

static int count_sent(sender_t *senders, int count) {
  int sent = 0;
  for (int index = 0; index < count; index++) sent += senders[index].sent;
  return sent;
}

static void start_listening(host_t *host, tls_t *tls) {
  app_t *app = &host->app;
  CHECK_OK(dog_engine_create(&app->options, &app->engine));
  dog_listen_options_t listening;
  CHECK_OK(dog_listen_options_init(&listening, sizeof listening));
  dog_certificate_t certificate = {tls->certificate, tls->key};
  listening.certificates = &certificate;
  listening.certificate_count = 1;
  CHECK_OK(dog_engine_listen_with(app->engine, &listening, &app->port));
  CHECK_OK(dog_engine_define_gateway(app->engine, &app->gateway));
  CHECK_OK(dog_engine_define_shard(app->engine, &app->shard));
  CHECK_OK(dog_engine_route(app->engine, "/:room", "ROOM", NULL));
  CHECK_OK(dog_engine_start(app->engine));
}

/* Takes messages until all have come, each sender's in order, and nothing else. */
static void take_all(host_t *host, const pressure_t *pressure, sender_t *senders) {
  dog_event_t *events = calloc(pressure->capacity, sizeof *events);
  char *text = malloc(pressure->length);
  for (int left = pressure->senders * pressure->messages; left > 0;) {
    size_t count = 0;
    CHECK_OK(dog_engine_poll(host->app.engine, events, pressure->capacity, -1, &count));
    for (size_t index = 0; index < count; index++) {
      event_check(host, &events[index]);
      if (events[index].type != DOG_EVENT_MESSAGE) FAIL("%s comes", event_name(events[index].type));
      int number = 0;
      while (number < pressure->senders && senders[number].socket != events[index].socket) number++;
      CHECK(number < pressure->senders);
      write_message(text, pressure->length, number, senders[number].arrived++);
      CHECK_NUMBER(events[index].length, pressure->length);
      if (memcmp(events[index].data, text, pressure->length) != 0) {
        FAIL("\"%.20s\" comes, not \"%.20s\"", (const char *)events[index].data, text);
      }
      left--;
    }
  }
  free(text);
  free(events);
}

static void press(const pressure_t *pressure) {
  host_t host;
  host_init(&host);
  host.app.options.workers = pressure->workers;
  host.app.options.events_max = pressure->events_max;
  host.app.options.event_bytes_max = pressure->event_bytes_max;
  host.app.gateway.limit = 1; /* a Shard each, over all workers */
  if (pressure->has_pings) {
    host.app.options.ping_interval_ms = 300;
    host.app.options.ping_timeout_ms = 1000;
  }
  tls_t tls;
  if (pressure->is_tls) {
    tls_make(&tls);
    start_listening(&host, &tls);
  } else {
    host_start(&host);
  }
  sender_t *senders = calloc((size_t)pressure->senders, sizeof *senders);
  for (int index = 0; index < pressure->senders; index++) {
    sender_t *sender = &senders[index];
    sender->pressure = pressure;
    sender->number = index;
    sender->client = pressure->is_tls ? tls_connect(host.app.port) : client_connect(host.app.port);
    host_upgrade(&host, sender->client, "/den/ws?u=ann");
    sender->socket = host.event.socket;
  }
  for (int index = 0; index < pressure->senders; index++) {
    CHECK(pthread_create(&senders[index].thread, NULL, send_all, &senders[index]) == 0);
  }

  /* They come to a stand. */
  int sent = 0;
  do {
    sent = count_sent(senders, pressure->senders);
    pause_ms(200);
  } while (sent == 0 || sent != count_sent(senders, pressure->senders));
  CHECK(sent < pressure->senders * pressure->messages);
  if (pressure->has_pings) pause_ms(2000);
  dog_stats_t stats = app_stats(&host.app);
  CHECK_NUMBER(stats.events, stats.messages_in);
  CHECK(stats.events >= pressure->events_max || stats.events * pressure->length >= pressure->event_bytes_max);
  uint64_t slack = (uint64_t)pressure->workers * SLACK_BYTES;
  CHECK(stats.events * pressure->length <= pressure->event_bytes_max + slack);
  CHECK(stats.events <= pressure->events_max + slack / pressure->length);
  CHECK_NUMBER(stats.sockets, pressure->senders);

  take_all(&host, pressure, senders);
  CHECK_NUMBER(app_stats(&host.app).sockets, pressure->senders);
  CHECK_OK(dog_engine_stop(host.app.engine, 10000));
  for (int index = 0; index < pressure->senders; index++) {
    CHECK_NUMBER(host_reach(&host, DOG_EVENT_CLOSE)->clean, 1);
  }
  host_drain(&host);
  for (int index = 0; index < pressure->senders; index++) CHECK(pthread_join(senders[index].thread, NULL) == 0);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  if (pressure->is_tls) tls_remove(&tls);
  free(senders);
}

/* A connection's buffers in the kernel hold some megabytes. */
static const pressure_t many_bytes = {
    .workers = 1, .events_max = 16777216, .event_bytes_max = 1 << 20, .senders = 2, .messages = 16000, .length = 1500,
    .capacity = 100};
static const pressure_t many_events = {
    .workers = 1, .events_max = 500, .event_bytes_max = 1 << 30, .senders = 2, .messages = 60000, .length = 400,
    .capacity = 1000};

static void bytes_press_on_one_worker(void) { press(&many_bytes); }
static void events_press_on_one_worker(void) { press(&many_events); }

static void bytes_press_on_several_workers(void) {
  pressure_t pressure = many_bytes;
  pressure.workers = 3;
  pressure.senders = 4;
  press(&pressure);
}

static void events_press_on_several_workers_and_are_taken_one_by_one(void) {
  pressure_t pressure = many_events;
  pressure.workers = 3;
  pressure.events_max = 1;
  pressure.capacity = 1;
  press(&pressure);
}

static void bytes_press_over_tls(void) {
  pressure_t pressure = many_bytes;
  pressure.is_tls = 1;
  press(&pressure);
}

static void bytes_press_over_tls_on_several_workers(void) {
  pressure_t pressure = many_bytes;
  pressure.workers = 3;
  pressure.senders = 3;
  pressure.is_tls = 1;
  press(&pressure);
}

static void large_messages_press(void) {
  pressure_t pressure = many_bytes;
  pressure.messages = 60;
  pressure.length = 700000; /* each nearly as large as the queue */
  press(&pressure);
}

static void who_is_not_read_from_is_not_silent(void) {
  pressure_t pressure = many_bytes;
  pressure.has_pings = 1;
  press(&pressure);
}

static void who_is_not_read_from_over_tls_is_not_silent(void) {
  pressure_t pressure = many_bytes;
  pressure.workers = 3;
  pressure.is_tls = 1;
  pressure.has_pings = 1;
  press(&pressure);
}

static void reading_goes_on_when_half_is_taken(void) {
  enum { MAX = 1000, MESSAGES = 2000, LENGTH = 20000 };
  host_t host;
  host_init(&host);
  host.app.options.events_max = MAX;
  host.app.options.event_bytes_max = 1 << 30;
  host_start(&host);
  pressure_t pressure = {.messages = MESSAGES, .length = LENGTH};
  sender_t sender = {.pressure = &pressure, .client = host_open(&host, "/den/ws?u=ann")};
  CHECK(pthread_create(&sender.thread, NULL, send_all, &sender) == 0);
  WAIT_UNTIL(host_waiting(&host) >= MAX);
  pause_ms(100); /* what was read already is put in */
  uint64_t in = app_stats(&host.app).messages_in;
  int left = MESSAGES;
  for (; host_waiting(&host) > MAX / 2 + 1; left--) host_expect(&host, DOG_EVENT_MESSAGE);
  pause_ms(100);
  CHECK_NUMBER(app_stats(&host.app).messages_in, in);
  host_expect(&host, DOG_EVENT_MESSAGE);
  WAIT_UNTIL(app_stats(&host.app).messages_in > in);
  while (--left > 0) host_expect(&host, DOG_EVENT_MESSAGE);
  CHECK_OK(dog_engine_stop(host.app.engine, 10000));
  host_drain(&host);
  CHECK(pthread_join(sender.thread, NULL) == 0);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

/* ---- others meanwhile -------------------------------------------------------------------------------------------- */

static void *answer_pings(void *argument) {
  ws_await_close(argument);
  client_free(argument);
  return NULL;
}

/* One client fills the queue; what others do then is told when there is room again, and none has missed a deadline. */
static void the_others_wait_and_their_deadlines_too(void) {
  host_t host;
  host_init(&host);
  host.app.options.workers = 1;
  host.app.options.events_max = 20;
  host.app.options.ping_interval_ms = 300;
  host.app.options.ping_timeout_ms = 1000;
  host.app.options.header_timeout_ms = 1000;
  host.app.options.body_timeout_ms = 1000;
  host.app.options.keepalive_timeout_ms = 1000;
  host_start(&host);
  client_t *quiet = host_open(&host, "/den/ws?u=quiet");
  dog_socket_t quiet_socket = host.event.socket;
  client_t *leaver = host_open(&host, "/den/ws?u=leaver");
  dog_socket_t leaver_socket = host.event.socket;
  client_t *loud = host_open(&host, "/den/ws?u=loud");
  pthread_t answering[2];
  CHECK(pthread_create(&answering[0], NULL, answer_pings, quiet) == 0);
  CHECK(pthread_create(&answering[1], NULL, answer_pings, loud) == 0);
  client_t *slow = client_connect(host.app.port);
  client_say(slow, "POST /den?u=slow HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n\r\n");
  for (int index = 0; index < 20; index++) ws_say(loud, "loud");
  WAIT_UNTIL(host_waiting(&host) >= 20);

  ws_say(leaver, "good-bye");
  ws_send(leaver, WS_CLOSE, "\x03\xe8", 2);
  client_t *asker = client_connect(host.app.port);
  client_ask(asker, "GET", "/den?u=asker");
  client_say(slow, "half");
  /* All of these deadlines pass by. */
  pause_ms(2000);
  CHECK_NUMBER(app_stats(&host.app).sockets, 3);
  CHECK_NUMBER(app_stats(&host.app).refused, 0);
  client_say(slow, "half");

  int said = 0, has_said = 0, has_left = 0, asked = 0;
  while (said < 20 || !has_left || asked < 2) {
    const dog_event_t *event = host_next(&host);
    switch (event->type) {
      case DOG_EVENT_MESSAGE:
        if (event->socket == leaver_socket) {
          CHECK_DATA(event, "good-bye");
          CHECK(!has_said);
          has_said = 1;
        } else {
          CHECK_DATA(event, "loud");
          said++;
        }
        break;
      case DOG_EVENT_CLOSE:
        CHECK(event->socket == leaver_socket && has_said);
        CHECK_NUMBER(event->code, 1000);
        has_left = 1;
        break;
      case DOG_EVENT_RECEIVE: asked++; host_receive(event); break;
      case DOG_EVENT_IDENTIFY: host_identify(event); break;
      default: FAIL("%s comes", event_name(event->type));
    }
  }
  response_t response;
  client_read_response(asker, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_read_response(slow, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(leaver);
  client_free(asker);
  client_free(slow);
  CHECK_OK(dog_socket_close(quiet_socket, 4000, NULL, 0));
  const dog_event_t *event = host_expect(&host, DOG_EVENT_CLOSE);
  CHECK(event->socket == quiet_socket);
  CHECK_NUMBER(event->code, 4000);
  host_end(&host);
  for (int index = 0; index < 2; index++) CHECK(pthread_join(answering[index], NULL) == 0);
}

/* With room in the queue a deadline is one as ever. */
static void who_does_not_answer_pings_is_dropped(void) {
  host_t host;
  host_init(&host);
  host.app.options.ping_interval_ms = 30;
  host.app.options.ping_timeout_ms = 30;
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  CHECK_STATUS(host_expect(&host, DOG_EVENT_ERROR)->status, DOG_ETIMEDOUT);
  CHECK_NUMBER(host_expect(&host, DOG_EVENT_CLOSE)->code, 1006);
  client_free(client);
  host_end(&host);
}

static void a_queue_of_one_event_serves_everybody(void) {
  host_t host;
  host_init(&host);
  host.app.options.events_max = 1;
  host.app.options.event_bytes_max = 1024;
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  for (int round = 0; round < 200; round++) {
    client_t *asker = client_connect(host.app.port);
    client_ask(asker, "GET", "/den?u=bob");
    host_handle(host_reach(&host, DOG_EVENT_RECEIVE));
    response_t response;
    client_read_response(asker, &response, 1);
    CHECK_NUMBER(response.status, 200);
    client_free(asker);
    ws_say(client, "hello");
    CHECK_DATA(host_expect(&host, DOG_EVENT_MESSAGE), "hello");
  }
  client_free(client);
  host_end(&host);
}

static void an_event_larger_than_the_queue_passes(void) {
  host_t host;
  host_init(&host);
  host.app.options.event_bytes_max = 1024;
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  char *large = malloc(1000000);
  memset(large, 'x', 1000000);
  for (int round = 0; round < 3; round++) {
    ws_send(client, WS_TEXT, large, 1000000);
    const dog_event_t *event = host_expect(&host, DOG_EVENT_MESSAGE);
    CHECK(event->length == 1000000 && memcmp(event->data, large, event->length) == 0);
  }
  free(large);
  client_free(client);
  host_end(&host);
}

/* ---- deadlines --------------------------------------------------------------------------------------------------- */

static void who_is_not_answered_in_time_is_told(void) {
  host_t host;
  host_init(&host);
  host.app.options.identify_timeout_ms = 50;
  host.app.options.receive_timeout_ms = 50;
  host.app.gateway.clusterize_events = 1;
  host_start(&host);
  /* Nobody polls. */
  CHECK_NUMBER(http_get(host.app.port, "/den?u=ann", NULL), 503);
  WAIT_UNTIL(app_stats(&host.app).places == 0 && app_stats(&host.app).requests == 0);
  host_expect(&host, DOG_EVENT_RETIRE); /* what it was asked is over, and there is nothing left to ask it */
  host_expect_nothing(&host);

  /* Polls, and says nothing: to each question in turn. */
  static const dog_event_type_t questions[] = {DOG_EVENT_IDENTIFY, DOG_EVENT_CLUSTERIZE, DOG_EVENT_RECEIVE};
  for (int index = 0; index < 3; index++) {
    client_t *client = client_connect(host.app.port);
    client_ask(client, "GET", "/den?u=ann");
    const dog_event_t *event = host_next(&host);
    for (; event->type != questions[index]; event = host_next(&host)) {
      if (event->type == DOG_EVENT_CLUSTERIZE) CHECK_OK(dog_request_clusterize(event->request, "a", 1));
      host_handle(event);
    }
    dog_request_t request = event->request;
    response_t response;
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 503);
    CHECK(response_header(&response, "retry-after") != NULL);
    client_free(client);
    WAIT_UNTIL(app_stats(&host.app).places == 0 && app_stats(&host.app).requests == 0);
    CHECK_STATUS(app_respond(request, 200, "too late"), DOG_ESTALE);
  }
  host_end(&host);
}

static void gossip_that_is_not_fetched_times_out(void) {
  host_t host;
  host_init(&host);
  host.app.gateway.limit = 1;
  host.app.shard.gossip_events = 1;
  host_start(&host);
  client_t *ann = host_open(&host, "/den/ws?u=ann");
  dog_shard_t asking = host.event.shard;
  client_t *bob = host_open(&host, "/den/ws?u=bob");
  int mark = 0;
  CHECK_OK(dog_shard_gossip(asking, "who?", 4, 50, NULL, &mark));
  WAIT_UNTIL(host_waiting(&host) == 2); /* the question and its outcome */
  const dog_event_t *event = host_reach(&host, DOG_EVENT_GOSSIPED); /* bob's worker may not have heard of it yet */
  CHECK(event->user == &mark);
  CHECK_NUMBER(event->count, 1);
  CHECK_STATUS(event->results[0].status, DOG_ETIMEDOUT);
  host_expect_nothing(&host);
  client_free(ann);
  client_free(bob);
  host_end(&host);
}

/* ---- stop and destroy -------------------------------------------------------------------------------------------- */

static void a_stop_leaves_what_waits_to_be_fetched(void) {
  host_t host;
  host_init(&host);
  host_start(&host);
  client_t *client = host_open(&host, "/den/ws?u=ann");
  char text[16];
  for (int index = 0; index < 1000; index++) {
    snprintf(text, sizeof text, "%d", index);
    ws_say(client, text);
  }
  WAIT_UNTIL(host_waiting(&host) == 1000);
  client_t *asker = client_connect(host.app.port);
  client_ask(asker, "GET", "/den?u=bob");
  WAIT_UNTIL(host_waiting(&host) == 1001);
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  app_wait_until_empty(&host.app);
  for (int index = 0; index < 1000; index++) {
    snprintf(text, sizeof text, "%d", index);
    CHECK_DATA(host_expect(&host, DOG_EVENT_MESSAGE), text);
  }
  /* The question has found its end with the engine's, and is none any more. */
  host_expect(&host, DOG_EVENT_CLOSE);
  host_expect(&host, DOG_EVENT_STOP);
  host_expect(&host, DOG_EVENT_RETIRE);
  host_expect(&host, DOG_EVENT_STOPPED);
  CHECK_OK(dog_engine_destroy(host.app.engine));
  client_free(client);
  client_free(asker);
}

static void a_stop_does_not_wait_for_a_host_that_does_not_fetch(void) {
  host_t host;
  host_init(&host);
  host.app.options.workers = 3;
  host.app.options.events_max = 10;
  host.app.gateway.limit = 1;
  host_start(&host);
  client_t *clients[6];
  for (int index = 0; index < 6; index++) {
    clients[index] = host_open(&host, "/den/ws?u=ann");
    for (int said = 0; said < 20; said++) ws_say(clients[index], "x");
  }
  WAIT_UNTIL(host_waiting(&host) >= 10);
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  WAIT_UNTIL(app_stats(&host.app).connections == 0);
  for (int index = 0; index < 6; index++) {
    client_drain(clients[index]); /* closed or reset, whichever was sooner */
    client_free(clients[index]);
  }
  int closed = 0;
  while (closed < 6) {
    host_reach(&host, DOG_EVENT_CLOSE);
    closed++;
  }
  host_drain(&host);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

static int count_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  CHECK(directory != NULL);
  int count = 0;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

/* Events of many types that nobody fetches: what they hold is let go. AddressSanitizer counts the memory. */
static void a_destruction_lets_go_of_what_waits(void) {
  int before = 0;
  for (int round = 0; round < 8; round++) {
    if (round == 1) before = count_descriptors(); /* what the library opens once is open by then */
    host_t host;
    host_init(&host);
    host.app.options.log = NULL;
    host.app.options.log_level = DOG_LOG_DEBUG;
    host.app.options.events_max = round % 2 == 0 ? 65536 : 10;
    host.app.gateway.limit = 1;
    host.app.shard.gossip_events = 1;
    host_start(&host);
    client_t *ann = host_open(&host, "/den/ws?u=ann");
    dog_shard_t asking = host.event.shard;
    client_t *bob = host_open(&host, "/den/ws?u=bob");
    CHECK_OK(dog_shard_gossip(asking, "who?", 4, 1, NULL, &host));
    CHECK_OK(dog_shard_whisper(asking, "bob", 3, DOG_TEXT, "x", 1, NULL, &host));
    client_t *askers[4];
    for (int index = 0; index < 4; index++) {
      askers[index] = client_connect(host.app.port);
      client_say(askers[index], "POST /den?u=cat HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody");
    }
    for (int index = 0; index < 100; index++) ws_say(index % 2 == 0 ? ann : bob, "some text that is kept");
    client_free(bob);
    WAIT_UNTIL(host_waiting(&host) >= 10);
    if (round % 3 == 1) CHECK_OK(dog_engine_stop(host.app.engine, 0));
    if (round % 3 == 2) {
      /* Half of it is given out, and there are pointers that the host has got. */
      dog_event_t events[5];
      size_t count = 0;
      CHECK_OK(dog_engine_poll(host.app.engine, events, 5, 0, &count));
      for (size_t index = 0; index < count; index++) {
        const char *text = NULL;
        size_t length = 0;
        if (events[index].request != 0) dog_request_remote(events[index].request, &text, &length);
      }
    }
    CHECK_OK(dog_engine_destroy(host.app.engine));
    client_free(ann);
    for (int index = 0; index < 4; index++) client_free(askers[index]);
  }
  CHECK_NUMBER(count_descriptors(), before);
}

static void a_log_line_after_the_last_event_is_none(void) {
  host_t host;
  host_init(&host);
  tls_t tls;
  tls_make(&tls);
  host.app.options.log = NULL;
  start_listening(&host, &tls);
  tls_remove(&tls);
  CHECK_STATUS(dog_engine_reload_certificates(host.app.engine), DOG_ETLS);
  host_expect(&host, DOG_EVENT_LOG);
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  WAIT_UNTIL(host_waiting(&host) == 1); /* DOG_EVENT_STOPPED */
  dog_engine_reload_certificates(host.app.engine);
  dog_event_t events[8];
  size_t count = 0;
  CHECK_OK(dog_engine_poll(host.app.engine, events, 8, -1, &count));
  CHECK_NUMBER(events[count - 1].type, DOG_EVENT_STOPPED);
  CHECK_STATUS(dog_engine_poll(host.app.engine, events, 8, 0, &count), DOG_ESTATE);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

static int is_readable(int fd) {
  struct pollfd asked = {.fd = fd, .events = POLLIN};
  CHECK(poll(&asked, 1, 0) >= 0);
  CHECK((asked.revents & ~POLLIN) == 0);
  return asked.revents == POLLIN;
}

static void the_descriptor_is_readable_as_long_as_an_event_waits(void) {
  host_t host;
  host_init(&host);
  app_prepare(&host.app);
  int fd = -1, again = -1;
  CHECK_OK(dog_engine_wait_fd(host.app.engine, &fd));
  CHECK_OK(dog_engine_wait_fd(host.app.engine, &again));
  CHECK(fd >= 0 && fd == again);
  CHECK(!is_readable(fd));
  CHECK_OK(dog_engine_start(host.app.engine));
  client_t *client = host_open(&host, "/den/ws?u=ann");
  host_expect_nothing(&host);
  CHECK(!is_readable(fd));
  for (int index = 0; index < 5; index++) ws_say(client, "hello");
  WAIT_UNTIL(host_waiting(&host) == 5);
  for (int left = 5; left > 0; left--) {
    CHECK(is_readable(fd));
    host_expect(&host, DOG_EVENT_MESSAGE);
  }
  CHECK(!is_readable(fd));
  ws_close(client);
  WAIT_UNTIL(is_readable(fd));
  host_expect(&host, DOG_EVENT_CLOSE);
  CHECK(!is_readable(fd));
  CHECK_OK(dog_engine_stop(host.app.engine, 0));
  WAIT_UNTIL(is_readable(fd));
  host_drain(&host);
  CHECK(!is_readable(fd));
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

typedef struct chatterer {
  client_t *client;
  int messages;
} chatterer_t;

/* Says a message and waits for the answer; and now and then several at once. */
static void *chatter(void *argument) {
  chatterer_t *chatterer = argument;
  for (int said = 0; said < chatterer->messages;) {
    int burst = said % 7 == 0 ? 5 : 1;
    for (int index = 0; index < burst; index++) ws_say(chatterer->client, "hello");
    for (int index = 0; index < burst; index++) WS_EXPECT(chatterer->client, "hello");
    said += burst;
  }
  ws_close(chatterer->client);
  return NULL;
}

/* A loop that polls only when epoll says so, until nothing is left: a wake-up that is missed hangs it. */
static void epoll_tells_with(uint32_t how, size_t capacity) {
  enum { CLIENTS = 4, MESSAGES = 2000 };
  host_t host;
  host_init(&host);
  host.app.options.workers = 3;
  host.app.gateway.limit = 1;
  host_start(&host);
  pthread_t threads[CLIENTS];
  chatterer_t chatterers[CLIENTS];
  for (int index = 0; index < CLIENTS; index++) {
    chatterers[index] = (chatterer_t){host_open(&host, "/den/ws?u=ann"), MESSAGES};
  }
  host_expect_nothing(&host);
  int fd = -1, epoll = epoll_create1(EPOLL_CLOEXEC);
  CHECK_OK(dog_engine_wait_fd(host.app.engine, &fd));
  struct epoll_event wanted = {.events = EPOLLIN | how, .data = {.fd = fd}}, ready;
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0);
  for (int index = 0; index < CLIENTS; index++) {
    CHECK(pthread_create(&threads[index], NULL, chatter, &chatterers[index]) == 0);
  }
  dog_event_t events[64];
  for (int closed = 0; closed < CLIENTS;) {
    CHECK(epoll_wait(epoll, &ready, 1, -1) == 1);
    size_t count = 0;
    do {
      CHECK_OK(dog_engine_poll(host.app.engine, events, capacity, 0, &count));
      for (size_t index = 0; index < count; index++) {
        const dog_event_t *event = &events[index];
        if (event->type == DOG_EVENT_CLOSE) closed++;
        if (event->type == DOG_EVENT_MESSAGE) {
          CHECK_OK(dog_socket_send(event->socket, event->kind, event->data, event->length));
        }
      }
    } while (count > 0 && how == EPOLLET);
  }
  for (int index = 0; index < CLIENTS; index++) CHECK(pthread_join(threads[index], NULL) == 0);
  close(epoll);
  host_end(&host);
}

static void epoll_tells_by_level(void) { epoll_tells_with(0, 3); }
static void epoll_tells_by_edge(void) { epoll_tells_with(EPOLLET, 3); }

static void two_engines_have_two_queues(void) {
  host_t hosts[2];
  client_t *clients[2];
  int fds[2];
  for (int index = 0; index < 2; index++) {
    host_init(&hosts[index]);
    host_start(&hosts[index]);
    clients[index] = host_open(&hosts[index], index == 0 ? "/den/ws?u=ann" : "/den/ws?u=bob");
    CHECK_OK(dog_engine_wait_fd(hosts[index].app.engine, &fds[index]));
  }
  CHECK(fds[0] != fds[1]);
  for (int round = 0; round < 50; round++) {
    ws_say(clients[0], "to the first");
    const dog_event_t *first = host_expect(&hosts[0], DOG_EVENT_MESSAGE);
    const char *uid = NULL;
    size_t length = 0;
    CHECK_OK(dog_socket_uid(first->socket, &uid, &length));
    CHECK(!is_readable(fds[1]));
    ws_say(clients[1], "to the second");
    CHECK_DATA(host_expect(&hosts[1], DOG_EVENT_MESSAGE), "to the second");
    CHECK_DATA(first, "to the first"); /* a poll lets go of what its own engine gave */
    CHECK(length == 3 && memcmp(uid, "ann", 3) == 0);
  }
  for (int index = 0; index < 2; index++) {
    client_free(clients[index]);
    host_end(&hosts[index]);
  }
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(bytes_press_on_one_worker),
      ROW(events_press_on_one_worker),
      ROW(bytes_press_on_several_workers),
      ROW(events_press_on_several_workers_and_are_taken_one_by_one),
      ROW(bytes_press_over_tls),
      ROW(bytes_press_over_tls_on_several_workers),
      ROW(large_messages_press),
      ROW(who_is_not_read_from_is_not_silent),
      ROW(who_is_not_read_from_over_tls_is_not_silent),
      ROW(reading_goes_on_when_half_is_taken),
      ROW(the_others_wait_and_their_deadlines_too),
      ROW(who_does_not_answer_pings_is_dropped),
      ROW(a_queue_of_one_event_serves_everybody),
      ROW(an_event_larger_than_the_queue_passes),
      ROW(who_is_not_answered_in_time_is_told),
      ROW(gossip_that_is_not_fetched_times_out),
      ROW(a_stop_leaves_what_waits_to_be_fetched),
      ROW(a_stop_does_not_wait_for_a_host_that_does_not_fetch),
      ROW(a_destruction_lets_go_of_what_waits),
      ROW(a_log_line_after_the_last_event_is_none),
      ROW(the_descriptor_is_readable_as_long_as_an_event_waits),
      ROW(epoll_tells_by_level),
      ROW(epoll_tells_by_edge),
      ROW(two_engines_have_two_queues),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
