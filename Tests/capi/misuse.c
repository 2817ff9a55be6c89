/*
 * misuse.c - handles and engines that are none: zero, invented, stale, of another kind; and pointers that are NULL.
 * Each has a status, and none does any harm.
 */
#include "exhibit.h"

static void version_and_statuses_can_be_read(void) {
  CHECK_NUMBER(dog_version(), DOG_VERSION_MAJOR << 16 | DOG_VERSION_MINOR << 8 | DOG_VERSION_PATCH);
#define CHECK_STATUS_NAME(name, value, sentence)                                                                       \
  CHECK(strcmp(dog_status_name(DOG_##name), "DOG_" #name) == 0);                                                       \
  CHECK(strcmp(dog_status_text(DOG_##name), sentence) == 0);
  DOG_STATUS_MAP(CHECK_STATUS_NAME)
  static const int unknown[] = {1, -27, -1000, INT32_MAX, INT32_MIN};
  for (size_t index = 0; index < sizeof unknown / sizeof unknown[0]; index++) {
    CHECK(strcmp(dog_status_name((dog_status_t)unknown[index]), "DOG_EUNKNOWN") == 0);
    CHECK(dog_status_text((dog_status_t)unknown[index]) != NULL);
  }
}

static void nothing_is_alive_before_any_engine(void) {
  dice_t dice = dice_make();
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    CHECK_STATUS(handle_calls[call].call(0), DOG_ESTALE);
    CHECK_EITHER(handle_calls[call].call(UINT64_MAX), DOG_ESTALE, DOG_EKIND);
    for (int try = 0; try < 1000; try++) {
      CHECK_EITHER(handle_calls[call].call(dice_next(&dice)), DOG_ESTALE, DOG_EKIND);
    }
  }
}

/* ---- engines ----------------------------------------------------------------------------------------------------- */

static void an_invented_engine_is_refused(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  char memory[256] = {0};
  dice_t dice = dice_make();
  dog_engine_t *const invented[] = {
      (dog_engine_t *)1,
      (dog_engine_t *)UINTPTR_MAX,
      (dog_engine_t *)memory,
      (dog_engine_t *)&app,
      (dog_engine_t *)(uintptr_t)an_invented_engine_is_refused,
      (dog_engine_t *)((uintptr_t)app.engine + 1),
      (dog_engine_t *)((uintptr_t)app.engine ^ ((uintptr_t)1 << 63)),
  };
  for (size_t call = 0; call < ENGINE_CALLS_COUNT; call++) {
    for (size_t index = 0; index < sizeof invented / sizeof invented[0]; index++) {
      CHECK_STATUS(engine_calls[call].call(invented[index]), DOG_ESTALE);
    }
    for (int try = 0; try < 10000; try++) {
      dog_engine_t *engine = (dog_engine_t *)(uintptr_t)dice_next(&dice);
      if (engine != app.engine) CHECK_STATUS(engine_calls[call].call(engine), DOG_ESTALE);
    }
    CHECK_EITHER(engine_calls[call].call(NULL), DOG_EINVAL, DOG_ESTALE);
  }
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  app_end(&app);
}

static void an_engine_is_stale_after_its_destruction(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  dog_engine_t *never_started = NULL;
  CHECK_OK(dog_engine_create(NULL, &never_started));
  CHECK(never_started != NULL && never_started != app.engine);
  app_end(&app);
  CHECK_OK(dog_engine_destroy(never_started));
  for (size_t call = 0; call < ENGINE_CALLS_COUNT; call++) {
    CHECK_STATUS(engine_calls[call].call(app.engine), DOG_ESTALE);
    CHECK_STATUS(engine_calls[call].call(never_started), DOG_ESTALE);
  }
}

static void null_arguments_of_an_engine_are_refused(void) {
  CHECK_STATUS(dog_options_init(NULL, sizeof(dog_options_t)), DOG_EINVAL);
  CHECK_STATUS(dog_gateway_class_init(NULL, sizeof(dog_gateway_class_t)), DOG_EINVAL);
  CHECK_STATUS(dog_shard_class_init(NULL, sizeof(dog_shard_class_t)), DOG_EINVAL);
  CHECK_STATUS(dog_connect_options_init(NULL, sizeof(dog_connect_options_t)), DOG_EINVAL);
  CHECK_STATUS(dog_stream_options_init(NULL, sizeof(dog_stream_options_t)), DOG_EINVAL);
  CHECK_STATUS(dog_engine_create(NULL, NULL), DOG_EINVAL);

  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(NULL, &engine));
  CHECK_STATUS(dog_engine_define_gateway(engine, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_define_shard(engine, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(engine, NULL, "ROOM", NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(engine, "/:room", NULL, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_route(engine, "/room", "ROOM", NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_on_fetch(engine, NULL, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_engine_stats(engine, NULL), DOG_EINVAL);
  dog_gateway_t gateway = 0;
  CHECK_STATUS(dog_gateway_find(engine, NULL, 4, "room", 4, &gateway), DOG_EINVAL);
  CHECK_STATUS(dog_gateway_find(engine, "ROOM", 4, NULL, 4, &gateway), DOG_EINVAL);
  CHECK_STATUS(dog_gateway_find(engine, "ROOM", 4, "room", 4, NULL), DOG_EINVAL);
  CHECK_OK(dog_engine_listen(engine, NULL, 0, NULL)); /* both may be NULL */
  CHECK_OK(dog_engine_destroy(engine));
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

static void show_wrong_kinds(exhibit_t *exhibit) {
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    for (int kind = 0; kind < HANDLE_KINDS; kind++) {
      if (handle_calls[call].kind == (handle_kind_t)kind || exhibit->handles[kind] == 0) continue;
      dog_status_t status = handle_calls[call].call(exhibit->handles[kind]);
      if (status != DOG_EKIND) {
        FAIL("%s with a handle of kind %d is %s", handle_calls[call].name, kind, dog_status_name(status));
      }
    }
  }
}

static void a_handle_of_another_kind_is_refused(void) {
  exhibit_t *exhibit = exhibit_open(show_wrong_kinds);
  exhibit->handles[GOSSIP] = 0; /* answered by now, and so stale */
  show_wrong_kinds(exhibit);    /* and once more, from a thread that is no worker */
  exhibit_close(exhibit);
}

static void show_getters(exhibit_t *exhibit) {
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    if (!handle_calls[call].is_getter) continue;
    dog_status_t status = handle_calls[call].call(exhibit->handles[handle_calls[call].kind]);
    /* There is no query parameter missing and no header absent in the request held. */
    if (status != DOG_OK) FAIL("%s is %s on its own worker", handle_calls[call].name, dog_status_name(status));
  }
}

static void a_getter_on_another_thread_says_so(void) {
  exhibit_t *exhibit = exhibit_open(show_getters);
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    if (!handle_calls[call].is_getter) continue;
    dog_status_t status = handle_calls[call].call(exhibit->handles[handle_calls[call].kind]);
    if (status != DOG_ETHREAD) FAIL("%s is %s on a thread of ours", handle_calls[call].name, dog_status_name(status));
  }
  dog_gateway_t gateway = 0;
  CHECK_OK(dog_shard_gateway(exhibit->handles[SHARD], &gateway)); /* any thread */
  CHECK(gateway == exhibit->handles[GATEWAY]);
  exhibit_close(exhibit);
}

/* ---- pointers ---------------------------------------------------------------------------------------------------- */

#define CHECK_INVALID(call) CHECK_STATUS(call, DOG_EINVAL)

static void show_null_pointers(exhibit_t *exhibit) {
  const char *text = NULL;
  const void *data = NULL;
  size_t length = 0;
  dog_request_t request = exhibit->handles[REQUEST];
  CHECK_INVALID(dog_request_method(request, NULL, &length));
  CHECK_INVALID(dog_request_method(request, &text, NULL));
  CHECK_INVALID(dog_request_target(request, NULL, NULL));
  CHECK_INVALID(dog_request_path(request, NULL, &length));
  CHECK_INVALID(dog_request_body(request, NULL, &length));
  CHECK_INVALID(dog_request_body(request, &data, NULL));
  CHECK_INVALID(dog_request_remote(request, &text, NULL));
  CHECK_INVALID(dog_request_uid(request, NULL, &length));
  CHECK_INVALID(dog_request_query(request, NULL, 1, &text, &length));
  CHECK_INVALID(dog_request_query(request, "u", 1, NULL, &length));
  CHECK_INVALID(dog_request_query(request, "u", 1, &text, NULL));
  CHECK_INVALID(dog_request_header(request, NULL, 4, &text, &length));
  CHECK_INVALID(dog_request_header(request, "host", 4, NULL, &length));
  CHECK_INVALID(dog_request_header_at(request, 0, NULL));
  CHECK_INVALID(dog_request_protocol_at(request, 0, NULL, &length));
  CHECK_INVALID(dog_request_protocol_at(request, 0, &text, NULL));
  CHECK_STATUS(dog_request_protocol_at(request, 1, &text, &length), DOG_ENOENT);
  CHECK_STATUS(dog_request_protocol_at(request, SIZE_MAX, &text, &length), DOG_ENOENT);
  CHECK_INVALID(dog_request_respond_write(request, NULL, 1));

  dog_socket_t socket = exhibit->handles[SOCKET];
  CHECK_INVALID(dog_socket_uid(socket, NULL, &length));
  CHECK_INVALID(dog_socket_uid(socket, &text, NULL));
  CHECK_INVALID(dog_socket_shard(socket, NULL));
  CHECK_INVALID(dog_socket_buffered(socket, NULL));
  CHECK_INVALID(dog_socket_data(socket, NULL));
  CHECK_INVALID(dog_socket_send(socket, DOG_TEXT, NULL, 1));
  CHECK_INVALID(dog_socket_emit(socket, DOG_TEXT, 0, NULL, 1));
  CHECK_INVALID(dog_socket_broadcast(socket, DOG_TEXT, 0, NULL, 1));
  CHECK_INVALID(dog_socket_whisper(socket, NULL, 3, DOG_TEXT, "x", 1, NULL, NULL));
  CHECK_INVALID(dog_socket_whisper(socket, "ann", 3, DOG_TEXT, NULL, 1, NULL, NULL));
  CHECK_INVALID(dog_socket_close(socket, 1000, NULL, 3));

  dog_shard_t shard = exhibit->handles[SHARD];
  CHECK_INVALID(dog_shard_id(shard, NULL, &length));
  CHECK_INVALID(dog_shard_gateway(shard, NULL));
  CHECK_INVALID(dog_shard_data(shard, NULL));
  CHECK_INVALID(dog_shard_count(shard, NULL));
  CHECK_INVALID(dog_shard_sockets(shard, NULL, 4, &length));
  dog_socket_t sockets[1];
  CHECK_INVALID(dog_shard_sockets(shard, sockets, 1, NULL));
  CHECK_OK(dog_shard_sockets(shard, NULL, 0, &length)); /* NULL is nothing, and nothing was asked for */
  CHECK_NUMBER(length, 1);
  CHECK_INVALID(dog_shard_emit(shard, DOG_TEXT, NULL, 1));
  CHECK_INVALID(dog_shard_broadcast(shard, DOG_TEXT, NULL, 1));
  CHECK_INVALID(dog_shard_whisper(shard, NULL, 1, DOG_TEXT, "x", 1, NULL, NULL));
  CHECK_INVALID(dog_shard_gossip(shard, NULL, 1, 0, exhibit_gossiped, NULL));
  CHECK_INVALID(dog_shard_gossip(shard, "x", 1, 0, NULL, NULL));

  dog_gateway_t gateway = exhibit->handles[GATEWAY];
  CHECK_INVALID(dog_gateway_name(gateway, NULL, &length));
  CHECK_INVALID(dog_gateway_broadcast(gateway, DOG_TEXT, NULL, 1));
  CHECK_INVALID(dog_gateway_whisper(gateway, NULL, 1, DOG_TEXT, "x", 1, NULL, NULL));
  CHECK_INVALID(dog_gateway_stats(gateway, NULL));
}

static void null_pointers_are_refused(void) { exhibit_close(exhibit_open(show_null_pointers)); }

/* A length no memory has. Nothing may be read, added up or allocated by it. */
static void show_huge_lengths(exhibit_t *exhibit) {
  static const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 32 + 1, (size_t)1 << 40};
  const char *text = NULL;
  size_t length = 0;
  for (size_t index = 0; index < sizeof huge / sizeof huge[0]; index++) {
    size_t count = huge[index];
    dog_socket_t socket = exhibit->handles[SOCKET];
    CHECK_EITHER(dog_socket_send(socket, DOG_BINARY, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_socket_send(socket, DOG_TEXT, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_socket_emit(socket, DOG_BINARY, 0, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_socket_broadcast(socket, DOG_TEXT, 0, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_socket_whisper(socket, "a", count, DOG_TEXT, "x", 1, NULL, NULL), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_socket_whisper(socket, "a", 1, DOG_TEXT, "x", count, NULL, NULL), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_socket_close(socket, 1000, "x", count), DOG_ETOOBIG, DOG_EINVAL);

    dog_shard_t shard = exhibit->handles[SHARD];
    CHECK_EITHER(dog_shard_emit(shard, DOG_BINARY, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_shard_broadcast(shard, DOG_BINARY, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_shard_whisper(shard, "a", count, DOG_TEXT, "x", 1, NULL, NULL), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_shard_gossip(shard, "x", count, 0, exhibit_gossiped, NULL), DOG_ETOOBIG, DOG_EINVAL);

    dog_gateway_t gateway = exhibit->handles[GATEWAY];
    CHECK_EITHER(dog_gateway_broadcast(gateway, DOG_BINARY, "x", count), DOG_ETOOBIG, DOG_EINVAL);
    CHECK_EITHER(dog_gateway_whisper(gateway, "a", 1, DOG_TEXT, "x", count, NULL, NULL), DOG_ETOOBIG, DOG_EINVAL);

    dog_request_t request = exhibit->handles[REQUEST];
    dog_header_t header;
    CHECK(dog_request_query(request, "u", count, &text, &length) != DOG_OK);
    CHECK(dog_request_header(request, "host", count, &text, &length) != DOG_OK);
    CHECK_STATUS(dog_request_header_at(request, count, &header), DOG_ENOENT);
  }
  CHECK_STATUS(dog_shard_gossip(exhibit->handles[SHARD], "x", 1, 86400001, exhibit_gossiped, NULL), DOG_EINVAL);
  CHECK_STATUS(dog_shard_gossip(exhibit->handles[SHARD], "x", 1, UINT32_MAX, exhibit_gossiped, NULL), DOG_EINVAL);
  /* Too long a reply is an answer that cannot be used: it takes the handle, and the sibling gets an error. */
  CHECK_EITHER(dog_gossip_reply(exhibit->handles[GOSSIP], "x", SIZE_MAX), DOG_ETOOBIG, DOG_EINVAL);
  CHECK_STATUS(dog_gossip_reply(exhibit->handles[GOSSIP], "x", 1), DOG_ESTALE);
}

static void huge_lengths_are_refused(void) { exhibit_close(exhibit_open(show_huge_lengths)); }

/* ---- forged and stale handles ------------------------------------------------------------------------------------ */

static int is_alive(const exhibit_t *exhibit, uint64_t handle) {
  for (int kind = 0; kind < HANDLE_KINDS; kind++) {
    if (exhibit->handles[kind] == handle) return 1;
  }
  return handle == exhibit->asking_shard || handle == exhibit->asking_socket;
}

/* No call may succeed with a handle that was not given out. */
static void check_forged(const exhibit_t *exhibit, uint64_t forged, size_t call) {
  if (is_alive(exhibit, forged)) return;
  dog_status_t status = handle_calls[call].call(forged);
  if (status != DOG_ESTALE && status != DOG_EKIND) {
    FAIL("%s(%#llx) is %s", handle_calls[call].name, (unsigned long long)forged, dog_status_name(status));
  }
}

static void show_forged(exhibit_t *exhibit) {
  dice_t dice = dice_make();
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    check_forged(exhibit, 0, call);
    check_forged(exhibit, UINT64_MAX, call);
    for (int bit = 0; bit < 64; bit++) {
      check_forged(exhibit, (uint64_t)1 << bit, call);
      check_forged(exhibit, UINT64_MAX << bit, call);
      check_forged(exhibit, UINT64_MAX >> bit, call);
    }
    /* Near misses: one or two bits off a handle that is alive, or a number or two. */
    for (int kind = 0; kind < HANDLE_KINDS; kind++) {
      uint64_t handle = exhibit->handles[kind];
      for (int one = 0; one < 64; one++) {
        for (int other = one; other < 64; other++) {
          check_forged(exhibit, handle ^ ((uint64_t)1 << one) ^ (other == one ? 0 : (uint64_t)1 << other), call);
        }
      }
      for (uint64_t step = 1; step < 100; step++) {
        check_forged(exhibit, handle + step, call);
        check_forged(exhibit, handle - step, call);
      }
    }
  }
  for (int try = 0; try < 1000000; try++) {
    uint64_t handle = dice_next(&dice);
    /* A half of them with parts of a true handle, since few bit patterns get far by chance. */
    if (try % 2 == 0) {
      uint64_t mask = dice_next(&dice) & dice_next(&dice);
      handle = exhibit->handles[dice_next(&dice) % HANDLE_KINDS] ^ (handle & mask);
    }
    check_forged(exhibit, handle, dice_next(&dice) % HANDLE_CALLS_COUNT);
  }
}

static void forged_handles_are_refused(void) {
  exhibit_t *exhibit = exhibit_open(show_forged);
  show_forged(exhibit); /* from a thread that is no worker, too */
  CHECK_OK(dog_request_respond(exhibit->handles[REQUEST], 200, NULL, 0, "still here", 10));
  response_t response;
  client_read_response(exhibit->request_client, &response, 1);
  CHECK(strcmp(response.body, "still here") == 0);
  ws_close(exhibit->asking_client);
  exhibit->asking_client = client_connect(exhibit->app.port);
  exhibit_close(exhibit);
}

static void show_nothing(exhibit_t *exhibit) { (void)exhibit; }

/* Every function refuses it, and those of its own kind say why. */
static void check_stale(uint64_t handle, handle_kind_t kind) {
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    dog_status_t status = handle_calls[call].call(handle);
    int is_right = status == DOG_ESTALE || (status == DOG_EKIND && handle_calls[call].kind != kind);
    if (!is_right) FAIL("%s of a stale handle is %s", handle_calls[call].name, dog_status_name(status));
  }
}

static void a_handle_is_stale_when_its_object_has_gone(void) {
  exhibit_t *exhibit = exhibit_open(show_nothing);
  uint64_t gossip = exhibit->handles[GOSSIP], request = exhibit->handles[REQUEST], socket = exhibit->handles[SOCKET];
  CHECK_STATUS(dog_gossip_reply(gossip, "x", 1), DOG_ESTALE);
  CHECK_STATUS(dog_gossip_fail(gossip, "x", 1), DOG_ESTALE);

  CHECK_OK(dog_request_respond(request, 200, NULL, 0, "x", 1));
  response_t response;
  client_read_response(exhibit->request_client, &response, 1);
  CHECK_NUMBER(response.status, 200);
  CHECK_STATUS(dog_request_respond(request, 200, NULL, 0, "x", 1), DOG_ESTALE);
  CHECK_STATUS(dog_request_connect(request, NULL), DOG_ESTALE);

  ws_close(exhibit->asked_client);
  exhibit->asked_client = client_connect(exhibit->app.port);
  gate_wait(&exhibit->closed, 1);
  WAIT_UNTIL(dog_socket_send(socket, DOG_TEXT, "x", 1) == DOG_ESTALE); /* until onclose has returned: DOG_ECLOSED */
  for (size_t call = 0; call < HANDLE_CALLS_COUNT; call++) {
    if (handle_calls[call].kind == SOCKET) CHECK_STATUS(handle_calls[call].call(socket), DOG_ESTALE);
  }

  uint64_t shard = exhibit->handles[SHARD], gateway = exhibit->handles[GATEWAY];
  exhibit_close(exhibit);
  check_stale(gossip, GOSSIP);
  check_stale(request, REQUEST);
  check_stale(socket, SOCKET);
  check_stale(shard, SHARD);
  check_stale(gateway, GATEWAY);

  /* A new engine may well take the place of the old one: their handles are not taken for one another. */
  exhibit = exhibit_open(show_nothing);
  check_stale(gossip, GOSSIP);
  check_stale(request, REQUEST);
  check_stale(socket, SOCKET);
  check_stale(shard, SHARD);
  check_stale(gateway, GATEWAY);
  exhibit_close(exhibit);
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"version_and_statuses_can_be_read", version_and_statuses_can_be_read},
      {"nothing_is_alive_before_any_engine", nothing_is_alive_before_any_engine},
      {"an_invented_engine_is_refused", an_invented_engine_is_refused},
      {"an_engine_is_stale_after_its_destruction", an_engine_is_stale_after_its_destruction},
      {"null_arguments_of_an_engine_are_refused", null_arguments_of_an_engine_are_refused},
      {"a_handle_of_another_kind_is_refused", a_handle_of_another_kind_is_refused},
      {"a_getter_on_another_thread_says_so", a_getter_on_another_thread_says_so},
      {"null_pointers_are_refused", null_pointers_are_refused},
      {"huge_lengths_are_refused", huge_lengths_are_refused},
      {"forged_handles_are_refused", forged_handles_are_refused},
      {"a_handle_is_stale_when_its_object_has_gone", a_handle_is_stale_when_its_object_has_gone},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
