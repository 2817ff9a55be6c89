/*
 * engine.c - Engine: an engine that delivers events, from its options to its end. setup.c has what it is given before
 * it starts, events.c delivers.
 */
#include "native.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <structmember.h>

static engine_object_t *engine_of(PyObject *self) { return (engine_object_t *)self; }

dog_engine_t *engine_alive(PyObject *object) {
  dog_engine_t *engine = engine_of(object)->engine;
  if (engine == NULL) raise_ended();
  return engine;
}

/* ---- begin and end ----------------------------------------------------------------------------------------------- */

static int create(engine_object_t *self, PyObject *values) {
  keeper_t keeper = {NULL};
  dog_options_t options;
  dog_status_t status = dog_options_init(&options, sizeof options);
  if (status != DOG_OK) {
    raise_status(status);
    return -1;
  }
  options.delivery = DOG_DELIVERY_EVENTS;
  int result = members_set(&options, option_members, values, "an engine", &keeper);
  if (result == 0 && (status = dog_engine_create(&options, &self->engine)) != DOG_OK) {
    raise_reason(status);
    result = -1;
  }
  keeper_clear(&keeper);
  return result;
}

/* (options): a dict with the names of dog_options_t. */
static int engine_tp_init(PyObject *object, PyObject *args, PyObject *kwargs) {
  engine_object_t *self = engine_of(object);
  PyObject *options = NULL;
  static char *names[] = {"", NULL};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!", names, &PyDict_Type, &options)) return -1;
  if (self->engine != NULL) {
    raise_status(DOG_ESTATE);
    return -1;
  }
  if (self->events == NULL) self->events = calloc(EVENTS_AT_ONCE, sizeof *self->events);
  if (self->events == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  return create(self, options);
}

static int engine_traverse(PyObject *object, visitproc visit, void *arg) {
  engine_object_t *self = engine_of(object);
  Py_VISIT(Py_TYPE(object));
  for (size_t type = 0; type < EVENT_TYPES; type++) Py_VISIT(self->handlers[type]);
  Py_VISIT(self->onresult);
  Py_VISIT(self->onfailure);
  Py_VISIT(self->onbehind);
  return table_visit(&self->sockets, visit, arg);
}

static int engine_clear(PyObject *object) {
  engine_object_t *self = engine_of(object);
  for (size_t type = 0; type < EVENT_TYPES; type++) Py_CLEAR(self->handlers[type]);
  Py_CLEAR(self->onresult);
  Py_CLEAR(self->onfailure);
  Py_CLEAR(self->onbehind);
  table_clear(&self->sockets);
  return 0;
}

/* Joins the workers of an engine that runs. They never need the GIL, but others may while this waits. */
static dog_status_t destroy(engine_object_t *self) {
  dog_engine_t *engine = self->engine;
  dog_status_t status = DOG_OK;
  self->engine = NULL;
  self->next = self->count = 0;
  if (engine == NULL) return DOG_OK;
  Py_BEGIN_ALLOW_THREADS
  status = dog_engine_destroy(engine);
  Py_END_ALLOW_THREADS
  return status;
}

static void engine_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  destroy(engine_of(object));
  engine_clear(object);
  free(engine_of(object)->events);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static PyObject *engine_close(PyObject *object, PyObject *unused) {
  (void)unused;
  engine_object_t *self = engine_of(object);
  if (self->is_delivering) return raise_status(DOG_ESTATE);
  dog_status_t status = destroy(self);
  engine_clear(object);
  return none_or_raise(status);
}

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

/* (handlers, onresult, onfailure, onbehind): a dict of event types and callables; every type but that of messages. */
static PyObject *engine_set_handlers(PyObject *object, PyObject *args) {
  engine_object_t *self = engine_of(object);
  PyObject *handlers = NULL, *onresult = NULL, *onfailure = NULL, *onbehind = NULL;
  if (!PyArg_ParseTuple(args, "O!OOO", &PyDict_Type, &handlers, &onresult, &onfailure, &onbehind)) return NULL;
  for (int type = 1; type < EVENT_TYPES; type++) {
    if (type == DOG_EVENT_MESSAGE) continue;
    PyObject *key = PyLong_FromLong(type);
    if (key == NULL) return NULL;
    PyObject *handler = PyDict_GetItemWithError(handlers, key);
    Py_DECREF(key);
    if (handler == NULL) {
      if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "no handler for events of type %d", type);
      return NULL;
    }
    set_reference(&self->handlers[type], handler);
  }
  set_reference(&self->onresult, onresult);
  set_reference(&self->onfailure, onfailure);
  set_reference(&self->onbehind, onbehind);
  Py_RETURN_NONE;
}

static PyObject *engine_reload_certificates(PyObject *object, PyObject *unused) {
  (void)unused;
  dog_engine_t *engine = engine_alive(object);
  return engine == NULL ? NULL : none_or_reason(dog_engine_reload_certificates(engine));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static PyObject *engine_start(PyObject *object, PyObject *unused) {
  (void)unused;
  dog_engine_t *engine = engine_alive(object);
  return engine == NULL ? NULL : none_or_reason(dog_engine_start(engine));
}

/* (grace_ms) */
static PyObject *engine_stop(PyObject *object, PyObject *args) {
  unsigned int grace_ms = 0;
  if (!PyArg_ParseTuple(args, "I", &grace_ms)) return NULL;
  dog_engine_t *engine = engine_alive(object);
  return engine == NULL ? NULL : none_or_raise(dog_engine_stop(engine, grace_ms));
}

static PyObject *engine_wait_fd(PyObject *object, PyObject *unused) {
  (void)unused;
  int fd = -1;
  dog_engine_t *engine = engine_alive(object);
  if (engine == NULL) return NULL;
  dog_status_t status = dog_engine_wait_fd(engine, &fd);
  return status == DOG_OK ? PyLong_FromLong(fd) : raise_status(status);
}

/* (class, name): the Gateway's handle; 0 if there is none. */
static PyObject *engine_find(PyObject *object, PyObject *args) {
  const char *class_name = NULL, *name = NULL;
  Py_ssize_t class_length = 0, length = 0;
  dog_gateway_t gateway = 0;
  if (!PyArg_ParseTuple(args, "s#s#", &class_name, &class_length, &name, &length)) return NULL;
  dog_engine_t *engine = engine_alive(object);
  if (engine == NULL) return NULL;
  dog_status_t status =
      dog_gateway_find(engine, class_name, (size_t)class_length, name, (size_t)length, &gateway);
  if (status == DOG_ENOENT) return PyLong_FromLong(0);
  return status == DOG_OK ? PyLong_FromUnsignedLongLong(gateway) : raise_status(status);
}

static PyObject *engine_stats(PyObject *object, PyObject *unused) {
  (void)unused;
  dog_stats_t stats = {.size = sizeof stats};
  dog_engine_t *engine = engine_alive(object);
  if (engine == NULL) return NULL;
  dog_status_t status = dog_engine_stats(engine, &stats);
  if (status != DOG_OK) return raise_status(status);
  return members_get(&stats, stats_members);
}

/* ---- the type ---------------------------------------------------------------------------------------------------- */

static PyObject *engine_add_socket(PyObject *object, PyObject *socket) {
  if (!PyObject_TypeCheck(socket, socket_type)) {
    PyErr_SetString(PyExc_TypeError, "not a Socket");
    return NULL;
  }
  if (table_add(&engine_of(object)->sockets, ((socket_object_t *)socket)->handle, socket) < 0) return NULL;
  Py_RETURN_NONE;
}

/* How many sockets the table has. */
static PyObject *engine_socket_count(PyObject *object, PyObject *unused) {
  (void)unused;
  return PyLong_FromSize_t(engine_of(object)->sockets.count);
}

static PyMethodDef engine_methods[] = {
    {"set_handlers", engine_set_handlers, METH_VARARGS, NULL},
    {"define_gateway", engine_define_gateway, METH_VARARGS, NULL},
    {"define_shard", engine_define_shard, METH_VARARGS, NULL},
    {"route", engine_route, METH_VARARGS, NULL},
    {"on_fetch", engine_on_fetch, METH_NOARGS, NULL},
    {"listen", engine_listen, METH_VARARGS, NULL},
    {"reload_certificates", engine_reload_certificates, METH_NOARGS, NULL},
    {"start", engine_start, METH_NOARGS, NULL},
    {"stop", engine_stop, METH_VARARGS, NULL},
    {"close", engine_close, METH_NOARGS, NULL},
    {"wait_fd", engine_wait_fd, METH_NOARGS, NULL},
    {"find", engine_find, METH_VARARGS, NULL},
    {"stats", engine_stats, METH_NOARGS, NULL},
    {"add_socket", engine_add_socket, METH_O, NULL},
    {"socket_count", engine_socket_count, METH_NOARGS, NULL},
    {"deliver", engine_deliver, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef engine_members[] = {
    {"is_paused", T_BOOL, offsetof(engine_object_t, is_paused), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_init, engine_tp_init},      {Py_tp_new, PyType_GenericNew}, {Py_tp_dealloc, engine_dealloc},
    {Py_tp_traverse, engine_traverse}, {Py_tp_clear, engine_clear},    {Py_tp_methods, engine_methods},
    {Py_tp_members, engine_members},   {0, NULL},
};

static PyType_Spec engine_spec = {"dog._native.Engine", sizeof(engine_object_t), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, engine_slots};

int engine_init(PyObject *module) {
  PyObject *type = PyType_FromSpec(&engine_spec);
  if (type == NULL) return -1;
  if (PyModule_AddObject(module, "Engine", type) == 0) return 0;
  Py_DECREF(type);
  return -1;
}
