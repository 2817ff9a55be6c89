/*
 * batch.c - events as JavaScript gets them: a few integers each, and the texts and buffers of all in one row.
 *
 *   record          number    low, high    a          b        values
 *   GATEWAY         gateway   its handle   -          class    name
 *   FETCH           -         request      -          -        method, target
 *   IDENTIFY        gateway   request      -          -        method, target
 *   CLUSTERIZE      gateway   request      -          -        method, target, uid
 *   RECEIVE         shard     request      -          -        method, target, uid
 *   GOSSIP          shard     gossip       -          -        question
 *   START           shard     its handle   gateway    class    id
 *   STOP            shard     -            -          -
 *   RETIRE          gateway   -            -          -
 *   OPEN            socket    its handle   shard      -        uid
 *   MESSAGE         socket    -            -          -        string or Buffer
 *                   socket    -            1+offset   length   -, a view of the slab
 *   SLAB            -         -            -          -        ArrayBuffer
 *   CLOSE           socket    -            code       clean    reason
 *   ERROR           socket    -            status     -
 *   DRAIN           socket    count        -          -
 *   WHISPERED       token     count        status     -
 *   GOSSIPED        token     -            status     -        [id, status, answer, id, status, answer, ...]
 *   WRITABLE        token     -            -          -
 *   ENDED           token     -            status     -
 *   LOG             -         -            level      -        line
 *   STOPPED         -         -            -          -
 *
 * "number" is of the engine's table; STOP, RETIRE and CLOSE are the last to name theirs. A token is the `user` of the
 * call that asked. -1 is "none": JavaScript has lost it, or there was no memory for it.
 */
#include <string.h>

#include "engine.h"

static int32_t *add_record(batch_t *batch, int32_t type, uint32_t number, uint64_t handle) {
  int32_t *fields = batch->engine->fields + batch->records++ * BATCH_FIELDS;
  fields[FIELD_TYPE] = type;
  fields[FIELD_NUMBER] = (int32_t)number;
  fields[FIELD_LOW] = (int32_t)(uint32_t)handle;
  fields[FIELD_HIGH] = (int32_t)(uint32_t)(handle >> 32);
  fields[FIELD_A] = 0;
  fields[FIELD_B] = 0;
  return fields;
}

/* The `user` of an event as the number that it is: a class's index, or a token. */
static uint32_t token(const dog_event_t *event) { return (uint32_t)(uintptr_t)event->user; }

static void add_value(batch_t *batch, napi_value value) { batch->arguments[1 + batch->values++] = value; }

static void add_text(batch_t *batch, const void *bytes, size_t length) {
  add_value(batch, make_text(batch->env, bytes, length));
}

/* What a getter of a request says; undefined where it says nothing. */
static void add_text_of(batch_t *batch, dog_request_t request,
                        dog_status_t (*getter)(dog_request_t, const char **, size_t *)) {
  const char *bytes = NULL;
  size_t length = 0;
  if (getter(request, &bytes, &length) == DOG_OK) {
    add_text(batch, bytes, length);
  } else {
    add_value(batch, make_undefined(batch->env));
  }
}

static void add_data(batch_t *batch, const dog_event_t *event) { add_text(batch, event->data, event->length); }

static void add_request(batch_t *batch, const dog_event_t *event, uint32_t number) {
  add_record(batch, (int32_t)event->type, number, event->request);
  add_text_of(batch, event->request, dog.request_method);
  add_text_of(batch, event->request, dog.request_target);
}

/* The number of an event's Gateway, which is told first where it is new. */
static uint32_t gateway_number(batch_t *batch, const dog_event_t *event) {
  table_t *numbers = &batch->engine->numbers;
  uint32_t number = table_find(numbers, event->gateway);
  if (number != TABLE_NONE) return number;
  number = table_add(numbers, event->gateway);
  if (number != TABLE_NONE) {
    add_record(batch, RECORD_GATEWAY, number, event->gateway)[FIELD_B] = (int32_t)token(event);
    if (event->type == DOG_EVENT_START) {
      add_text_of(batch, event->gateway, dog.gateway_name);
    } else {
      add_text(batch, event->data, event->length); /* identify and clusterize bring it */
    }
  }
  return number;
}

static uint32_t find(batch_t *batch, uint64_t handle) { return table_find(&batch->engine->numbers, handle); }
static uint32_t add(batch_t *batch, uint64_t handle) { return table_add(&batch->engine->numbers, handle); }
static uint32_t take_out(batch_t *batch, uint64_t handle) { return table_remove(&batch->engine->numbers, handle); }

static void add_results(batch_t *batch, const dog_event_t *event) {
  napi_value results = NULL;
  napi_create_array_with_length(batch->env, 3 * (size_t)event->count, &results);
  for (uint32_t index = 0; index < event->count; index++) {
    const dog_gossip_result_t *result = &event->results[index];
    napi_set_element(batch->env, results, 3 * index,
                     make_text(batch->env, result->shard_id, result->shard_id_length));
    napi_set_element(batch->env, results, 3 * index + 1, make_int(batch->env, result->status));
    napi_set_element(batch->env, results, 3 * index + 2, make_text(batch->env, result->data, result->length));
  }
  add_value(batch, results);
}

/* Another slab, told to JavaScript. False: there is no memory for it. */
static bool renew_slab(batch_t *batch) {
  engine_t *engine = batch->engine;
  napi_value slab = NULL;
  void *bytes = NULL;
  if (engine->slab_bytes != NULL) napi_delete_reference(batch->env, engine->slab);
  engine->slab_bytes = NULL;
  if (napi_create_arraybuffer(batch->env, SLAB_BYTES, &bytes, &slab) != napi_ok ||
      napi_create_reference(batch->env, slab, 1, &engine->slab) != napi_ok) {
    return false;
  }
  engine->slab_bytes = bytes;
  engine->slab_used = 0;
  add_record(batch, RECORD_SLAB, TABLE_NONE, 0);
  add_value(batch, slab);
  return true;
}

/* A Buffer of its own costs more than all else on a short message's way: it becomes a view of memory of many. */
static void add_binary(batch_t *batch, const dog_event_t *event, uint32_t socket) {
  engine_t *engine = batch->engine;
  bool fits = event->length <= SLAB_MESSAGE_BYTES_MAX;
  if (fits && (engine->slab_bytes == NULL || SLAB_BYTES - engine->slab_used < event->length)) fits = renew_slab(batch);
  int32_t *fields = add_record(batch, DOG_EVENT_MESSAGE, socket, 0);
  if (!fits) {
    add_value(batch, make_buffer(batch->env, event->data, event->length));
    return;
  }
  memcpy(engine->slab_bytes + engine->slab_used, event->data, event->length);
  fields[FIELD_A] = 1 + (int32_t)engine->slab_used;
  fields[FIELD_B] = (int32_t)event->length;
  engine->slab_used += (event->length + 7) & ~(size_t)7; /* the next begins as aligned as if it were alone */
  if (engine->slab_used > SLAB_BYTES) engine->slab_used = SLAB_BYTES;
}

static void add_message(batch_t *batch, const dog_event_t *event) {
  uint32_t socket = find(batch, event->socket);
  if (event->kind == DOG_BINARY) {
    add_binary(batch, event, socket);
  } else {
    add_record(batch, DOG_EVENT_MESSAGE, socket, 0);
    add_data(batch, event);
  }
}

static void add_start(batch_t *batch, const dog_event_t *event) {
  uint32_t gateway = gateway_number(batch, event);
  int32_t *fields = add_record(batch, DOG_EVENT_START, add(batch, event->shard), event->shard);
  fields[FIELD_A] = (int32_t)gateway;
  fields[FIELD_B] = (int32_t)token(event);
  add_data(batch, event);
}

void batch_event(batch_t *batch, const dog_event_t *event) {
  int32_t *fields = NULL;
  switch (event->type) {
    case DOG_EVENT_FETCH: add_request(batch, event, TABLE_NONE); break;
    case DOG_EVENT_IDENTIFY: add_request(batch, event, gateway_number(batch, event)); break;
    case DOG_EVENT_CLUSTERIZE:
      add_request(batch, event, gateway_number(batch, event));
      add_text_of(batch, event->request, dog.request_uid);
      break;
    case DOG_EVENT_RECEIVE:
      add_request(batch, event, find(batch, event->shard));
      add_data(batch, event);
      break;
    case DOG_EVENT_GOSSIP:
      add_record(batch, DOG_EVENT_GOSSIP, find(batch, event->shard), event->gossip);
      add_data(batch, event);
      break;
    case DOG_EVENT_START: add_start(batch, event); break;
    case DOG_EVENT_STOP: add_record(batch, DOG_EVENT_STOP, take_out(batch, event->shard), 0); break;
    case DOG_EVENT_RETIRE: add_record(batch, DOG_EVENT_RETIRE, take_out(batch, event->gateway), 0); break;
    case DOG_EVENT_OPEN:
      fields = add_record(batch, DOG_EVENT_OPEN, add(batch, event->socket), event->socket);
      fields[FIELD_A] = (int32_t)find(batch, event->shard);
      add_data(batch, event);
      break;
    case DOG_EVENT_MESSAGE: add_message(batch, event); break;
    case DOG_EVENT_CLOSE:
      fields = add_record(batch, DOG_EVENT_CLOSE, take_out(batch, event->socket), 0);
      fields[FIELD_A] = (int32_t)event->code;
      fields[FIELD_B] = (int32_t)event->clean;
      add_data(batch, event);
      break;
    case DOG_EVENT_ERROR:
      add_record(batch, DOG_EVENT_ERROR, find(batch, event->socket), 0)[FIELD_A] = event->status;
      break;
    case DOG_EVENT_DRAIN: add_record(batch, DOG_EVENT_DRAIN, find(batch, event->socket), event->count); break;
    case DOG_EVENT_WHISPERED:
      add_record(batch, DOG_EVENT_WHISPERED, token(event), event->count)[FIELD_A] = event->status;
      break;
    case DOG_EVENT_GOSSIPED:
      add_record(batch, DOG_EVENT_GOSSIPED, token(event), 0)[FIELD_A] = event->status;
      add_results(batch, event);
      break;
    case DOG_EVENT_WRITABLE: add_record(batch, DOG_EVENT_WRITABLE, token(event), 0); break;
    case DOG_EVENT_ENDED:
      add_record(batch, DOG_EVENT_ENDED, token(event), 0)[FIELD_A] = event->status;
      break;
    case DOG_EVENT_LOG:
      add_record(batch, DOG_EVENT_LOG, TABLE_NONE, 0)[FIELD_A] = (int32_t)event->code;
      add_data(batch, event);
      break;
    case DOG_EVENT_STOPPED: add_record(batch, DOG_EVENT_STOPPED, TABLE_NONE, 0); break;
    case DOG_EVENT_CALL: break; /* of dog_shard_post and dog_shard_after, which nobody here calls */
    case DOG_EVENT_TYPE_MAX: break;
  }
}
