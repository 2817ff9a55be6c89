/*
 * calls.h - every function of dog.h that takes a handle, and every one that takes an engine, as tables: each is
 * called with arguments that are good but for the handle or engine under test.
 */
#ifndef CALLS_H
#define CALLS_H

#include "check.h"

typedef enum handle_kind { GATEWAY, SHARD, SOCKET, REQUEST, GOSSIP, HANDLE_KINDS } handle_kind_t;

typedef struct handle_call {
  const char *name;
  handle_kind_t kind;
  int is_getter; /* to be called on the object's own worker only */
  dog_status_t (*call)(uint64_t handle);
} handle_call_t;

typedef struct engine_call {
  const char *name;
  dog_status_t (*call)(dog_engine_t *engine);
} engine_call_t;

static inline void calls_whispered(void *user, dog_status_t status, size_t sockets) {
  (void)user, (void)status, (void)sockets;
}

static inline void calls_gossiped(void *user, dog_shard_t shard, dog_status_t status,
                                  const dog_gossip_result_t *results, size_t count) {
  (void)user, (void)shard, (void)status, (void)results, (void)count;
}

static inline void calls_called(void *user, dog_shard_t shard, dog_status_t status) {
  (void)user, (void)shard, (void)status;
}

#define HANDLE_CALL(name, ...)                                                                                         \
  static inline dog_status_t call_##name(uint64_t handle) { return dog_##name(handle, __VA_ARGS__); }

/* A function that reads some text. */
#define TEXT_CALL(name)                                                                                                \
  static inline dog_status_t call_##name(uint64_t handle) {                                                            \
    const char *text = NULL;                                                                                           \
    size_t length = 0;                                                                                                 \
    return dog_##name(handle, &text, &length);                                                                         \
  }

/* A function that reads a value of some type. */
#define VALUE_CALL(name, type)                                                                                         \
  static inline dog_status_t call_##name(uint64_t handle) {                                                            \
    type value;                                                                                                        \
    memset(&value, 0, sizeof value);                                                                                   \
    return dog_##name(handle, &value);                                                                                 \
  }

TEXT_CALL(request_method)
TEXT_CALL(request_target)
TEXT_CALL(request_path)
TEXT_CALL(request_remote)
TEXT_CALL(request_uid)
TEXT_CALL(socket_uid)
TEXT_CALL(shard_id)
TEXT_CALL(gateway_name)
VALUE_CALL(socket_shard, dog_shard_t)
VALUE_CALL(socket_buffered, size_t)
VALUE_CALL(socket_data, void *)
VALUE_CALL(shard_gateway, dog_gateway_t)
VALUE_CALL(shard_data, void *)
VALUE_CALL(shard_count, size_t)

static inline dog_status_t call_request_body(uint64_t handle) {
  const void *body = NULL;
  size_t length = 0;
  return dog_request_body(handle, &body, &length);
}
static inline dog_status_t call_request_query(uint64_t handle) {
  const char *value = NULL;
  size_t length = 0;
  return dog_request_query(handle, "u", 1, &value, &length);
}
static inline dog_status_t call_request_header(uint64_t handle) {
  const char *value = NULL;
  size_t length = 0;
  return dog_request_header(handle, "host", 4, &value, &length);
}
static inline dog_status_t call_request_header_at(uint64_t handle) {
  dog_header_t header;
  return dog_request_header_at(handle, 0, &header);
}
static inline dog_status_t call_request_protocol_at(uint64_t handle) {
  const char *protocol = NULL;
  size_t length = 0;
  return dog_request_protocol_at(handle, 0, &protocol, &length);
}
static inline dog_status_t call_request_respond_end(uint64_t handle) { return dog_request_respond_end(handle); }
static inline dog_status_t call_request_respond_abort(uint64_t handle) { return dog_request_respond_abort(handle); }
static inline dog_status_t call_shard_sockets(uint64_t handle) {
  dog_socket_t sockets[4];
  size_t count = 0;
  return dog_shard_sockets(handle, sockets, 4, &count);
}
static inline dog_status_t call_gateway_stats(uint64_t handle) {
  dog_gateway_stats_t stats = {.size = sizeof stats};
  return dog_gateway_stats(handle, &stats);
}

HANDLE_CALL(request_identify, "ann", 3)
HANDLE_CALL(request_clusterize, "here", 4)
HANDLE_CALL(request_forward, "ROOM", 4, "room", 4)
HANDLE_CALL(request_respond, 200, NULL, 0, "x", 1)
HANDLE_CALL(request_respond_begin, 200, NULL, 0, NULL)
HANDLE_CALL(request_respond_write, "x", 1)
HANDLE_CALL(request_connect, NULL)
HANDLE_CALL(socket_set_data, NULL)
HANDLE_CALL(socket_send, DOG_TEXT, "x", 1)
HANDLE_CALL(socket_close, 1000, NULL, 0)
HANDLE_CALL(socket_emit, DOG_TEXT, DOG_TO_SELF, "x", 1)
HANDLE_CALL(socket_broadcast, DOG_BINARY, 0, "x", 1)
HANDLE_CALL(socket_whisper, "ann", 3, DOG_TEXT, "x", 1, calls_whispered, NULL)
HANDLE_CALL(shard_set_data, NULL)
HANDLE_CALL(shard_started, DOG_OK)
HANDLE_CALL(shard_post, calls_called, NULL)
HANDLE_CALL(shard_after, 3600000, calls_called, NULL, NULL)
HANDLE_CALL(shard_emit, DOG_TEXT, "x", 1)
HANDLE_CALL(shard_broadcast, DOG_TEXT, "x", 1)
HANDLE_CALL(shard_whisper, "ann", 3, DOG_TEXT, "x", 1, NULL, NULL)
HANDLE_CALL(shard_gossip, "x", 1, 0, calls_gossiped, NULL)
HANDLE_CALL(gossip_reply, "x", 1)
HANDLE_CALL(gossip_fail, "x", 1)
VALUE_CALL(gateway_data, void *)
HANDLE_CALL(gateway_set_data, NULL)
HANDLE_CALL(gateway_broadcast, DOG_TEXT, "x", 1)
HANDLE_CALL(gateway_whisper, "ann", 3, DOG_TEXT, "x", 1, calls_whispered, NULL)

#define HANDLE_CALL_ROW(name, kind, is_getter) {"dog_" #name, kind, is_getter, call_##name}

/* Getters first, then what sends, then what answers or closes: in this order, none spoils the next one's handle. */
static const handle_call_t handle_calls[] = {
    HANDLE_CALL_ROW(request_method, REQUEST, 1),
    HANDLE_CALL_ROW(request_target, REQUEST, 1),
    HANDLE_CALL_ROW(request_path, REQUEST, 1),
    HANDLE_CALL_ROW(request_remote, REQUEST, 1),
    HANDLE_CALL_ROW(request_uid, REQUEST, 1),
    HANDLE_CALL_ROW(request_body, REQUEST, 1),
    HANDLE_CALL_ROW(request_query, REQUEST, 1),
    HANDLE_CALL_ROW(request_header, REQUEST, 1),
    HANDLE_CALL_ROW(request_header_at, REQUEST, 1),
    HANDLE_CALL_ROW(request_protocol_at, REQUEST, 1),
    HANDLE_CALL_ROW(socket_uid, SOCKET, 1),
    HANDLE_CALL_ROW(socket_shard, SOCKET, 1),
    HANDLE_CALL_ROW(socket_buffered, SOCKET, 1),
    HANDLE_CALL_ROW(socket_data, SOCKET, 1),
    HANDLE_CALL_ROW(socket_set_data, SOCKET, 1),
    HANDLE_CALL_ROW(shard_id, SHARD, 1),
    HANDLE_CALL_ROW(shard_data, SHARD, 1),
    HANDLE_CALL_ROW(shard_set_data, SHARD, 1),
    HANDLE_CALL_ROW(shard_count, SHARD, 1),
    HANDLE_CALL_ROW(shard_sockets, SHARD, 1),
    HANDLE_CALL_ROW(gateway_name, GATEWAY, 1),
    HANDLE_CALL_ROW(gateway_data, GATEWAY, 1),
    HANDLE_CALL_ROW(gateway_set_data, GATEWAY, 1),
    HANDLE_CALL_ROW(shard_gateway, SHARD, 0),
    HANDLE_CALL_ROW(gateway_stats, GATEWAY, 0),
    HANDLE_CALL_ROW(socket_send, SOCKET, 0),
    HANDLE_CALL_ROW(socket_emit, SOCKET, 0),
    HANDLE_CALL_ROW(socket_broadcast, SOCKET, 0),
    HANDLE_CALL_ROW(socket_whisper, SOCKET, 0),
    HANDLE_CALL_ROW(shard_started, SHARD, 0),
    HANDLE_CALL_ROW(shard_post, SHARD, 0),
    HANDLE_CALL_ROW(shard_after, SHARD, 0),
    HANDLE_CALL_ROW(shard_emit, SHARD, 0),
    HANDLE_CALL_ROW(shard_broadcast, SHARD, 0),
    HANDLE_CALL_ROW(shard_whisper, SHARD, 0),
    HANDLE_CALL_ROW(shard_gossip, SHARD, 0),
    HANDLE_CALL_ROW(gateway_broadcast, GATEWAY, 0),
    HANDLE_CALL_ROW(gateway_whisper, GATEWAY, 0),
    HANDLE_CALL_ROW(gossip_reply, GOSSIP, 0),
    HANDLE_CALL_ROW(gossip_fail, GOSSIP, 0),
    HANDLE_CALL_ROW(request_respond_write, REQUEST, 0),
    HANDLE_CALL_ROW(request_respond_end, REQUEST, 0),
    HANDLE_CALL_ROW(request_respond_abort, REQUEST, 0),
    HANDLE_CALL_ROW(request_identify, REQUEST, 0),
    HANDLE_CALL_ROW(request_clusterize, REQUEST, 0),
    HANDLE_CALL_ROW(request_forward, REQUEST, 0),
    HANDLE_CALL_ROW(request_respond, REQUEST, 0),
    HANDLE_CALL_ROW(request_respond_begin, REQUEST, 0),
    HANDLE_CALL_ROW(request_connect, REQUEST, 0),
    HANDLE_CALL_ROW(socket_close, SOCKET, 0),
};
#define HANDLE_CALLS_COUNT (sizeof handle_calls / sizeof handle_calls[0])

static inline dog_status_t calls_identify(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  return dog_request_identify(request, "ann", 3);
}
static inline dog_status_t calls_receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  return dog_request_respond(request, 200, NULL, 0, NULL, 0);
}
static inline dog_status_t calls_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  return dog_request_respond(request, 200, NULL, 0, NULL, 0);
}

static inline dog_status_t call_engine_listen(dog_engine_t *engine) {
  uint16_t port = 0;
  return dog_engine_listen(engine, "127.0.0.1", 0, &port);
}
static inline dog_status_t call_engine_listen_with(dog_engine_t *engine) {
  dog_listen_options_t options;
  dog_listen_options_init(&options, sizeof options);
  return dog_engine_listen_with(engine, &options, NULL);
}
static inline dog_status_t call_engine_define_gateway(dog_engine_t *engine) {
  dog_gateway_class_t gateway;
  dog_gateway_class_init(&gateway, sizeof gateway);
  gateway.name = "OTHER";
  gateway.child = "OTHER_SHARD";
  gateway.limit = 1;
  gateway.identify = calls_identify;
  return dog_engine_define_gateway(engine, &gateway);
}
static inline dog_status_t call_engine_define_shard(dog_engine_t *engine) {
  dog_shard_class_t shard;
  dog_shard_class_init(&shard, sizeof shard);
  shard.name = "OTHER_SHARD";
  shard.parent = "OTHER";
  shard.receive = calls_receive;
  return dog_engine_define_shard(engine, &shard);
}
static inline dog_status_t call_engine_route(dog_engine_t *engine) {
  return dog_engine_route(engine, "/other/:name", "OTHER", NULL);
}
static inline dog_status_t call_engine_on_fetch(dog_engine_t *engine) {
  return dog_engine_on_fetch(engine, calls_fetch, NULL);
}
static inline dog_status_t call_engine_stats(dog_engine_t *engine) {
  dog_stats_t stats = {.size = sizeof stats};
  return dog_engine_stats(engine, &stats);
}
static inline dog_status_t call_gateway_find(dog_engine_t *engine) {
  dog_gateway_t gateway = 0;
  return dog_gateway_find(engine, "ROOM", 4, "nobody", 6, &gateway);
}
static inline dog_status_t call_engine_stop(dog_engine_t *engine) { return dog_engine_stop(engine, 0); }

static const engine_call_t engine_calls[] = {
    {"dog_engine_listen", call_engine_listen},
    {"dog_engine_listen_with", call_engine_listen_with},
    {"dog_engine_reload_certificates", dog_engine_reload_certificates},
    {"dog_engine_define_gateway", call_engine_define_gateway},
    {"dog_engine_define_shard", call_engine_define_shard},
    {"dog_engine_route", call_engine_route},
    {"dog_engine_on_fetch", call_engine_on_fetch},
    {"dog_engine_stats", call_engine_stats},
    {"dog_gateway_find", call_gateway_find},
    {"dog_engine_start", dog_engine_start},
    {"dog_engine_run", dog_engine_run},
    {"dog_engine_stop", call_engine_stop},
    {"dog_engine_destroy", dog_engine_destroy},
};
#define ENGINE_CALLS_COUNT (sizeof engine_calls / sizeof engine_calls[0])

#endif /* CALLS_H */
