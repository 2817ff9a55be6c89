/*
 * watch.c - the engine in Node's loop.
 *
 * Its wait_fd is watched like any socket of Node's; when it is readable one batch is taken and given to JavaScript in
 * one call. No thread stands between, and no other thread ever enters JavaScript.
 */
#include <stdlib.h>

#include "engine.h"

/* The other end's hang-up, which does not come as long as the engine lives: a watcher for it keeps the loop alive and
 * is never called. */
#define NEVER UV_DISCONNECT

void engine_release(engine_t *engine) {
  if (--engine->owners > 0) return;
  table_free(&engine->numbers);
  free(engine);
}

static void on_closed(uv_handle_t *poll) {
  engine_t *engine = poll->data;
  napi_async_cleanup_hook_handle hook = engine->hook;
  engine_release(engine);
  if (hook != NULL) napi_remove_async_cleanup_hook(hook);
}

/* Releases what JavaScript is called by, unless it is being called or watched for. */
static void let_go(engine_t *engine) {
  if (engine->context == NULL || engine->is_delivering || engine->watch != WATCH_NONE) return;
  napi_delete_reference(engine->env, engine->dispatch);
  napi_async_destroy(engine->env, engine->context);
  engine->context = NULL;
  if (engine->slab_bytes != NULL) napi_delete_reference(engine->env, engine->slab);
  engine->slab_bytes = NULL;
}

void engine_end(engine_t *engine) {
  if (engine->watch != WATCH_NONE) {
    engine->watch = WATCH_NONE;
    /* Before the engine goes, and with it the descriptor. */
    uv_poll_stop(&engine->poll);
    uv_close((uv_handle_t *)&engine->poll, on_closed);
    let_go(engine);
  }
  if (!engine->is_destroyed) dog.engine_destroy(engine->dog);
  engine->is_destroyed = true;
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* An exception of `dispatch` itself, which catches those of handlers: Node gets it as any other. */
static void raise_exception(napi_env env) {
  bool is_pending = false; /* it is not where a Worker is being terminated */
  napi_value exception = NULL;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && is_pending &&
      napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
    napi_fatal_exception(env, exception);
  }
}

void engine_deliver(engine_t *engine, napi_value dispatch) {
  if (engine->is_destroyed) return;
  size_t count = 0, room = (size_t)engine->fields[BATCH_ROOM];
  if (room > BATCH_EVENTS) room = BATCH_EVENTS;
  if (dog.engine_poll(engine->dog, engine->events, room, 0, &count) != DOG_OK || count == 0) return;

  batch_t batch;
  batch.engine = engine;
  batch.env = engine->env;
  batch.records = batch.values = 0;
  for (size_t index = 0; index < count; index++) batch_event(&batch, &engine->events[index]);
  batch.arguments[0] = make_int(engine->env, (int64_t)batch.records);

  napi_value receiver = NULL;
  napi_get_global(engine->env, &receiver);
  napi_status status;
  engine->owners++;
  engine->is_delivering = true;
  if (engine->watch != WATCH_NONE) {
    status = napi_make_callback(engine->env, engine->context, receiver, dispatch, 1 + batch.values, batch.arguments,
                                NULL);
  } else { /* called by JavaScript, before start */
    status = napi_call_function(engine->env, receiver, dispatch, 1 + batch.values, batch.arguments, NULL);
  }
  if (status == napi_pending_exception) raise_exception(engine->env);
  table_settle(&engine->numbers); /* JavaScript has heard of all that is gone */
  engine->is_delivering = false;
  let_go(engine);
  engine_release(engine);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events; /* an error shows in dog_engine_poll */
  engine_t *engine = poll->data;
  napi_handle_scope scope = NULL;
  napi_value dispatch = NULL;
  if (napi_open_handle_scope(engine->env, &scope) != napi_ok) return;
  if (napi_get_reference_value(engine->env, engine->dispatch, &dispatch) == napi_ok && dispatch != NULL) {
    engine_deliver(engine, dispatch);
  }
  napi_close_handle_scope(engine->env, scope);
}

/* ---- in and out of the loop -------------------------------------------------------------------------------------- */

/* The environment ends: process.exit() in a Worker, worker.terminate(), or the end of the program. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook; /* on_closed removes it */
  engine_end(data);
}

bool engine_watch(engine_t *engine, napi_value dispatch) {
  int fd = -1;
  uv_loop_t *loop = NULL;
  napi_value name = NULL;
  napi_create_string_utf8(engine->env, "dog", NAPI_AUTO_LENGTH, &name);
  if (dog.engine_wait_fd(engine->dog, &fd) != DOG_OK || napi_get_uv_event_loop(engine->env, &loop) != napi_ok ||
      napi_async_init(engine->env, NULL, name, &engine->context) != napi_ok) {
    napi_throw_error(engine->env, NULL, "the engine cannot be watched");
    return false;
  }
  napi_create_reference(engine->env, dispatch, 1, &engine->dispatch);
  if (uv_poll_init(loop, &engine->poll, fd) != 0) {
    let_go(engine);
    napi_throw_error(engine->env, NULL, "Node's loop cannot watch the engine");
    return false;
  }
  engine->poll.data = engine;
  engine->owners++;
  engine->watch = WATCH_ON;
  uv_poll_start(&engine->poll, UV_READABLE, on_readable);
  napi_add_async_cleanup_hook(engine->env, on_cleanup, engine, &engine->hook);
  return true;
}

void engine_pause(engine_t *engine, bool is_paused) {
  if (engine->watch == WATCH_NONE) return;
  engine->watch = is_paused ? WATCH_PAUSED : WATCH_ON;
  uv_poll_start(&engine->poll, is_paused ? NEVER : UV_READABLE, on_readable);
}

void engine_reference(engine_t *engine, bool is_referenced) {
  if (engine->watch == WATCH_NONE) return;
  if (is_referenced) {
    uv_ref((uv_handle_t *)&engine->poll);
  } else {
    uv_unref((uv_handle_t *)&engine->poll);
  }
}
