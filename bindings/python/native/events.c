/*
 * events.c - delivers what waits in the engine's queue: one poll, and one call of Python for each event.
 *
 * Messages, the most frequent events, go straight to the Shard's onmessage. Every other event goes to the function
 * that the package gave for its type. If a handler raises an Exception, `onfailure` is told. KeyboardInterrupt and
 * SystemExit end the delivery; the events that are left wait for the next one.
 */
#include "native.h"

static unsigned long long token_of(const dog_event_t *event) { return (uintptr_t)event->user; }

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static PyObject *message_of(const dog_event_t *event) {
  if (event->kind == DOG_TEXT) return PyUnicode_DecodeUTF8(event->data, (Py_ssize_t)event->length, NULL);
  return PyBytes_FromStringAndSize(event->data, (Py_ssize_t)event->length);
}

/* Calls and forgets the result. 0, or -1 with an exception. */
static int call_two(PyObject *callable, PyObject *one, PyObject *other) {
  PyObject *result = PyObject_CallFunctionObjArgs(callable, one, other, NULL);
  Py_XDECREF(result);
  return result == NULL ? -1 : 0;
}

/* Hands the exception that is set to `onfailure`, unless it is one that ends the program. */
static int tell_failure(engine_object_t *self, PyObject *socket) {
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return -1;
  PyObject *type = NULL, *value = NULL, *traceback = NULL;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != NULL) PyException_SetTraceback(value, traceback);
  int status = call_two(self->onfailure, socket, value);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  return status;
}

static PyObject *onmessage_name;

static int deliver_message(engine_object_t *self, const dog_event_t *event) {
  PyObject *socket = table_find(&self->sockets, event->socket);
  if (socket == NULL) return 0;
  shard_object_t *shard = (shard_object_t *)((socket_object_t *)socket)->shard;
  if (shard == NULL) return 0;
  PyObject *data = message_of(event);
  if (data == NULL) return -1;
  /* The handler may close the engine's last reference to either. */
  Py_INCREF(socket);
  Py_INCREF(shard);
  int status = 0;
  if (shard->is_ordered || (shard->is_behind && !shard->is_onmessage_async)) {
    status = call_two(self->onbehind, socket, data);
  } else {
    PyObject *result = PyObject_CallMethodObjArgs((PyObject *)shard, onmessage_name, socket, data, NULL);
    if (result == NULL) {
      status = tell_failure(self, socket);
    } else if (result != Py_None) {
      status = call_two(self->onresult, socket, result);
    }
    Py_XDECREF(result);
  }
  Py_DECREF(shard);
  Py_DECREF(socket);
  Py_DECREF(data);
  return status;
}

/* ---- all other events -------------------------------------------------------------------------------------------- */

static PyObject *result_tuple(const dog_gossip_result_t *result) {
  return Py_BuildValue("s#iy#", result->shard_id, (Py_ssize_t)result->shard_id_length, (int)result->status,
                       result->data == NULL ? "" : result->data, (Py_ssize_t)result->length);
}

/* (token, status, [(shard_id, status, data), ...]) */
static PyObject *gossiped_arguments(const dog_event_t *event) {
  PyObject *list = PyList_New(0);
  for (uint64_t index = 0; list != NULL && index < event->count; index++) {
    PyObject *result = result_tuple(&event->results[index]);
    if (result == NULL || PyList_Append(list, result) < 0) Py_CLEAR(list);
    Py_XDECREF(result);
  }
  return list == NULL ? NULL : Py_BuildValue("KiN", token_of(event), (int)event->status, list);
}

static PyObject *socket_arguments(PyObject *socket, const dog_event_t *event) {
  switch (event->type) {
    case DOG_EVENT_CLOSE:
      return Py_BuildValue("OIs#N", socket, (unsigned)event->code, event->data, (Py_ssize_t)event->length,
                           PyBool_FromLong((long)event->clean));
    case DOG_EVENT_ERROR: return Py_BuildValue("Oi", socket, (int)event->status);
    default: return Py_BuildValue("OK", socket, (unsigned long long)event->count);
  }
}

static PyObject *arguments_of(const dog_event_t *event) {
  unsigned long long gateway = event->gateway, shard = event->shard, request = event->request;
  Py_ssize_t length = (Py_ssize_t)event->length;
  switch (event->type) {
    case DOG_EVENT_FETCH: return Py_BuildValue("(K)", request);
    case DOG_EVENT_IDENTIFY:
    case DOG_EVENT_CLUSTERIZE:
      return Py_BuildValue("KKKs#", token_of(event), gateway, request, event->data, length);
    case DOG_EVENT_RETIRE: return Py_BuildValue("(K)", gateway);
    case DOG_EVENT_RECEIVE: return Py_BuildValue("KKs#", shard, request, event->data, length);
    case DOG_EVENT_GOSSIP: return Py_BuildValue("KKs#", shard, (unsigned long long)event->gossip, event->data, length);
    case DOG_EVENT_START: return Py_BuildValue("KKKs#", token_of(event), gateway, shard, event->data, length);
    case DOG_EVENT_STOP: return Py_BuildValue("(K)", shard);
    case DOG_EVENT_OPEN: {
      void *token = NULL; /* that of connect; 0 without one, or if it cannot be read */
      if (dog_socket_data(event->socket, &token) != DOG_OK) token = NULL;
      return Py_BuildValue("KKs#K", shard, (unsigned long long)event->socket, event->data, length,
                           (unsigned long long)(uintptr_t)token);
    }
    case DOG_EVENT_WHISPERED:
      return Py_BuildValue("KiK", token_of(event), (int)event->status, (unsigned long long)event->count);
    case DOG_EVENT_GOSSIPED: return gossiped_arguments(event);
    case DOG_EVENT_WRITABLE: return Py_BuildValue("(K)", request);
    case DOG_EVENT_ENDED: return Py_BuildValue("Ki", request, (int)event->status);
    case DOG_EVENT_LOG: {
      PyObject *line = PyUnicode_DecodeUTF8(event->data, length, "replace");
      return line == NULL ? NULL : Py_BuildValue("IN", (unsigned)event->code, line);
    }
    default: return PyTuple_New(0);
  }
}

/* The socket that an event is about, taken out of the table by its last event. NULL if it is about none, or an unknown
 * one. */
static PyObject *socket_of(engine_object_t *self, const dog_event_t *event) {
  if (event->type == DOG_EVENT_CLOSE) {
    PyObject *socket = table_take(&self->sockets, event->socket);
    if (socket != NULL) ((socket_object_t *)socket)->is_closed = 1;
    return socket;
  }
  PyObject *socket = table_find(&self->sockets, event->socket);
  Py_XINCREF(socket);
  return socket;
}

static int deliver_other(engine_object_t *self, const dog_event_t *event) {
  PyObject *handler = (int)event->type < EVENT_TYPES ? self->handlers[event->type] : NULL;
  if (handler == NULL) return 0; /* of a later libdog, or without set_handlers */
  PyObject *arguments = NULL;
  if (event->type == DOG_EVENT_CLOSE || event->type == DOG_EVENT_ERROR || event->type == DOG_EVENT_DRAIN) {
    PyObject *socket = socket_of(self, event);
    if (socket == NULL) return 0;
    arguments = socket_arguments(socket, event);
    Py_DECREF(socket);
  } else {
    arguments = arguments_of(event);
  }
  if (arguments == NULL) return -1;
  Py_INCREF(handler);
  PyObject *result = PyObject_CallObject(handler, arguments);
  Py_DECREF(handler);
  Py_DECREF(arguments);
  Py_XDECREF(result);
  return result == NULL ? -1 : 0;
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

/*
 * Delivers what the last poll has left, else polls, without waiting, and delivers that; stops early if a handler sets
 * is_paused. Gives how many events were delivered. The events' memory is the engine's until the next poll, so the
 * engine cannot be closed meanwhile.
 */
PyObject *engine_deliver(PyObject *object, PyObject *unused) {
  (void)unused;
  engine_object_t *self = (engine_object_t *)object;
  if (self->engine == NULL) return raise_ended();
  if (self->is_delivering) return raise_status(DOG_ESTATE);
  if (onmessage_name == NULL) onmessage_name = PyUnicode_InternFromString("onmessage");
  if (onmessage_name == NULL) return NULL;
  if (self->next == self->count) {
    self->next = self->count = 0;
    dog_status_t status = dog_engine_poll(self->engine, self->events, EVENTS_AT_ONCE, 0, &self->count);
    if (status != DOG_OK) {
      self->count = 0;
      return raise_status(status);
    }
  }
  size_t first = self->next;
  int status = 0;
  self->is_delivering = 1;
  while (status == 0 && self->next < self->count && !self->is_paused) {
    const dog_event_t *event = &self->events[self->next++];
    status = event->type == DOG_EVENT_MESSAGE ? deliver_message(self, event) : deliver_other(self, event);
  }
  self->is_delivering = 0;
  return status < 0 ? NULL : PyLong_FromSize_t(self->next - first);
}
