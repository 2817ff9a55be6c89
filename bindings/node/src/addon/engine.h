/*
 * engine.h - one engine of an environment: its watcher in Node's loop, and the batch on its way to JavaScript.
 *
 * Who owns it: the external value that JavaScript holds, and the watcher while it is in the loop. Each holds one of
 * `owners`, and the last to let go frees it. While the engine runs, the loop keeps JavaScript's part alive too, by a
 * strong reference to the function that takes the events.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <uv.h>

#include "addon.h"
#include "table.h"

/* Events of one crossing into JavaScript. What waits longer is taken in the loop's next turns, so timers and other
 * sockets get theirs; microtasks run between crossings. */
#define BATCH_EVENTS 256
/* An event is at most two records, with at most so many values (texts, buffers) together. */
#define BATCH_RECORDS (2 * BATCH_EVENTS)
#define BATCH_VALUES (4 * BATCH_EVENTS)
/* The numbers that a record is, in this order. */
enum { FIELD_TYPE, FIELD_NUMBER, FIELD_LOW, FIELD_HIGH, FIELD_A, FIELD_B, BATCH_FIELDS };
/* Where, behind all records, JavaScript says how many events it takes: 1 to BATCH_EVENTS. */
#define BATCH_ROOM (BATCH_RECORDS * BATCH_FIELDS)

/* Types of records that dog.h does not have. */
#define RECORD_GATEWAY 100 /* a Gateway that was not seen before */
#define RECORD_SLAB 101    /* the memory that short binary messages are views of from now on */

/* As Node's own Buffer.poolSize: a view that is kept keeps no more alive. What is longer than a half has its own. */
#define SLAB_BYTES 8192
#define SLAB_MESSAGE_BYTES_MAX (SLAB_BYTES / 2)

typedef enum watch_state {
  WATCH_NONE = 0, /* not in the loop: before start, and once stopped */
  WATCH_ON,       /* events are taken as they come */
  WATCH_PAUSED,   /* in the loop, which it keeps alive, but takes none */
} watch_state_t;

typedef struct engine {
  addon_t *addon;
  napi_env env;
  dog_engine_t *dog; /* once it is destroyed too: libdog says DOG_ESTALE then */
  bool is_destroyed;
  int owners;
  watch_state_t watch;
  uv_poll_t poll;
  napi_async_cleanup_hook_handle hook; /* from engine_watch until the watcher is closed */
  napi_ref dispatch;                   /* the function that takes events, from engine_watch until the end */
  napi_async_context context;          /* likewise; NULL before and after */
  bool is_delivering;                  /* `dispatch` runs, in `context` */
  char *slab_bytes;                    /* NULL: none was needed yet */
  size_t slab_used;
  napi_ref slab;                       /* the ArrayBuffer at slab_bytes, if there is one */
  table_t numbers;                     /* of Gateways, Shards and sockets */
  int32_t *fields;                     /* BATCH_ROOM + 1 of them: an Int32Array that JavaScript keeps */
  dog_event_t events[BATCH_EVENTS];
} engine_t;

/* A batch that is being written down. */
typedef struct batch {
  engine_t *engine;
  napi_env env;
  size_t records;
  size_t values;
  /* The arguments of the call: how many records there are, then the values of all of them in a row. */
  napi_value arguments[1 + BATCH_VALUES];
} batch_t;

/* In batch.c: writes down one event. */
void batch_event(batch_t *batch, const dog_event_t *event);

/* In watch.c. */

/* Takes what waits, at most one batch, and gives it to `dispatch`. */
void engine_deliver(engine_t *engine, napi_value dispatch);

/* Puts the engine into Node's loop. False: an exception is pending. */
bool engine_watch(engine_t *engine, napi_value dispatch);
/* Set whether events are taken, and whether the engine keeps the loop alive; do nothing if it is not in the loop. */
void engine_pause(engine_t *engine, bool is_paused);
void engine_reference(engine_t *engine, bool is_referenced);
/* Ends the engine, unless that was done, and takes its watcher out of the loop. JavaScript calls it at the last event
 * or earlier; else the end of the environment does. */
void engine_end(engine_t *engine);
/* One owner lets go. */
void engine_release(engine_t *engine);

#endif /* ENGINE_H */
