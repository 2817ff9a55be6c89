/* status.c - a status of the engine's as a Python exception. */
#include "native.h"

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

PyObject *raise_status_text(dog_status_t status, const char *text) {
  PyObject *error = make_error(status, text != NULL && text[0] != '\0' ? text : NULL);
  if (error == NULL) return NULL;
  PyErr_SetObject((PyObject *)Py_TYPE(error), error);
  Py_DECREF(error);
  return NULL;
}

PyObject *raise_status(dog_status_t status) { return raise_status_text(status, NULL); }

PyObject *none_or_raise(dog_status_t status) {
  if (status != DOG_OK) return raise_status(status);
  Py_RETURN_NONE;
}
