/*
 * streams.c - a response that is begun, written to and ended: from a callback and from a thread that is no worker,
 * rightly and wrongly. Whatever happens, onend is called once for each that was begun, and nothing stays behind.
 */
#include "app.h"

#include <stdatomic.h>

static _Atomic dog_request_t held;
static gate_t asked = GATE_INITIALIZER;
static gate_t writable = GATE_INITIALIZER;
static gate_t ended = GATE_INITIALIZER;
static _Atomic dog_status_t ended_status;
static char mark;

static void on_writable(void *user, dog_request_t request) {
  CHECK(user == &mark && request == held);
  gate_pass(&writable);
}

static void on_end(void *user, dog_request_t request, dog_status_t status) {
  CHECK(user == &mark && request == held);
  CHECK_STATUS(dog_request_respond_write(request, "x", 1), DOG_ESTALE);
  CHECK_STATUS(dog_request_respond_end(request), DOG_ESTALE);
  ended_status = status;
  gate_pass(&ended);
}

static dog_stream_options_t stream_options(void) {
  dog_stream_options_t options;
  CHECK_OK(dog_stream_options_init(&options, sizeof options));
  CHECK(options.user == NULL && options.onwritable == NULL && options.onend == NULL);
  options.user = &mark;
  options.onwritable = on_writable;
  options.onend = on_end;
  return options;
}

static dog_status_t hold(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  held = request;
  gate_pass(&asked);
  return DOG_OK;
}

/* A client whose request is held. */
static client_t *ask_and_hold(const app_t *app) {
  long before = gate_count(&asked);
  client_t *client = client_connect(app->port);
  client_ask(client, "GET", "/room");
  gate_wait(&asked, before + 1);
  return client;
}

static void app_start_holding(app_t *app) {
  app_init(app);
  app->shard.receive = hold;
  app_start(app);
}

/* Reads this much, byte for byte. */
static void expect_bytes(client_t *client, const char *bytes) {
  size_t length = strlen(bytes);
  if (!client_wait(client, length) || memcmp(client->bytes, bytes, length) != 0) {
    FAIL("not \"%s\" but \"%.*s\"", bytes, (int)client->length, client->bytes);
  }
  client_consume(client, length);
}

static void a_stream_arrives_part_by_part(void) {
  app_t app;
  app_start_holding(&app);
  client_t *client = ask_and_hold(&app);
  dog_stream_options_t options = stream_options();
  static const dog_header_t header = {"x-kind", 6, "parts", 5};
  CHECK_STATUS(dog_request_respond_write(held, "early", 5), DOG_ESTATE);
  CHECK_STATUS(dog_request_respond_end(held), DOG_ESTATE);
  CHECK_OK(dog_request_respond_begin(held, 200, &header, 1, &options));
  CHECK_STATUS(dog_request_respond_begin(held, 200, NULL, 0, NULL), DOG_ESTALE);
  CHECK_STATUS(dog_request_respond(held, 200, NULL, 0, NULL, 0), DOG_ESTALE);
  CHECK_STATUS(dog_request_connect(held, NULL), DOG_ESTALE);
  response_t response;
  client_read_response(client, &response, 0);
  CHECK_NUMBER(response.status, 200);
  CHECK(strncmp(response_header(&response, "x-kind"), "parts\r\n", 7) == 0);
  CHECK(strncmp(response_header(&response, "transfer-encoding"), "chunked\r\n", 9) == 0);
  CHECK_OK(dog_request_respond_write(held, "one", 3));
  expect_bytes(client, "3\r\none\r\n");
  CHECK_OK(dog_request_respond_write(held, NULL, 0));
  CHECK_OK(dog_request_respond_write(held, "0123456789", 10));
  expect_bytes(client, "a\r\n0123456789\r\n");
  CHECK_NUMBER(app_stats(&app).places, 1);
  CHECK_NUMBER(gate_count(&ended), 0);
  CHECK_OK(dog_request_respond_end(held));
  expect_bytes(client, "0\r\n\r\n");
  gate_wait(&ended, 1);
  CHECK_NUMBER(ended_status, DOG_OK);
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(gate_count(&ended), 1);
}

static void what_is_no_stream_is_500_and_has_no_end(void) {
  static const dog_header_t split = {"x", 1, "a\r\nb: c", 7};
  static const dog_header_t length = {"content-length", 14, "3", 1};
  static const dog_header_t coding = {"Transfer-Encoding", 17, "chunked", 7};
  struct {
    dog_stream_options_t options;
    char tail[8];
  } longer = {.options = stream_options(), .tail = "later"};
  dog_stream_options_t shorter = stream_options();
  shorter.size = sizeof shorter - 1;
  longer.options.size = sizeof longer;
  const dog_stream_options_t good = stream_options();
  const struct {
    int status;
    const dog_header_t *headers;
    size_t header_count;
    const dog_stream_options_t *options;
  } table[] = {
      {101, NULL, 0, &good},   {199, NULL, 0, &good},    {600, NULL, 0, &good},           {-1, NULL, 0, &good},
      {200, &split, 1, &good}, {200, &length, 1, &good}, {200, &coding, 1, &good},        {200, NULL, 1, &good},
      {200, NULL, 0, &shorter}, {200, NULL, SIZE_MAX, &good}, {200, NULL, 0, &longer.options},
  };
  app_t app;
  app_start_holding(&app);
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    client_t *client = ask_and_hold(&app);
    CHECK_STATUS(dog_request_respond_begin(held, table[index].status, table[index].headers, table[index].header_count,
                                           table[index].options),
                 DOG_EINVAL);
    CHECK_STATUS(dog_request_respond_write(held, "x", 1), DOG_ESTALE);
    response_t response;
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 500);
    client_free(client);
  }
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK_NUMBER(gate_count(&ended), 0);
}

static void a_client_that_does_not_read_fills_the_outbox_and_empties_it(void) {
  enum { PART = 100000 };
  static char part[PART];
  app_t app;
  app_start_holding(&app);
  client_t *client = ask_and_hold(&app);
  dog_stream_options_t options = stream_options();
  CHECK_OK(dog_request_respond_begin(held, 200, NULL, 0, &options));
  char *huge = calloc(1, app.options.outbox_bytes_max + 1);
  CHECK_STATUS(dog_request_respond_write(held, huge, app.options.outbox_bytes_max + 1), DOG_ETOOBIG);
  CHECK_STATUS(dog_request_respond_write(held, huge, SIZE_MAX), DOG_ETOOBIG);
  free(huge);
  size_t written = 0;
  dog_status_t status = DOG_OK;
  while ((status = dog_request_respond_write(held, part, PART)) == DOG_OK) written += PART;
  CHECK_STATUS(status, DOG_EFULL);
  CHECK_NUMBER(gate_count(&writable), 0);
  response_t response;
  client_read_response(client, &response, 0);
  size_t read = 0;
  while (read < written) {
    CHECK(client_wait(client, 1));
    read += client->length;
    client_consume(client, client->length);
  }
  /* What is still to come is the chunks' own lines, which the kernel has room for. */
  gate_wait(&writable, 1);
  CHECK_OK(dog_request_respond_write(held, part, PART));
  CHECK_OK(dog_request_respond_end(held));
  while (client->length < 7 || memcmp(client->bytes + client->length - 7, "\r\n0\r\n\r\n", 7) != 0) {
    size_t keep = client->length < 7 ? client->length : 7;
    client_consume(client, client->length - keep);
    CHECK(client_wait(client, keep + 1));
  }
  gate_wait(&ended, 1);
  CHECK_NUMBER(ended_status, DOG_OK);
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void a_stream_ends_with_its_client_or_its_engine(void) {
  app_t app;
  app_start_holding(&app);
  dog_stream_options_t options = stream_options();
  client_t *client = ask_and_hold(&app);
  CHECK_OK(dog_request_respond_begin(held, 200, NULL, 0, &options));
  client_free(client);
  gate_wait(&ended, 1);
  CHECK_NUMBER(ended_status, DOG_ERESET);
  app_wait_until_empty(&app);
  client = ask_and_hold(&app);
  CHECK_OK(dog_request_respond_begin(held, 200, NULL, 0, &options));
  CHECK_OK(dog_engine_stop(app.engine, 100));
  gate_wait(&ended, 2);
  CHECK_NUMBER(ended_status, DOG_EGONE);
  CHECK_STATUS(dog_request_respond_write(held, "x", 1), DOG_ESTALE);
  CHECK_OK(dog_engine_destroy(app.engine));
  CHECK_STATUS(dog_request_respond_write(held, "x", 1), DOG_ESTALE);
  client_free(client);
}

static dog_status_t begin_and_fail(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  held = request;
  dog_stream_options_t options = stream_options();
  CHECK_OK(dog_request_respond_begin(request, 200, NULL, 0, &options));
  CHECK_OK(dog_request_respond_write(request, "half", 4));
  return DOG_EINVAL;
}

static void a_callback_that_fails_resets_what_it_began(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = begin_and_fail;
  app_start(&app);
  client_t *client = client_connect(app.port);
  client_ask(client, "GET", "/room");
  while (client_fill(client)) {
  }
  CHECK(client->length < 5 || memcmp(client->bytes + client->length - 5, "0\r\n\r\n", 5) != 0);
  gate_wait(&ended, 1);
  CHECK_NUMBER(ended_status, DOG_EHOST);
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void a_body_that_cannot_be_finished_is_no_whole_one(void) {
  app_t app;
  app_start_holding(&app);
  dog_stream_options_t options = stream_options();
  client_t *client = ask_and_hold(&app);
  CHECK_STATUS(dog_request_respond_abort(held), DOG_ESTATE);
  CHECK_OK(dog_request_respond_begin(held, 200, NULL, 0, &options));
  CHECK_OK(dog_request_respond_write(held, "half", 4));
  CHECK_OK(dog_request_respond_abort(held));
  CHECK_STATUS(dog_request_respond_abort(held), DOG_ESTALE);
  CHECK_STATUS(dog_request_respond_end(held), DOG_ESTALE);
  while (client_fill(client)) {
  }
  CHECK(client->length < 5 || memcmp(client->bytes + client->length - 5, "0\r\n\r\n", 5) != 0);
  gate_wait(&ended, 1);
  CHECK_NUMBER(ended_status, DOG_EHOST);
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

static dog_status_t list_protocols(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  const char *protocol = NULL;
  size_t length = 0;
  char list[64] = "";
  for (size_t index = 0; dog_request_protocol_at(request, index, &protocol, &length) == DOG_OK; index++) {
    strncat(list, protocol, length);
    strcat(list, "|");
  }
  return app_respond(request, 200, list);
}

static void the_protocols_on_offer_are_listed_in_order(void) {
  static const struct {
    const char *headers;
    const char *list;
  } table[] = {
      {"", ""},
      {"Sec-WebSocket-Protocol: chat\r\n", "chat|"},
      {"Sec-WebSocket-Protocol: b , a\r\nX: y\r\nSec-WebSocket-Protocol:, c v.1,,d\r\n", "b|a|d|"},
      {"Sec-WebSocket-Protocol: a@b, \"c\"\r\n", ""},
  };
  app_t app;
  app_init(&app);
  app.shard.receive = list_protocols;
  app_start(&app);
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    client_t *client = client_connect(app.port);
    char request[512];
    snprintf(request, sizeof request, "GET /room HTTP/1.1\r\nHost: t\r\n%s\r\n", table[index].headers);
    client_say(client, request);
    response_t response;
    client_read_response(client, &response, 1);
    if (strcmp(response.body, table[index].list) != 0) FAIL("%zu: %s", index, response.body);
    client_free(client);
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(a_stream_arrives_part_by_part),
      ROW(what_is_no_stream_is_500_and_has_no_end),
      ROW(a_client_that_does_not_read_fills_the_outbox_and_empties_it),
      ROW(a_stream_ends_with_its_client_or_its_engine),
      ROW(a_callback_that_fails_resets_what_it_began),
      ROW(a_body_that_cannot_be_finished_is_no_whole_one),
      ROW(the_protocols_on_offer_are_listed_in_order),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
