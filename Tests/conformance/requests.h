/* requests.h - a Shard's receive, and what hangs on a Shard. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "gateways.h"

/* What hangs on a Shard, from onstart to onstop. */
typedef struct room {
  unsigned starts;
  const char *last;         /* name of the status that was kept last */
  dog_socket_t last_closed; /* 0: none */
} room_t;

static inline room_t *room_of(dog_shard_t shard) {
  void *data = NULL;
  must(dog_shard_data(shard, &data), "a Shard's data");
  return data;
}

static inline void shard_say(dog_shard_t shard, text_t text) {
  dog_shard_broadcast(shard, DOG_TEXT, text.bytes, text.length);
  free(text.bytes);
}

static inline view_t shard_id(dog_shard_t shard) {
  view_t id = {"", 0};
  dog_shard_id(shard, &id.bytes, &id.length);
  return id;
}

/* The status that a misuse gave. Its request has been answered by it, so the callback is well. */
static inline dog_status_t keep(dog_shard_t shard, dog_status_t status) {
  room_of(shard)->last = dog_status_name(status);
  return DOG_OK;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

#define LARGE_PARTS 64u
#define LARGE_PART_BYTES 65536u

typedef struct stream {
  dog_shard_t shard;
  text_t key;        /* empty: it is `large` */
  unsigned written;  /* parts of `large` */
} stream_t;

static inline void write_large(stream_t *stream, dog_request_t request) {
  static char part[LARGE_PART_BYTES];
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `part` */
  dog_status_t status = DOG_OK;
  pthread_mutex_lock(&lock);
  while (status == DOG_OK && stream->written < LARGE_PARTS) {
    memset(part, 'a' + (int)(stream->written % 26), sizeof part);
    status = dog_request_respond_write(request, part, sizeof part);
    if (status == DOG_OK) stream->written++;
  }
  pthread_mutex_unlock(&lock);
  /* DOG_EFULL: `writable` comes. DOG_ESTALE: the client has left, and `ended` comes. */
  if (status == DOG_OK) dog_request_respond_end(request);
}

static inline void writable(void *user, dog_request_t request) {
  stream_t *stream = user;
  if (stream->key.length == 0 && stream->written < LARGE_PARTS) write_large(stream, request);
}

static inline void ended(void *user, dog_request_t request, dog_status_t status) {
  (void)request;
  stream_t *stream = user;
  if (stream->key.length > 0) {
    text_t text = {0};
    text_add(&text, "over %s %s", stream->key.bytes, status == DOG_OK ? "whole" : "left");
    shard_say(stream->shard, text);
  }
  free(stream->key.bytes);
  free(stream);
}

static inline void resume_stream(dog_request_t request, view_t key) {
  (void)key;
  static const char part[] = "data: two\n\n";
  dog_request_respond_write(request, part, sizeof part - 1);
  dog_request_respond_end(request);
}

static inline dog_status_t begin_stream(dog_shard_t shard, dog_request_t request, view_t key, const char *type) {
  stream_t *stream = allocate(sizeof *stream);
  stream->shard = shard;
  text_put(&stream->key, key);
  dog_stream_options_t options;
  must(dog_stream_options_init(&options, sizeof options), "stream");
  options.user = stream;
  options.onwritable = host.writable;
  options.onend = host.ended;
  const dog_header_t header = {"Content-Type", 12, type, strlen(type)};
  dog_status_t status = dog_request_respond_begin(request, 200, &header, 1, &options);
  if (status != DOG_OK) {
    free(stream->key.bytes);
    free(stream); /* there will be no `ended` */
    return status == DOG_ESTALE ? DOG_OK : status;
  }
  if (key.length == 0) {
    write_large(stream, request);
  } else {
    static const char part[] = "data: one\n\n";
    dog_request_respond_write(request, part, sizeof part - 1);
    hold(key, request, resume_stream);
    shard_say(shard, held_text(key));
  }
  return DOG_OK;
}

/* ---- receive ----------------------------------------------------------------------------------------------------- */

static inline dog_status_t respond_info(dog_request_t request, const dog_header_t *id, unsigned starts) {
  view_t method = {"", 0}, target = {"", 0}, path = path_of(request), header = {"", 0}, uid = {"", 0}, body = {"", 0};
  const void *body_bytes = NULL;
  dog_request_method(request, &method.bytes, &method.length);
  dog_request_target(request, &target.bytes, &target.length);
  dog_request_header(request, "x-test", 6, &header.bytes, &header.length);
  dog_request_uid(request, &uid.bytes, &uid.length);
  if (dog_request_body(request, &body_bytes, &body.length) == DOG_OK) body.bytes = body_bytes;
  view_t q = query(request, "q");
  text_t text = {0};
  text_add(&text, "method %.*s\ntarget %.*s\npath %.*s\nquery ", SHOWN(method), SHOWN(target), SHOWN(path));
  text_put(&text, q);
  text_add(&text, "\nheader %.*s\nuid %.*s\nshard %.*s\nstarts %u\nbody ", SHOWN(header), SHOWN(uid),
           (int)id->value_length, id->value, starts);
  text_put(&text, body);
  text_put(&text, view_of("\n"));
  const dog_header_t headers[] = {*id, {"Content-Type", 12, "text/plain", 10}};
  dog_status_t status = dog_request_respond(request, 200, headers, 2, text.bytes, text.length);
  free(text.bytes);
  return status;
}

/* A client that asked for no WebSocket, or not as it should, was told so: the host has no part in it. */
static inline dog_status_t connect_socket(dog_request_t request, const dog_header_t *id) {
  dog_connect_options_t options;
  must(dog_connect_options_init(&options, sizeof options), "connect");
  options.headers = id;
  options.header_count = 1;
  view_t offered = {"", 0};
  for (size_t index = 0; dog_request_protocol_at(request, index, &offered.bytes, &offered.length) == DOG_OK; index++) {
    if (is(offered, "dog.v1")) options.protocol = "dog.v1", options.protocol_length = 6;
  }
  dog_status_t status = dog_request_connect(request, &options);
  return status == DOG_EUPGRADE ? DOG_OK : status;
}

static inline dog_status_t connect_never_offered(dog_request_t request) {
  dog_connect_options_t options;
  must(dog_connect_options_init(&options, sizeof options), "connect");
  options.protocol = "never-offered", options.protocol_length = 13;
  return dog_request_connect(request, &options);
}

static inline dog_status_t receive(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user;
  static const dog_header_t bad = {"X-Bad", 5, "a\r\nb", 4};
  view_t rest = path_of(request);
  cut(&rest, '/'), cut(&rest, '/'), cut(&rest, '/');
  view_t verb = cut(&rest, '/'), argument = cut(&rest, '/');
  view_t id_value = shard_id(shard);
  const dog_header_t id = {"X-Shard", 7, id_value.bytes, id_value.length};

  if (verb.length == 0 || is(verb, "ws")) return connect_socket(request, &id);
  if (is(verb, "info")) return respond_info(request, &id, room_of(shard)->starts);
  if (is(verb, "status")) return dog_request_respond(request, (int)number(argument), &id, 1, NULL, 0);
  if (is(verb, "never")) return DOG_OK;
  if (is(verb, "broken")) return DOG_EINVAL;
  if (is(verb, "stream")) return begin_stream(shard, request, argument, "text/event-stream");
  if (is(verb, "large")) return begin_stream(shard, request, view_of(""), "application/octet-stream");
  if (is(verb, "bad-status")) return keep(shard, dog_request_respond(request, 99, NULL, 0, "x", 1));
  if (is(verb, "bad-header")) return keep(shard, dog_request_respond(request, 200, &bad, 1, NULL, 0));
  if (is(verb, "bad-protocol")) return keep(shard, connect_never_offered(request));
  if (is(verb, "twice")) {
    respond(request, 200, view_of("first"));
    return keep(shard, respond(request, 200, view_of("second")));
  }
  if (is(verb, "hold")) {
    hold(argument, request, resume_respond);
    shard_say(shard, held_text(argument));
    return DOG_OK;
  }
  text_t body = {0};
  text_add(&body, "no %.*s", SHOWN(verb));
  dog_status_t status = respond(request, 404, (view_t){body.bytes, body.length});
  free(body.bytes);
  return status;
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static inline dog_status_t onstart(void *user, dog_shard_t shard) {
  (void)user;
  room_t *room = room_of(shard);
  if (room == NULL) {
    room = allocate(sizeof *room);
    room->last = "none";
    must(dog_shard_set_data(shard, room), "a Shard's data");
  }
  room->starts++;
  atomic_fetch_add(&host.starts, 1);
  return DOG_OK;
}

static inline void onstop(void *user, dog_shard_t shard) {
  (void)user;
  view_t id = shard_id(shard);
  text_t text = {0};
  text_add(&text, "stopped %.*s", SHOWN(id));
  dog_gateway_t gateway = 0;
  if (dog_shard_gateway(shard, &gateway) == DOG_OK) dog_gateway_broadcast(gateway, DOG_TEXT, text.bytes, text.length);
  free(text.bytes);
  free(room_of(shard));
  atomic_fetch_add(&host.stops, 1);
}

#endif /* REQUESTS_H */
