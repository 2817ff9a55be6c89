/*
 * answers.c - each question to the host (on_fetch, identify, clusterize, receive) is answered once: rightly, wrongly,
 * twice, late, by two threads at once, or never. In every case the client hears something, and nothing stays behind.
 */
#include "app.h"

#include <stdatomic.h>

/* ---- one question, one answer ------------------------------------------------------------------------------------ */

/* What one case does with the request it is given, and what must come of it. */
typedef struct answer {
  const char *name;
  dog_status_t (*give)(dog_request_t request);
  dog_status_t status; /* what the call gives */
  int client_status;   /* what the client hears; 0: any error of 500 or more */
} answer_t;

/* The case at hand. The client asks only after it was set. */
static const answer_t *_Atomic answer_now;
static _Atomic int answer_later;         /* keep the request, for the main thread to answer */
static _Atomic dog_request_t held;
static _Atomic dog_status_t answer_status;
static gate_t asked = GATE_INITIALIZER;

static void give_answer(dog_request_t request) {
  const answer_t *answer = answer_now;
  answer_status = answer->give(request);
  /* Whatever became of it, the handle is used up. */
  CHECK_STATUS(dog_request_respond(request, 200, NULL, 0, "twice", 5), DOG_ESTALE);
}

static dog_status_t on_question(dog_request_t request) {
  held = request;
  if (!answer_later) give_answer(request);
  gate_pass(&asked);
  return DOG_OK;
}

static dog_status_t question_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  return on_question(request);
}
static dog_status_t question_gateway(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  return on_question(request);
}
static dog_status_t question_shard(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  return on_question(request);
}

/* Each case twice: answered inside the callback, and later from the main thread. */
static void check_answers(app_t *app, const answer_t *answers, client_t *(*ask)(uint16_t port)) {
  app_start(app);
  for (const answer_t *answer = answers; answer->name != NULL; answer++) {
    for (int later = 0; later < 2; later++) {
      long before = gate_count(&asked);
      answer_now = answer;
      answer_later = later;
      client_t *client = ask(app->port);
      gate_wait(&asked, before + 1);
      if (later) give_answer(held);
      response_t response;
      client_read_response(client, &response, 1);
      if (answer_status != answer->status) {
        FAIL("%s (%s): %s, not %s", answer->name, later ? "later" : "at once", dog_status_name(answer_status),
             dog_status_name(answer->status));
      }
      int is_right = answer->client_status == 0 ? response.status >= 500 : response.status == answer->client_status;
      if (!is_right) {
        FAIL("%s (%s): the client got %d, not %d", answer->name, later ? "later" : "at once", response.status,
             answer->client_status);
      }
      client_free(client);
    }
  }
  app_wait_until_empty(app);
  app_end(app);
}

static client_t *ask_get(uint16_t port) {
  client_t *client = client_connect(port);
  client_ask(client, "GET", "/room");
  return client;
}

static client_t *ask_websocket(uint16_t port) {
  return ws_ask(port, "/room/ws", "Sec-WebSocket-Protocol: chat, superchat\r\n");
}

/* One GET, and its answer_status: the client may hear before the callback has come to its end. */
static int get_and_wait(const app_t *app, response_t *response) {
  long before = gate_count(&asked);
  int status = http_get(app->port, "/room", response);
  gate_wait(&asked, before + 1);
  return status;
}

/* ---- identify ---------------------------------------------------------------------------------------------------- */

static char ten_kilobytes[10240];

static dog_status_t identify_good(dog_request_t r) { return dog_request_identify(r, "ann", 3); }
static dog_status_t identify_unicode(dog_request_t r) { return dog_request_identify(r, "\xc3\xa9\xf0\x9f\x90\x95", 6); }
static dog_status_t identify_longest(dog_request_t r) {
  return dog_request_identify(r, ten_kilobytes, DOG_NAME_BYTES_MAX);
}
static dog_status_t identify_empty(dog_request_t r) { return dog_request_identify(r, "", 0); }
static dog_status_t identify_null(dog_request_t r) { return dog_request_identify(r, NULL, 0); }
static dog_status_t identify_null_with_length(dog_request_t r) { return dog_request_identify(r, NULL, 3); }
static dog_status_t identify_not_utf8(dog_request_t r) { return dog_request_identify(r, "a\xff", 2); }
static dog_status_t identify_surrogate(dog_request_t r) { return dog_request_identify(r, "\xed\xa0\x80", 3); }
static dog_status_t identify_cut_off(dog_request_t r) { return dog_request_identify(r, "\xc3", 1); }
static dog_status_t identify_newline(dog_request_t r) { return dog_request_identify(r, "a\nb", 3); }
static dog_status_t identify_nul(dog_request_t r) { return dog_request_identify(r, "a\0b", 3); }
static dog_status_t identify_refuse(dog_request_t r) { return app_respond(r, 403, "no"); }

static void identify_takes_names_and_nothing_else(void) {
  static const answer_t answers[] = {
      {"a name", identify_good, DOG_OK, 200},
      {"letters beyond ASCII", identify_unicode, DOG_OK, 200},
      {"the longest name", identify_longest, DOG_OK, 200},
      {"a refusal", identify_refuse, DOG_OK, 403},
      {"an empty name", identify_empty, DOG_EINVAL, 400},
      {"NULL", identify_null, DOG_EINVAL, 400},
      {"NULL with a length", identify_null_with_length, DOG_EINVAL, 500},
      {"not UTF-8", identify_not_utf8, DOG_EINVAL, 400},
      {"a surrogate", identify_surrogate, DOG_EINVAL, 400},
      {"a letter cut off", identify_cut_off, DOG_EINVAL, 400},
      {"a newline", identify_newline, DOG_EINVAL, 400},
      {"a NUL", identify_nul, DOG_EINVAL, 400},
      {NULL, NULL, DOG_OK, 0},
  };
  memset(ten_kilobytes, 'a', sizeof ten_kilobytes);
  app_t app;
  app_init(&app);
  app.gateway.identify = question_gateway;
  check_answers(&app, answers, ask_get);
}

static _Atomic size_t long_name_length;
static dog_status_t identify_long(dog_request_t r) { return dog_request_identify(r, ten_kilobytes, long_name_length); }

static void a_name_too_long_is_refused_at_once(void) {
  static const size_t lengths[] = {DOG_NAME_BYTES_MAX + 1, sizeof ten_kilobytes, (size_t)1 << 40, SIZE_MAX};
  static const answer_t answer = {"too long", identify_long, DOG_ETOOBIG, 400};
  memset(ten_kilobytes, 'a', sizeof ten_kilobytes);
  app_t app;
  app_init(&app);
  app.gateway.identify = question_gateway;
  app_start(&app);
  answer_now = &answer;
  for (size_t index = 0; index < sizeof lengths / sizeof lengths[0]; index++) {
    long_name_length = lengths[index];
    uint64_t start = check_now_ms();
    /* A length that no memory has is the host's own mistake. */
    CHECK_NUMBER(get_and_wait(&app, NULL), lengths[index] <= sizeof ten_kilobytes ? 400 : 500);
    CHECK(check_now_ms() - start < app.options.identify_timeout_ms / 2);
    CHECK_STATUS(answer_status, DOG_ETOOBIG);
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- clusterize -------------------------------------------------------------------------------------------------- */

static dog_status_t clusterize_good(dog_request_t r) {
  static _Atomic int count;
  char name[16];
  int length = snprintf(name, sizeof name, "shard %d", ++count);
  return dog_request_clusterize(r, name, (size_t)length);
}
static dog_status_t clusterize_empty(dog_request_t r) { return dog_request_clusterize(r, "", 0); }
static dog_status_t clusterize_not_utf8(dog_request_t r) { return dog_request_clusterize(r, "\xff", 1); }
static dog_status_t clusterize_null(dog_request_t r) { return dog_request_clusterize(r, NULL, 1); }
static dog_status_t clusterize_refuse(dog_request_t r) { return app_respond(r, 429, "full"); }

static client_t *ask_fresh_room(uint16_t port) {
  static int count;
  char target[32];
  snprintf(target, sizeof target, "/room%d", ++count);
  client_t *client = client_connect(port);
  client_ask(client, "GET", target);
  return client;
}

static void clusterize_takes_names_and_nothing_else(void) {
  static const answer_t answers[] = {
      {"a name", clusterize_good, DOG_OK, 200},        {"a refusal", clusterize_refuse, DOG_OK, 429},
      {"an empty name", clusterize_empty, DOG_EINVAL, 500}, {"not UTF-8", clusterize_not_utf8, DOG_EINVAL, 500},
      {"NULL", clusterize_null, DOG_EINVAL, 500},      {NULL, NULL, DOG_OK, 0},
  };
  app_t app;
  app_init(&app);
  app.gateway.clusterize = question_gateway;
  check_answers(&app, answers, ask_fresh_room);
}

static dog_status_t clusterize_same(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  answer_status = dog_request_clusterize(request, "the one", 7);
  gate_pass(&asked);
  return DOG_OK;
}

static void the_name_of_a_living_shard_is_refused(void) {
  app_t app;
  app_init(&app);
  app.gateway.limit = 1;
  app.gateway.clusterize = clusterize_same;
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws?u=one");
  gate_wait(&asked, 1);
  CHECK_STATUS(answer_status, DOG_OK);
  CHECK(http_get(app.port, "/room?u=two", NULL) >= 500);
  gate_wait(&asked, 2);
  CHECK_STATUS(answer_status, DOG_EEXIST);
  CHECK_NUMBER(http_get(app.port, "/other?u=two", NULL), 200); /* another cluster may have one of that name */
  ws_close(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- on_fetch ---------------------------------------------------------------------------------------------------- */

static dog_status_t forward_good(dog_request_t r) { return dog_request_forward(r, "ROOM", 4, "x", 1); }
static dog_status_t forward_respond(dog_request_t r) { return app_respond(r, 404, "none"); }
static dog_status_t forward_empty(dog_request_t r) { return dog_request_forward(r, "ROOM", 4, "", 0); }
static dog_status_t forward_control(dog_request_t r) { return dog_request_forward(r, "ROOM", 4, "a\r\n", 3); }
static dog_status_t forward_null(dog_request_t r) { return dog_request_forward(r, "ROOM", 4, NULL, 1); }
static dog_status_t forward_null_class(dog_request_t r) { return dog_request_forward(r, NULL, 4, "x", 1); }
static dog_status_t forward_unknown(dog_request_t r) { return dog_request_forward(r, "NONE", 4, "x", 1); }

static void forward_takes_a_class_and_a_name(void) {
  static const answer_t answers[] = {
      {"a Gateway", forward_good, DOG_OK, 200},
      {"a response", forward_respond, DOG_OK, 404},
      {"an empty name", forward_empty, DOG_EINVAL, 400},
      {"control characters", forward_control, DOG_EINVAL, 400},
      {"NULL", forward_null, DOG_EINVAL, 500},
      {"NULL as class", forward_null_class, DOG_EINVAL, 500},
      {"an unknown class", forward_unknown, DOG_ENOENT, 0},
      {NULL, NULL, DOG_OK, 0},
  };
  app_t app;
  app_init(&app);
  app.on_fetch = question_fetch;
  check_answers(&app, answers, ask_get);
}

/* ---- respond ----------------------------------------------------------------------------------------------------- */

static _Atomic int respond_code;
static _Atomic size_t respond_body_length;
static dog_header_t respond_header;
static dog_status_t respond_with_code(dog_request_t r) {
  return dog_request_respond(r, respond_code, NULL, 0, "x", respond_body_length);
}
static dog_status_t respond_with_header(dog_request_t r) {
  return dog_request_respond(r, 200, &respond_header, 1, "x", 1);
}

static void check_respond(app_t *app, dog_status_t (*give)(dog_request_t), const char *name, int code) {
  const answer_t answer = {name, give, code == 500 ? DOG_EINVAL : DOG_OK, code};
  answer_now = &answer;
  response_t response;
  get_and_wait(app, &response);
  if (answer_status != answer.status) FAIL("%s: %s", name, dog_status_name(answer_status));
  if (response.status != code) FAIL("%s: the client got %d", name, response.status);
  CHECK(strstr(response.head, "evil") == NULL);
}

static void a_status_that_is_none_is_refused(void) {
  static const int bad[] = {0, 1, 99, 100, 101, 199, 600, 1000, -1, -200, INT32_MAX, INT32_MIN};
  static const int good[] = {200, 201, 299, 302, 404, 418, 499, 501, 503, 599};
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  app_start(&app);
  respond_body_length = 1;
  for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
    respond_code = bad[index];
    check_respond(&app, respond_with_code, "a bad status", 500);
  }
  for (size_t index = 0; index < sizeof good / sizeof good[0]; index++) {
    respond_code = good[index];
    check_respond(&app, respond_with_code, "a good status", good[index]);
  }
  /* These have no body, so one is a mistake. */
  static const int bodiless[] = {204, 304};
  for (size_t index = 0; index < 2; index++) {
    respond_code = bodiless[index];
    respond_body_length = 1;
    check_respond(&app, respond_with_code, "a body with 204 or 304", 500);
    respond_body_length = 0;
    check_respond(&app, respond_with_code, "204 or 304", bodiless[index]);
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

static void a_header_that_is_none_is_refused(void) {
  static const struct {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
    int code;
  } table[] = {
      {"x-good", 6, "fine", 4, 200},
      {"x-empty", 7, "", 0, 200},
      {"x-empty", 7, NULL, 0, 200},
      {"x-beyond", 8, "\xc3\xa9", 2, 200},
      {"x", 1, "a\r\nevil: 1", 10, 500},
      {"x", 1, "a\rb", 3, 500},
      {"x", 1, "a\nb", 3, 500},
      {"x", 1, "a\0b", 3, 500},
      {"x\r\nevil", 7, "1", 1, 500},
      {"x\nevil", 6, "1", 1, 500},
      {"x\0y", 3, "1", 1, 500},
      {"x", 1, NULL, 1, 500},
      {NULL, 1, "1", 1, 500},
      {"content-length", 14, "5", 1, 500},
      {"Content-Length", 14, "5", 1, 500},
      {"Date", 4, "now", 3, 500},
      {"CONNECTION", 10, "close", 5, 500},
      {"Transfer-Encoding", 17, "chunked", 7, 500},
      {"", 0, "1", 1, 500},     /* RFC 9110, section 5.1: a field name is a token, so not this, */
      {"a b", 3, "1", 1, 500},  /* nor this, */
      {"a:b", 3, "1", 1, 500},  /* nor this */
  };
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  app_start(&app);
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    respond_header.name = table[index].name;
    respond_header.name_length = table[index].name_length;
    respond_header.value = table[index].value;
    respond_header.value_length = table[index].value_length;
    char name[64];
    snprintf(name, sizeof name, "row %zu of the table", index);
    check_respond(&app, respond_with_header, name, table[index].code);
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

static const dog_header_t two_headers[2] = {{"x-one", 5, "1", 1}, {"x-two", 5, "2", 1}};
static _Atomic size_t huge;
static dog_status_t respond_null_headers(dog_request_t r) { return dog_request_respond(r, 200, NULL, 1, "x", 1); }
static dog_status_t respond_null_body(dog_request_t r) { return dog_request_respond(r, 200, NULL, 0, NULL, 1); }
static dog_status_t respond_huge_headers(dog_request_t r) {
  return dog_request_respond(r, 200, two_headers, huge, "x", 1);
}
static dog_status_t respond_huge_body(dog_request_t r) { return dog_request_respond(r, 200, NULL, 0, "x", huge); }
static dog_status_t respond_huge_name(dog_request_t r) {
  const dog_header_t header = {"x", huge, "y", 1};
  return dog_request_respond(r, 200, &header, 1, "x", 1);
}
static dog_status_t respond_huge_value(dog_request_t r) {
  const dog_header_t header = {"x", 1, "y", huge};
  return dog_request_respond(r, 200, &header, 1, "x", 1);
}

static void huge_counts_are_refused(void) {
  static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 32 + 1, (size_t)1 << 40};
  dog_status_t (*const gives[])(dog_request_t) = {respond_null_headers, respond_null_body, respond_huge_headers,
                                                  respond_huge_body,    respond_huge_name, respond_huge_value};
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  app_start(&app);
  for (size_t give = 0; give < sizeof gives / sizeof gives[0]; give++) {
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
      const answer_t answer = {"huge", gives[give], DOG_EINVAL, 500};
      huge = sizes[index];
      answer_now = &answer;
      CHECK_NUMBER(get_and_wait(&app, NULL), 500);
      if (answer_status != DOG_EINVAL && answer_status != DOG_ETOOBIG) {
        FAIL("row %zu, size %#zx: %s", give, sizes[index], dog_status_name(answer_status));
      }
    }
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

static dog_status_t respond_in_full(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  return dog_request_respond(request, 201, two_headers, 2, "the body", 8);
}

static void a_response_arrives_as_it_was_given(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = respond_in_full;
  app_start(&app);
  client_t *client = client_connect(app.port);
  static const char *const methods[] = {"GET", "HEAD", "POST", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"};
  for (size_t index = 0; index < sizeof methods / sizeof methods[0]; index++) { /* all on one connection */
    int is_head = strcmp(methods[index], "HEAD") == 0;
    client_ask(client, methods[index], "/room");
    response_t response;
    client_read_response(client, &response, !is_head);
    CHECK_NUMBER(response.status, 201);
    CHECK(strncmp(response_header(&response, "x-one"), "1\r\n", 3) == 0);
    CHECK(strncmp(response_header(&response, "x-two"), "2\r\n", 3) == 0);
    CHECK(strncmp(response_header(&response, "content-length"), "8\r\n", 3) == 0);
    CHECK(response_header(&response, "date") != NULL);
    if (!is_head) CHECK(strcmp(response.body, "the body") == 0);
  }
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- connect ----------------------------------------------------------------------------------------------------- */

static dog_status_t connect_plain(dog_request_t r) { return dog_request_connect(r, NULL); }
static dog_status_t connect_with(dog_request_t r, const char *protocol, size_t length, const dog_header_t *headers,
                                 size_t count) {
  dog_connect_options_t options;
  CHECK_OK(dog_connect_options_init(&options, sizeof options));
  options.protocol = protocol;
  options.protocol_length = length;
  options.headers = headers;
  options.header_count = count;
  return dog_request_connect(r, &options);
}
static dog_status_t connect_first(dog_request_t r) { return connect_with(r, "chat", 4, two_headers, 2); }
static dog_status_t connect_second(dog_request_t r) { return connect_with(r, "superchat", 9, NULL, 0); }
static dog_status_t connect_not_offered(dog_request_t r) { return connect_with(r, "other", 5, NULL, 0); }
static dog_status_t connect_part(dog_request_t r) { return connect_with(r, "super", 5, NULL, 0); }
static dog_status_t connect_crlf(dog_request_t r) { return connect_with(r, "chat\r\nevil: 1", 13, NULL, 0); }
static dog_status_t connect_null_protocol(dog_request_t r) { return connect_with(r, NULL, 5, NULL, 0); }
static dog_status_t connect_bad_header(dog_request_t r) {
  const dog_header_t header = {"x", 1, "a\r\nevil: 1", 10};
  return connect_with(r, NULL, 0, &header, 1);
}
static dog_status_t connect_own_header(dog_request_t r) {
  const dog_header_t header = {"Transfer-Encoding", 17, "chunked", 7};
  return connect_with(r, NULL, 0, &header, 1);
}
static dog_status_t connect_null_headers(dog_request_t r) { return connect_with(r, NULL, 0, NULL, 2); }
static dog_status_t connect_huge_headers(dog_request_t r) {
  return connect_with(r, NULL, 0, two_headers, SIZE_MAX / 16);
}
static dog_status_t connect_huge_protocol(dog_request_t r) {
  dog_status_t status = connect_with(r, "chat", SIZE_MAX, NULL, 0);
  return status == DOG_ETOOBIG ? DOG_EINVAL : status; /* either says it */
}
static dog_status_t connect_small(dog_request_t r) {
  dog_connect_options_t options;
  CHECK_OK(dog_connect_options_init(&options, sizeof options));
  options.size--;
  return dog_request_connect(r, &options);
}
static dog_status_t connect_tail(dog_request_t r) {
  struct {
    dog_connect_options_t known;
    uint64_t unknown;
  } options;
  CHECK_OK(dog_connect_options_init(&options.known, sizeof options));
  options.unknown = 1;
  return dog_request_connect(r, &options.known);
}

static void connect_takes_what_was_offered(void) {
  static const answer_t answers[] = {
      {"no options", connect_plain, DOG_OK, 101},
      {"the first protocol, and headers", connect_first, DOG_OK, 101},
      {"the second protocol", connect_second, DOG_OK, 101},
      {"a protocol not offered", connect_not_offered, DOG_EINVAL, 500},
      {"a part of a protocol", connect_part, DOG_EINVAL, 500},
      {"a protocol with a line end", connect_crlf, DOG_EINVAL, 500},
      {"a NULL protocol with a length", connect_null_protocol, DOG_EINVAL, 500},
      {"a header with a line end", connect_bad_header, DOG_EINVAL, 500},
      {"a header of the engine's", connect_own_header, DOG_EINVAL, 500},
      {"NULL headers with a count", connect_null_headers, DOG_EINVAL, 500},
      {"a huge count", connect_huge_headers, DOG_EINVAL, 500},
      {"a huge protocol", connect_huge_protocol, DOG_EINVAL, 500},
      {"a struct too small", connect_small, DOG_EINVAL, 500},
      {"a struct with an unknown member", connect_tail, DOG_EINVAL, 500},
      {NULL, NULL, DOG_OK, 0},
  };
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  check_answers(&app, answers, ask_websocket);
}

static void the_chosen_protocol_is_told(void) {
  static const answer_t answer = {"first", connect_first, DOG_OK, 101};
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  app_start(&app);
  answer_now = &answer;
  client_t *client = ask_websocket(app.port);
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 101);
  CHECK(strncmp(response_header(&response, "sec-websocket-protocol"), "chat\r\n", 6) == 0);
  CHECK(strncmp(response_header(&response, "x-two"), "2\r\n", 3) == 0);
  ws_close(client);
  app_end(&app);
}

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void what_is_no_upgrade_is_told_so(void) {
  static const struct {
    const char *request;
    int status;
  } table[] = {
      {"GET /room HTTP/1.1\r\nHost: t\r\n\r\n", 426},
      {"GET /room HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 426},
      {"GET /room HTTP/1.1\r\nHost: t\r\n" UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426},
      {"POST /room HTTP/1.1\r\nHost: t\r\n" UPGRADE KEY VERSION "Content-Length: 0\r\n\r\n", 405},
      {"GET /room HTTP/1.1\r\nHost: t\r\n" UPGRADE VERSION "\r\n", 400},
      {"GET /room HTTP/1.1\r\nHost: t\r\n" UPGRADE VERSION "Sec-WebSocket-Key: short\r\n\r\n", 400},
      {"GET /room HTTP/1.1\r\nHost: t\r\n" UPGRADE VERSION KEY "\r\n", 101},
  };
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  app_start(&app);
  for (size_t index = 0; index < sizeof table / sizeof table[0]; index++) {
    const answer_t answer = {"connect", connect_plain, DOG_OK, 0};
    answer_now = &answer;
    client_t *client = client_connect(app.port);
    client_say(client, table[index].request);
    response_t response;
    client_read_response(client, &response, 1);
    gate_wait(&asked, (long)index + 1);
    if (response.status != table[index].status) {
      FAIL("row %zu: the client got %d, not %d", index, response.status, table[index].status);
    }
    CHECK_STATUS(answer_status, response.status == 101 ? DOG_OK : DOG_EUPGRADE);
    if (response.status == 426) {
      CHECK(strncasecmp(response_header(&response, "upgrade"), "websocket", 9) == 0);
      CHECK(strncmp(response_header(&response, "sec-websocket-version"), "13\r\n", 4) == 0);
    }
    client_free(client);
  }
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- an answer to another question ------------------------------------------------------------------------------- */

static dog_status_t identify_after_wrong_answers(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  CHECK_STATUS(dog_request_clusterize(request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_forward(request, "ROOM", 4, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_connect(request, NULL), DOG_EKIND);
  return dog_request_identify(request, "ann", 3);
}
static dog_status_t clusterize_after_wrong_answers(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  CHECK_STATUS(dog_request_identify(request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_forward(request, "ROOM", 4, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_connect(request, NULL), DOG_EKIND);
  return dog_request_clusterize(request, "shard", 5);
}
static dog_status_t receive_after_wrong_answers(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  CHECK_STATUS(dog_request_identify(request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_clusterize(request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_forward(request, "ROOM", 4, "x", 1), DOG_EKIND);
  return app_respond(request, 200, "right");
}
static dog_status_t fetch_after_wrong_answers(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  CHECK_STATUS(dog_request_identify(request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_clusterize(request, "x", 1), DOG_EKIND);
  CHECK_STATUS(dog_request_connect(request, NULL), DOG_EKIND);
  return dog_request_forward(request, "ROOM", 4, "room", 4);
}

static void an_answer_to_another_question_leaves_it_open(void) {
  app_t app;
  app_init(&app);
  app.on_fetch = fetch_after_wrong_answers;
  app.gateway.identify = identify_after_wrong_answers;
  app.gateway.clusterize = clusterize_after_wrong_answers;
  app.shard.receive = receive_after_wrong_answers;
  app_start(&app);
  response_t response;
  CHECK_NUMBER(http_get(app.port, "/room", &response), 200);
  CHECK(strcmp(response.body, "right") == 0);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- two at once ------------------------------------------------------------------------------------------------- */

#define RACERS 2
#define RACES 500

static pthread_barrier_t race_line;
static dog_status_t race_status[RACERS];
static dog_status_t (*_Atomic race_give)(dog_request_t request, int racer);

static void *race_run(void *argument) {
  int racer = (int)(intptr_t)argument;
  for (int race = 0; race < RACES; race++) {
    pthread_barrier_wait(&race_line);
    race_status[racer] = race_give(held, racer);
    pthread_barrier_wait(&race_line);
  }
  return NULL;
}

static dog_status_t race_respond(dog_request_t request, int racer) {
  return dog_request_respond(request, 200, NULL, 0, racer == 0 ? "0" : "1", 1);
}
static dog_status_t race_identify(dog_request_t request, int racer) {
  return dog_request_identify(request, racer == 0 ? "0" : "1", 1);
}

static dog_status_t tell_uid(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  const char *uid = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_uid(request, &uid, &length));
  return dog_request_respond(request, 200, NULL, 0, uid, length);
}

/* Exactly one racer's answer counts, and it is the one that the client gets. */
static void check_races(app_t *app, dog_status_t (*give)(dog_request_t, int)) {
  app_start(app);
  race_give = give;
  answer_later = 1;
  pthread_t racers[RACERS];
  CHECK(pthread_barrier_init(&race_line, NULL, RACERS + 1) == 0);
  for (int racer = 0; racer < RACERS; racer++) {
    CHECK(pthread_create(&racers[racer], NULL, race_run, (void *)(intptr_t)racer) == 0);
  }
  client_t *client = client_connect(app->port);
  for (int race = 0; race < RACES; race++) {
    client_ask(client, "GET", "/room");
    gate_wait(&asked, race + 1);
    pthread_barrier_wait(&race_line);
    pthread_barrier_wait(&race_line);
    int winner = race_status[0] == DOG_OK ? 0 : 1;
    CHECK_STATUS(race_status[winner], DOG_OK);
    CHECK_STATUS(race_status[1 - winner], DOG_ESTALE);
    response_t response;
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 200);
    CHECK(strcmp(response.body, winner == 0 ? "0" : "1") == 0);
  }
  for (int racer = 0; racer < RACERS; racer++) pthread_join(racers[racer], NULL);
  client_free(client);
  app_wait_until_empty(app);
  app_end(app);
}

static void of_two_racing_responses_one_wins(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  check_races(&app, race_respond);
}

static void of_two_racing_identities_one_wins(void) {
  app_t app;
  app_init(&app);
  app.gateway.identify = question_gateway;
  app.shard.receive = tell_uid;
  check_races(&app, race_identify);
}

/* ---- the client has left ----------------------------------------------------------------------------------------- */

/* Holds the request, lets the client die, and answers then. */
static void check_left(app_t *app, client_t *(*ask)(uint16_t), dog_status_t (*give)(dog_request_t), int by_reset) {
  app_start(app);
  answer_later = 1;
  for (int round = 0; round < 20; round++) {
    long before = gate_count(&asked);
    client_t *client = ask(app->port);
    gate_wait(&asked, before + 1);
    if (by_reset || round > 3) {
      client_reset(client);
    } else {
      client_free(client); /* it might still read: noticed later than a reset, but noticed */
    }
    app_wait_until_empty(app);
    CHECK_STATUS(give(held), DOG_ESTALE);
    /* And without waiting: either may be first, and neither leaves anything behind. */
    before = gate_count(&asked);
    client = ask(app->port);
    gate_wait(&asked, before + 1);
    client_reset(client);
    CHECK_EITHER(give(held), DOG_ESTALE, DOG_OK);
    app_wait_until_empty(app);
  }
  app_end(app);
}

static void receive_may_be_answered_after_the_client_left(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  check_left(&app, ask_get, forward_respond, 0);
}
static void a_connect_may_come_after_the_client_left(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  check_left(&app, ask_websocket, connect_plain, 1);
}
static void identify_may_be_answered_after_the_client_left(void) {
  app_t app;
  app_init(&app);
  app.gateway.identify = question_gateway;
  check_left(&app, ask_get, identify_good, 1);
}
static void clusterize_may_be_answered_after_the_client_left(void) {
  app_t app;
  app_init(&app);
  app.gateway.clusterize = question_gateway;
  app_start(&app);
  answer_later = 1;
  for (int round = 0; round < 20; round++) {
    client_t *client = ask_fresh_room(app.port);
    gate_wait(&asked, round + 1);
    client_reset(client);
    if (round % 2 == 0) WAIT_UNTIL(app_stats(&app).connections == 0);
    /* Others may be waiting for the Shard by now, so the question may outlive the client who brought it about. */
    CHECK_EITHER(clusterize_good(held), DOG_OK, DOG_ESTALE);
    CHECK_STATUS(clusterize_good(held), DOG_ESTALE);
    app_wait_until_empty(&app);
  }
  app_end(&app);
}

/* ---- no answer, or an error -------------------------------------------------------------------------------------- */

static void check_deadline(app_t *app, dog_status_t (*give)(dog_request_t)) {
  app->options.identify_timeout_ms = 300;
  app->options.receive_timeout_ms = 300;
  app_start(app);
  answer_later = 1;
  uint64_t start = check_now_ms();
  CHECK_NUMBER(http_get(app->port, "/room", NULL), 503);
  uint64_t took = check_now_ms() - start;
  CHECK(took >= 250 && took < 5000);
  WAIT_UNTIL(app_stats(app).requests == 0); /* the client may hear of it before the Gateway's worker does */
  CHECK_STATUS(give(held), DOG_ESTALE);
  app_wait_until_empty(app);
  app_end(app);
}

static void without_an_answer_of_identify_it_is_503(void) {
  app_t app;
  app_init(&app);
  app.gateway.identify = question_gateway;
  check_deadline(&app, identify_good);
}
static void without_an_answer_of_clusterize_it_is_503(void) {
  app_t app;
  app_init(&app);
  app.gateway.clusterize = question_gateway;
  check_deadline(&app, clusterize_good);
}
static void without_an_answer_of_receive_it_is_503(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = question_shard;
  check_deadline(&app, forward_respond);
}
static void without_an_answer_of_on_fetch_it_is_503(void) {
  app_t app;
  app_init(&app);
  app.on_fetch = question_fetch;
  check_deadline(&app, forward_good);
}

static _Atomic int failing; /* the callback that fails: 1 on_fetch, 2 identify, 3 clusterize, 4 receive */
static _Atomic int failure;

static dog_status_t fail_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  held = request;
  return failing == 1 ? (dog_status_t)failure : dog_request_forward(request, "ROOM", 4, "room", 4);
}
static dog_status_t fail_identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  held = request;
  return failing == 2 ? (dog_status_t)failure : app_identify(user, gateway, request);
}
static dog_status_t fail_clusterize(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  held = request;
  return failing == 3 ? (dog_status_t)failure : dog_request_clusterize(request, "shard", 5);
}
static dog_status_t fail_receive(void *user, dog_shard_t shard, dog_request_t request) {
  held = request;
  return failing == 4 ? (dog_status_t)failure : app_receive(user, shard, request);
}

static void a_callback_that_fails_is_500(void) {
  static const int failures[] = {DOG_EHOST, DOG_EINVAL, DOG_ENOMEM, DOG_ESTALE, -999, 1, 200, INT32_MAX, INT32_MIN};
  for (size_t index = 0; index < sizeof failures / sizeof failures[0]; index++) {
    app_t app;
    app_init(&app);
    app.on_fetch = fail_fetch;
    app.gateway.identify = fail_identify;
    app.gateway.clusterize = fail_clusterize;
    app.shard.receive = fail_receive;
    app_start(&app);
    failure = failures[index];
    for (failing = 1; failing <= 4; failing++) {
      CHECK_NUMBER(http_get(app.port, "/room", NULL), 500);
      CHECK_STATUS(dog_request_respond(held, 200, NULL, 0, NULL, 0), DOG_ESTALE);
    }
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
    app_wait_until_empty(&app);
    app_end(&app);
  }
}

static dog_status_t answer_and_fail(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  CHECK_OK(app_respond(request, 202, "answered"));
  return DOG_EHOST;
}

static void an_error_after_the_answer_changes_nothing(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = answer_and_fail;
  app_start(&app);
  client_t *client = client_connect(app.port);
  for (int round = 0; round < 3; round++) {
    response_t response;
    client_ask(client, "GET", "/room");
    client_read_response(client, &response, 1);
    CHECK_NUMBER(response.status, 202);
  }
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

/* ---- what the getters give --------------------------------------------------------------------------------------- */

#define CHECK_TEXT(call, wanted)                                                                                       \
  do {                                                                                                                 \
    const char *text = NULL;                                                                                           \
    size_t length = 0;                                                                                                 \
    CHECK_OK(call);                                                                                                    \
    if (length != strlen(wanted) || memcmp(text, wanted, length) != 0) {                                               \
      FAIL("%s gives \"%.*s\", not \"%s\"", #call, (int)length, text, wanted);                                         \
    }                                                                                                                  \
  } while (0)

static void check_getters(dog_request_t request) {
  CHECK_TEXT(dog_request_method(request, &text, &length), "POST");
  CHECK_TEXT(dog_request_target(request, &text, &length), "/room/a%20b?c=d%20e+f&g&u=ann&c=second&h=");
  CHECK_TEXT(dog_request_path(request, &text, &length), "/room/a%20b");
  CHECK_TEXT(dog_request_query(request, "c", 1, &text, &length), "d e f");
  CHECK_TEXT(dog_request_query(request, "h", 1, &text, &length), "");
  CHECK_TEXT(dog_request_header(request, "HOST", 4, &text, &length), "example");
  CHECK_TEXT(dog_request_header(request, "x-twice", 7, &text, &length), "1, 2");
  const char *text = NULL;
  const void *body = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_body(request, &body, &length));
  CHECK(length == 5 && memcmp(body, "he\0lo", 5) == 0);
  CHECK_OK(dog_request_remote(request, &text, &length));
  CHECK(length > 10 && length < 16 && memcmp(text, "127.0.0.1:", 10) == 0);
  CHECK_STATUS(dog_request_query(request, "nothing", 7, &text, &length), DOG_ENOENT);
  CHECK_STATUS(dog_request_query(request, "", 0, &text, &length), DOG_ENOENT);
  CHECK_STATUS(dog_request_header(request, "nothing", 7, &text, &length), DOG_ENOENT);
  CHECK_STATUS(dog_request_header(request, "", 0, &text, &length), DOG_ENOENT);

  static const char *const names[] = {"Host", "X-Twice", "x-twice", "Content-Length"};
  dog_header_t header;
  for (size_t index = 0; index < 4; index++) {
    CHECK_OK(dog_request_header_at(request, index, &header));
    CHECK(header.name_length == strlen(names[index]) && memcmp(header.name, names[index], header.name_length) == 0);
  }
  CHECK_STATUS(dog_request_header_at(request, 4, &header), DOG_ENOENT);
}

static dog_status_t getters_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  const char *text = NULL;
  size_t length = 0;
  check_getters(request);
  CHECK_STATUS(dog_request_uid(request, &text, &length), DOG_ENOENT);
  return dog_request_forward(request, "ROOM", 4, "room", 4);
}
static dog_status_t getters_identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user;
  const char *text = NULL;
  size_t length = 0;
  check_getters(request);
  CHECK_STATUS(dog_request_uid(request, &text, &length), DOG_ENOENT);
  CHECK_TEXT(dog_gateway_name(gateway, &text, &length), "room");
  CHECK_OK(dog_request_identify(request, "ann", 3));
  CHECK_STATUS(dog_request_method(request, &text, &length), DOG_ESTALE);
  return DOG_OK;
}
static dog_status_t getters_clusterize(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  check_getters(request);
  CHECK_TEXT(dog_request_uid(request, &text, &length), "ann");
  return dog_request_clusterize(request, "the shard", 9);
}
static dog_status_t getters_receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user;
  check_getters(request);
  CHECK_TEXT(dog_request_uid(request, &text, &length), "ann");
  CHECK_TEXT(dog_shard_id(shard, &text, &length), "the shard");
  return app_respond(request, 200, "checked");
}

static void every_question_sees_the_request_as_it_was_sent(void) {
  static const char request[] = "POST /room/a%20b?c=d%20e+f&g&u=ann&c=second&h= HTTP/1.1\r\nHost: example\r\n"
                                "X-Twice: 1\r\nx-twice: 2\r\nContent-Length: 5\r\n\r\nhe\0lo";
  app_t app;
  app_init(&app);
  app.on_fetch = getters_fetch;
  app.gateway.identify = getters_identify;
  app.gateway.clusterize = getters_clusterize;
  app.shard.receive = getters_receive;
  app_start(&app);
  client_t *client = client_connect(app.port);
  client_send(client, request, sizeof request - 1);
  response_t response;
  client_read_response(client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  CHECK(strcmp(response.body, "checked") == 0);
  client_free(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

#define ROW(check) {#check, check}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      ROW(identify_takes_names_and_nothing_else),
      ROW(a_name_too_long_is_refused_at_once),
      ROW(clusterize_takes_names_and_nothing_else),
      ROW(the_name_of_a_living_shard_is_refused),
      ROW(forward_takes_a_class_and_a_name),
      ROW(a_status_that_is_none_is_refused),
      ROW(a_header_that_is_none_is_refused),
      ROW(huge_counts_are_refused),
      ROW(a_response_arrives_as_it_was_given),
      ROW(connect_takes_what_was_offered),
      ROW(the_chosen_protocol_is_told),
      ROW(what_is_no_upgrade_is_told_so),
      ROW(an_answer_to_another_question_leaves_it_open),
      ROW(of_two_racing_responses_one_wins),
      ROW(of_two_racing_identities_one_wins),
      ROW(receive_may_be_answered_after_the_client_left),
      ROW(a_connect_may_come_after_the_client_left),
      ROW(identify_may_be_answered_after_the_client_left),
      ROW(clusterize_may_be_answered_after_the_client_left),
      ROW(without_an_answer_of_identify_it_is_503),
      ROW(without_an_answer_of_clusterize_it_is_503),
      ROW(without_an_answer_of_receive_it_is_503),
      ROW(without_an_answer_of_on_fetch_it_is_503),
      ROW(a_callback_that_fails_is_500),
      ROW(an_error_after_the_answer_changes_nothing),
      ROW(every_question_sees_the_request_as_it_was_sent),
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
