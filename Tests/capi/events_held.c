/*
 * events_held.c - what a queue at its limit does to those who are not read meanwhile: nobody who kept to the rules is
 * worse off for it, and what is kept of those who went is bounded.
 */
#include "events.h"

enum { MAX = 20 };

/* A host on one worker, whose queue one loud client fills. */
typedef struct held {
  host_t host;
  client_t *loud;
  dog_socket_t loud_socket;
} held_t;

static void held_init(held_t *held) {
  host_init(&held->host);
  held->host.app.options.workers = 1;
  held->host.app.options.events_max = MAX;
}

static void held_start(held_t *held) {
  host_start(&held->host);
  held->loud = host_open(&held->host, "/den/ws?u=loud");
  held->loud_socket = held->host.event.socket;
}

/* The event that a poll gave counts until the next poll: without this one less would wait in a queue that is full. */
static void held_give_back(held_t *held) {
  size_t count = 0;
  CHECK_OK(dog_engine_poll(held->host.app.engine, &held->host.event, 1, 0, &count));
  CHECK_NUMBER(count, 0);
}

/* Nothing is read from here on. */
static void held_fill(held_t *held) {
  for (int index = 0; index < MAX; index++) ws_say(held->loud, "loud");
  WAIT_UNTIL(host_waiting(&held->host) >= MAX);
}

/* Takes what the loud one has said: reading goes on. */
static void held_take(held_t *held) {
  for (int index = 0; index < MAX; index++) {
    CHECK(host_expect(&held->host, DOG_EVENT_MESSAGE)->socket == held->loud_socket);
  }
}

static void held_end(held_t *held) {
  client_free(held->loud);
  host_end(&held->host);
}

/* ---- deadlines --------------------------------------------------------------------------------------------------- */

static void a_close_that_is_answered_in_time_is_clean(void) {
  held_t held;
  held_init(&held);
  held.host.app.options.close_timeout_ms = 200;
  held_start(&held);
  client_t *client = host_open(&held.host, "/den/ws?u=ann");
  dog_socket_t socket = held.host.event.socket;
  held_fill(&held);
  ws_say(client, "on its way"); /* unread, and in front of the answer */
  pause_ms(50);
  CHECK_OK(dog_socket_close(socket, 4000, NULL, 0));
  WS_EXPECT_CLOSE(client, 4000); /* and answers it */
  pause_ms(600);
  held_take(&held);
  const dog_event_t *event = host_next(&held.host);
  if (event->type == DOG_EVENT_MESSAGE) event = host_next(&held.host);
  CHECK_NUMBER(event->type, DOG_EVENT_CLOSE);
  CHECK_NUMBER(event->code, 4000);
  CHECK_NUMBER(event->clean, 1);
  client_free(client);
  held_end(&held);
}

/* A client that had begun its request in time is not told that it was late when it is read again. */
static void a_request_that_was_not_read_has_its_time_afterwards(void) {
  enum { TIMEOUT = 4000 }; /* a busy machine stands still for less than what is left of it at the end */
  held_t held;
  held_init(&held);
  held.host.app.options.header_timeout_ms = TIMEOUT;
  held_start(&held);
  for (int round = 0; round < 2; round++) {
    client_t *client = client_connect(held.host.app.port);
    client_say(client, "GET /den?u=ann HTTP/1.1\r\n");
    pause_ms(50); /* read: its time runs */
    held_give_back(&held);
    held_fill(&held);
    client_say(client, "Host: test\r\n");
    pause_ms(2 * TIMEOUT - 150 + 50 * round);
    held_take(&held);
    pause_ms(TIMEOUT / 4);
    client_say(client, "\r\n");
    host_handle(host_expect(&held.host, DOG_EVENT_IDENTIFY));
    host_handle(host_reach(&held.host, DOG_EVENT_RECEIVE));
    response_t response;
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 200);
    client_free(client);
  }
  held_end(&held);
}

/* ---- rates ------------------------------------------------------------------------------------------------------- */

static void who_kept_to_its_rate_did_so_whenever_it_is_read(void) {
  held_t held;
  held_init(&held);
  held.host.app.options.message_rate_max = 50;
  held.host.app.options.byte_rate_max = 50 * 8;
  held_start(&held);
  client_t *client = host_open(&held.host, "/den/ws?u=ann");
  dog_socket_t socket = held.host.event.socket;
  held_fill(&held);
  enum { SAID = 100 };
  for (int index = 0; index < SAID; index++) {
    ws_say(client, "x");
    pause_ms(25); /* 40 a second */
  }
  held_take(&held);
  for (int index = 0; index < SAID; index++) {
    const dog_event_t *event = host_next(&held.host);
    if (event->type != DOG_EVENT_MESSAGE) FAIL("%s comes after %d", event_name(event->type), index);
    CHECK(event->socket == socket);
  }
  /* It has no more than that: the rate is what it was. All at once, however slow the machine is. */
  unsigned char frames[SAID][7];
  for (int index = 0; index < SAID; index++) memcpy(frames[index], "\x81\x81\0\0\0\0x", 7); /* masked by 0 */
  client_send(client, frames, sizeof frames);
  CHECK_STATUS(host_reach(&held.host, DOG_EVENT_ERROR)->status, DOG_ERATE);
  client_free(client);
  held_end(&held);
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

/* Nobody polls. Each question dies by its deadline; what its client had sent does not wait with it for ever. */
static void questions_that_nobody_takes_are_bounded_by_their_bytes(void) {
  enum { BODY = 500000, LIMIT = 4 << 20, CLIENTS = 40 };
  host_t host;
  host_init(&host);
  host.app.options.workers = 1;
  host.app.options.event_bytes_max = LIMIT;
  host.app.options.identify_timeout_ms = 20;
  host_start(&host);
  char *body = calloc(1, BODY);
  client_t *clients[CLIENTS];
  for (int index = 0; index < CLIENTS; index++) {
    clients[index] = client_connect(host.app.port);
    client_say(clients[index], "POST /den HTTP/1.1\r\nHost: test\r\nContent-Length: 500000\r\n\r\n");
    client_send(clients[index], body, BODY);
  }
  WAIT_UNTIL(app_stats(&host.app).requests_total >= LIMIT / BODY);
  pause_ms(500); /* long enough for all of them */
  int answered = (int)app_stats(&host.app).requests_total;
  if (answered > LIMIT / BODY + 2) FAIL("%d were taken", answered);
  /* Those that were put in are dead, and make room for the next. */
  while (app_stats(&host.app).requests_total < CLIENTS) {
    size_t count = 0;
    CHECK_OK(dog_engine_poll(host.app.engine, &host.event, 1, 100, &count));
  }
  for (int index = 0; index < CLIENTS; index++) client_free(clients[index]);
  free(body);
  CHECK_OK(dog_engine_destroy(host.app.engine));
}

/* What a client has sent ahead is no more read than what is on its way: each request leaves its question behind. */
static void requests_sent_ahead_wait_too(void) {
  enum { AHEAD = 200 };
  held_t held;
  held_init(&held);
  held.host.app.options.identify_timeout_ms = 20;
  held.host.app.options.receive_timeout_ms = 20; /* the last is taken, and then nobody polls */
  held_start(&held);
  client_t *client = client_connect(held.host.app.port);
  for (int index = 0; index < AHEAD; index++) client_say(client, "GET /den HTTP/1.1\r\nHost: test\r\n\r\n");
  pause_ms(1000); /* in which 50 of them have come to their deadline, but for the queue */
  int taken = (int)app_stats(&held.host.app).requests_total;
  if (taken > MAX) FAIL("%d were taken", taken);
  /* None is lost: a host that polls gets to the last of them. */
  while (app_stats(&held.host.app).requests_total <= AHEAD) {
    size_t count = 0;
    CHECK_OK(dog_engine_poll(held.host.app.engine, &held.host.event, 1, 100, &count));
    if (count == 1) host_handle(&held.host.event);
  }
  response_t *response = malloc(sizeof *response);
  for (int index = 0; index < AHEAD; index++) client_read_response(client, response, 1);
  free(response);
  client_free(client);
  held_end(&held);
}

/* Who is not let in is told so and let go, for there is nothing of it that the host would hear. */
static void who_is_refused_meanwhile_does_not_stay(void) {
  held_t held;
  held_init(&held);
  held.host.app.options.connections_max = 1;
  held_start(&held);
  held_fill(&held);
  uint64_t before = check_now_ms();
  for (int index = 0; index < 20; index++) {
    client_t *client = client_connect(held.host.app.port);
    client_ask(client, "GET", "/den?u=ann");
    response_t response;
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 503);
    client_free(client);
  }
  WAIT_UNTIL(app_stats(&held.host.app).connections == 1);
  CHECK(check_now_ms() < before + 4000); /* by its end, and not by close_timeout_ms */
  held_take(&held);
  held_end(&held);
}

/* What dog.h says of a host that does not poll: whose request was read is told 503 in time, and whose was not waits. */
static void a_request_that_was_read_is_told_503_though_nobody_polls(void) {
  held_t held;
  held_init(&held);
  held.host.app.options.identify_timeout_ms = 100;
  held_start(&held);
  client_t *read_client = client_connect(held.host.app.port), *unread = client_connect(held.host.app.port);
  client_ask(read_client, "GET", "/den?u=ann");
  WAIT_UNTIL(host_waiting(&held.host) == 1);
  held_fill(&held);
  client_ask(unread, "GET", "/den?u=bob");
  response_t response;
  client_read_response(read_client, &response, 1);
  CHECK_NUMBER(response.status, 503);
  char byte;
  CHECK(recv(unread->fd, &byte, 1, MSG_DONTWAIT) < 0); /* not a word, and not the end */
  held_take(&held);
  host_handle(host_reach(&held.host, DOG_EVENT_RECEIVE));
  client_read_response(unread, &response, 1);
  CHECK_NUMBER(response.status, 200);
  client_free(read_client);
  client_free(unread);
  held_end(&held);
}

/* ---- wake-ups ---------------------------------------------------------------------------------------------------- */

typedef struct answerer {
  pthread_t thread;
  held_t *held;
  client_t *clients[MAX];
  dog_request_t requests[MAX];
} answerer_t;

static void *answer_all(void *argument) {
  answerer_t *answerer = argument;
  pause_ms(100); /* the poll has begun */
  for (int index = 0; index < MAX; index++) CHECK_OK(app_respond(answerer->requests[index], 200, "done"));
  for (int index = 0; index < MAX; index++) {
    response_t response;
    client_read_response(answerer->clients[index], &response, 1);
    CHECK_NUMBER(response.status, 200);
  }
  ws_say(answerer->held->loud, "is anybody there?");
  return NULL;
}

/* Answers fill the queue with what no host sees. A poll that waits lets that go, or nobody would be read again. */
static void answers_given_elsewhere_do_not_stop_everybody(void) {
  held_t held;
  held_init(&held);
  held_start(&held);
  answerer_t answerer = {.held = &held};
  for (int index = 0; index < MAX; index++) {
    answerer.clients[index] = client_connect(held.host.app.port);
    client_ask(answerer.clients[index], "GET", "/den?u=ann");
    answerer.requests[index] = host_reach(&held.host, DOG_EVENT_RECEIVE)->request;
  }
  host_expect_nothing(&held.host);
  CHECK(pthread_create(&answerer.thread, NULL, answer_all, &answerer) == 0);
  CHECK_DATA(host_expect(&held.host, DOG_EVENT_MESSAGE), "is anybody there?");
  CHECK(pthread_join(answerer.thread, NULL) == 0);
  for (int index = 0; index < MAX; index++) client_free(answerer.clients[index]);
  held_end(&held);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(a_close_that_is_answered_in_time_is_clean),
      ROW(a_request_that_was_not_read_has_its_time_afterwards),
      ROW(who_kept_to_its_rate_did_so_whenever_it_is_read),
      ROW(a_request_that_was_read_is_told_503_though_nobody_polls),
      ROW(questions_that_nobody_takes_are_bounded_by_their_bytes),
      ROW(requests_sent_ahead_wait_too),
      ROW(who_is_refused_meanwhile_does_not_stay),
      ROW(answers_given_elsewhere_do_not_stop_everybody),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
