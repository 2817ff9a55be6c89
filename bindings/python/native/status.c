/* status.c - a status of the engine's as a Python exception. */
#include "native.h"

#include <stdarg.h>

/* dog.errors.make is asked once, when the first error is raised: that module imports this one. */
static PyObject *make_error(dog_status_t status, const char *text) {
  static PyObject *make = NULL;
  if (make == NULL) {
    PyObject *errors = PyImport_ImportModule("dog.errors");
    if (errors == NULL) return NULL;
    make = PyObject_GetAttrString(errors, "make");
    Py_DECREF(errors);
    if (make == NULL) return NULL;
  }
  return PyObject_CallFunction(make, "iz", (int)status, text);
}

/* Sets an exception of dog.errors that is made of a text, or of nothing. */
static PyObject *raise_named(const char *name, PyObject *text) {
  PyObject *errors = PyImport_ImportModule("dog.errors");
  PyObject *type = errors == NULL ? NULL : PyObject_GetAttrString(errors, name);
  PyObject *error = type == NULL ? NULL : PyObject_CallFunctionObjArgs(type, text, NULL);
  if (error != NULL) PyErr_SetObject(type, error);
  Py_XDECREF(error);
  Py_XDECREF(type);
  Py_XDECREF(errors);
  return NULL;
}

PyObject *raise_ended(void) { return raise_named("EndedError", NULL); }

PyObject *raise_unsendable(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  PyObject *text = PyUnicode_FromFormatV(format, arguments);
  va_end(arguments);
  if (text == NULL) return NULL;
  raise_named("UnsendableError", text);
  Py_DECREF(text);
  return NULL;
}

PyObject *raise_status_text(dog_status_t status, const char *text) {
  PyObject *error = make_error(status, text != NULL && text[0] != '\0' ? text : NULL);
  if (error == NULL) return NULL;
  PyErr_SetObject((PyObject *)Py_TYPE(error), error);
  Py_DECREF(error);
  return NULL;
}

PyObject *raise_status(dog_status_t status) { return raise_status_text(status, NULL); }

PyObject *raise_reason(dog_status_t status) {
  const char *text = NULL;
  size_t length = 0;
  if (dog_last_reason(&text, &length) != DOG_OK) return raise_status(status);
  return raise_status_text(status, text);
}

PyObject *none_or_reason(dog_status_t status) {
  if (status != DOG_OK) return raise_reason(status);
  Py_RETURN_NONE;
}

PyObject *none_or_raise(dog_status_t status) {
  if (status != DOG_OK) return raise_status(status);
  Py_RETURN_NONE;
}
