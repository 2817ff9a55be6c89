/* members.c - keyword arguments as members of a struct, and back. */
#include "native.h"

#include <string.h>

const char *keep_string(keeper_t *keeper, PyObject *text, const char *what) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "%s is a str, not %R", what, (PyObject *)Py_TYPE(text));
    return NULL;
  }
  if (keeper->list == NULL) keeper->list = PyList_New(0);
  if (keeper->list == NULL) return NULL;
  PyObject *bytes = PyUnicode_AsUTF8String(text);
  if (bytes == NULL) return NULL;
  int status = PyList_Append(keeper->list, bytes);
  Py_DECREF(bytes);
  if (status < 0) return NULL;
  const char *string = PyBytes_AsString(bytes);
  if (strlen(string) != (size_t)PyBytes_Size(bytes)) {
    PyErr_Format(PyExc_ValueError, "%s has a NUL in it", what);
    return NULL;
  }
  return string;
}

void keeper_clear(keeper_t *keeper) { Py_CLEAR(keeper->list); }

/* A whole number that fits; bool is one too, for members that are 0 or 1. */
static int whole_number(PyObject *value, const char *name, uint64_t highest, uint64_t *number) {
  if (!PyLong_Check(value)) {
    PyErr_Format(PyExc_TypeError, "%s is an int, not %R", name, (PyObject *)Py_TYPE(value));
    return -1;
  }
  *number = PyLong_AsUnsignedLongLong(value);
  if (PyErr_Occurred() || *number > highest) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "%s is out of range: %R", name, value);
    return -1;
  }
  return 0;
}

static int set_member(char *target, const member_t *member, PyObject *value, keeper_t *keeper) {
  char *place = target + member->offset;
  if (member->kind == MEMBER_STRING) {
    const char *string = keep_string(keeper, value, member->name);
    if (string == NULL) return -1;
    memcpy(place, &string, sizeof string);
    return 0;
  }
  uint64_t highest = member->kind == MEMBER_U16   ? UINT16_MAX
                     : member->kind == MEMBER_U32 ? UINT32_MAX
                                                  : UINT64_MAX;
  uint64_t number = 0;
  if (whole_number(value, member->name, highest, &number) < 0) return -1;
  uint16_t narrow = (uint16_t)number;
  uint32_t usual = (uint32_t)number;
  switch (member->kind) {
    case MEMBER_U16: memcpy(place, &narrow, sizeof narrow); break;
    case MEMBER_U32: memcpy(place, &usual, sizeof usual); break;
    default: memcpy(place, &number, sizeof number); break;
  }
  return 0;
}

static const member_t *find_member(const member_t *members, PyObject *name) {
  for (; members->name != NULL; members++) {
    if (PyUnicode_CompareWithASCIIString(name, members->name) == 0) return members;
  }
  return NULL;
}

int members_set(void *target, const member_t *members, PyObject *values, const char *what, keeper_t *keeper) {
  PyObject *name = NULL, *value = NULL;
  for (Py_ssize_t position = 0; PyDict_Next(values, &position, &name, &value);) {
    const member_t *member = PyUnicode_Check(name) ? find_member(members, name) : NULL;
    if (member == NULL) {
      PyErr_Format(PyExc_TypeError, "%s has no option %R", what, name);
      return -1;
    }
    if (value != Py_None && set_member(target, member, value, keeper) < 0) return -1;
  }
  return 0;
}

static uint64_t number_at(const char *place, member_kind_t kind) {
  uint16_t narrow = 0;
  uint32_t usual = 0;
  uint64_t wide = 0;
  switch (kind) {
    case MEMBER_U16: memcpy(&narrow, place, sizeof narrow); return narrow;
    case MEMBER_U32: memcpy(&usual, place, sizeof usual); return usual;
    default: memcpy(&wide, place, sizeof wide); return wide;
  }
}

PyObject *members_get(const void *source, const member_t *members) {
  PyObject *result = PyDict_New();
  if (result == NULL) return NULL;
  for (; members->name != NULL; members++) {
    if (members->kind == MEMBER_STRING) continue;
    PyObject *number = PyLong_FromUnsignedLongLong(number_at((const char *)source + members->offset, members->kind));
    if (number == NULL || PyDict_SetItemString(result, members->name, number) < 0) {
      Py_XDECREF(number);
      Py_DECREF(result);
      return NULL;
    }
    Py_DECREF(number);
  }
  return result;
}
