/* setup.c - what an engine is given before it starts: classes, routes and listeners. */
#include "native.h"

#include <stdlib.h>

/* (user, members): `user` comes back with the events of the class. */
PyObject *engine_define_gateway(PyObject *object, PyObject *args) {
  unsigned long long user = 0;
  PyObject *values = NULL;
  keeper_t keeper = {NULL};
  dog_gateway_class_t gateway;
  if (!PyArg_ParseTuple(args, "KO!", &user, &PyDict_Type, &values)) return NULL;
  dog_engine_t *engine = engine_alive(object);
  if (engine == NULL) return NULL;
  dog_status_t status = dog_gateway_class_init(&gateway, sizeof gateway);
  if (status != DOG_OK) return raise_status(status);
  gateway.user = (void *)(uintptr_t)user;
  PyObject *result = NULL;
  if (members_set(&gateway, gateway_class_members, values, "a Gateway class", &keeper) == 0) {
    result = none_or_reason(dog_engine_define_gateway(engine, &gateway));
  }
  keeper_clear(&keeper);
  return result;
}

/* The strings of a list, as an array to be freed. NULL for none, or with an exception. */
static const char **strings_from(PyObject *list, keeper_t *keeper, const char *what) {
  Py_ssize_t count = PyList_Size(list);
  if (count <= 0) return NULL;
  const char **strings = PyMem_Malloc((size_t)count * sizeof *strings);
  if (strings == NULL) {
    PyErr_NoMemory();
    return NULL;
  }
  for (Py_ssize_t index = 0; index < count; index++) {
    strings[index] = keep_string(keeper, PyList_GetItem(list, index), what);
    if (strings[index] == NULL) {
      PyMem_Free(strings);
      return NULL;
    }
  }
  return strings;
}

/* (user, members, origins): origins are a list of str, or None. */
PyObject *engine_define_shard(PyObject *object, PyObject *args) {
  unsigned long long user = 0;
  PyObject *values = NULL, *origins = NULL, *result = NULL;
  keeper_t keeper = {NULL};
  dog_shard_class_t shard;
  if (!PyArg_ParseTuple(args, "KO!O", &user, &PyDict_Type, &values, &origins)) return NULL;
  dog_engine_t *engine = engine_alive(object);
  if (engine == NULL) return NULL;
  dog_status_t status = dog_shard_class_init(&shard, sizeof shard);
  if (status != DOG_OK) return raise_status(status);
  shard.user = (void *)(uintptr_t)user;
  static const char *const no_origins[] = {NULL};
  const char **strings = NULL;
  if (origins != Py_None) {
    strings = strings_from(origins, &keeper, "an origin");
    if (strings == NULL && PyErr_Occurred()) {
      keeper_clear(&keeper);
      return NULL;
    }
    shard.origins = strings == NULL ? no_origins : strings; /* an array of none is the engine's to refuse */
    shard.origin_count = strings == NULL ? 0 : (size_t)PyList_Size(origins);
  }
  if (members_set(&shard, shard_class_members, values, "a Shard class", &keeper) == 0) {
    result = none_or_reason(dog_engine_define_shard(engine, &shard));
  }
  PyMem_Free((void *)strings);
  keeper_clear(&keeper);
  return result;
}

/* (pattern, class, name or None) */
PyObject *engine_route(PyObject *object, PyObject *args) {
  const char *pattern = NULL, *class_name = NULL, *name = NULL;
  if (!PyArg_ParseTuple(args, "ssz", &pattern, &class_name, &name)) return NULL;
  dog_engine_t *engine = engine_alive(object);
  return engine == NULL ? NULL : none_or_reason(dog_engine_route(engine, pattern, class_name, name));
}

PyObject *engine_on_fetch(PyObject *object, PyObject *unused) {
  (void)unused;
  dog_engine_t *engine = engine_alive(object);
  return engine == NULL ? NULL : none_or_reason(dog_engine_on_fetch(engine, NULL, NULL));
}

/* (members, certificates): the latter a list of names of files, a certificate and its key in turn. */
PyObject *engine_listen(PyObject *object, PyObject *args) {
  PyObject *values = NULL, *files = NULL, *result = NULL;
  keeper_t keeper = {NULL};
  dog_listen_options_t options;
  if (!PyArg_ParseTuple(args, "O!O!", &PyDict_Type, &values, &PyList_Type, &files)) return NULL;
  dog_engine_t *engine = engine_alive(object);
  if (engine == NULL) return NULL;
  dog_status_t status = dog_listen_options_init(&options, sizeof options);
  if (status != DOG_OK) return raise_status(status);

  size_t count = (size_t)PyList_Size(files) / 2;
  dog_certificate_t *certificates = calloc(count + 1, sizeof *certificates);
  if (certificates == NULL) return PyErr_NoMemory();
  const char **names = strings_from(files, &keeper, "a certificate's file");
  if (names != NULL) {
    for (size_t index = 0; index < count; index++) {
      certificates[index] = (dog_certificate_t){names[2 * index], names[2 * index + 1]};
    }
    options.certificates = certificates;
    options.certificate_count = count;
  }
  uint16_t port = 0;
  if (!PyErr_Occurred() && members_set(&options, listen_members, values, "a listener", &keeper) == 0) {
    status = dog_engine_listen_with(engine, &options, &port);
    result = status == DOG_OK ? PyLong_FromLong(port) : raise_reason(status);
  }
  PyMem_Free((void *)names);
  free(certificates);
  keeper_clear(&keeper);
  return result;
}
