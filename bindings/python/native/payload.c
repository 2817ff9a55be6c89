/* payload.c - what is to be sent, as bytes: messages, and headers. */
#include "native.h"

/* json.JSONEncoder(...).encode, from dog.jsontext. */
static PyObject *encode_json(PyObject *value) {
  static PyObject *encode = NULL;
  if (encode == NULL) {
    PyObject *module = PyImport_ImportModule("dog.jsontext");
    if (module == NULL) return NULL;
    encode = PyObject_GetAttrString(module, "encode");
    Py_DECREF(module);
    if (encode == NULL) return NULL;
  }
  return PyObject_CallFunctionObjArgs(encode, value, NULL);
}

static int payload_of_bytes(PyObject *bytes, dog_kind_t kind, payload_t *payload) {
  if (bytes == NULL) return -1;
  payload->bytes = PyBytes_AsString(bytes);
  payload->length = (size_t)PyBytes_Size(bytes);
  payload->kind = kind;
  payload->owner = bytes;
  return 0;
}

int payload_from(PyObject *value, payload_t *payload) {
  if (PyUnicode_Check(value)) return payload_of_bytes(PyUnicode_AsUTF8String(value), DOG_TEXT, payload);
  if (PyBytes_Check(value)) {
    Py_INCREF(value);
    return payload_of_bytes(value, DOG_BINARY, payload);
  }
  if (PyByteArray_Check(value) || PyMemoryView_Check(value)) {
    return payload_of_bytes(PyBytes_FromObject(value), DOG_BINARY, payload);
  }
  if (PyDict_Check(value) || PyList_Check(value)) {
    PyObject *text = encode_json(value);
    if (text == NULL) return -1;
    int status = payload_of_bytes(PyUnicode_AsUTF8String(text), DOG_TEXT, payload);
    Py_DECREF(text);
    return status;
  }
  PyErr_Format(PyExc_TypeError, "a message is a str, bytes, bytearray, memoryview, dict or list, not %R",
               (PyObject *)Py_TYPE(value));
  return -1;
}

int payload_from_text(PyObject *value, const char *what, payload_t *payload) {
  if (PyUnicode_Check(value)) return payload_of_bytes(PyUnicode_AsUTF8String(value), DOG_TEXT, payload);
  if (PyBytes_Check(value)) {
    Py_INCREF(value);
    return payload_of_bytes(value, DOG_BINARY, payload);
  }
  PyErr_Format(PyExc_TypeError, "%s is a str, not %R", what, (PyObject *)Py_TYPE(value));
  return -1;
}

void payload_clear(payload_t *payload) { Py_CLEAR(payload->owner); }

/* ---- headers ----------------------------------------------------------------------------------------------------- */

/* Field values are bytes that are shown as Latin-1, both ways, as elsewhere in Python (PEP 3333). */
static int header_part(PyObject *pair, Py_ssize_t index, PyObject *owners, const char **bytes, size_t *length) {
  PyObject *text = PySequence_GetItem(pair, index);
  if (text == NULL) return -1;
  PyObject *encoded = NULL;
  if (PyUnicode_Check(text)) {
    encoded = PyUnicode_AsLatin1String(text);
  } else {
    PyErr_Format(PyExc_TypeError, "a header's name and value are str, not %R", (PyObject *)Py_TYPE(text));
  }
  Py_DECREF(text);
  if (encoded == NULL) return -1;
  int status = PyList_Append(owners, encoded);
  Py_DECREF(encoded);
  if (status < 0) return -1;
  *bytes = PyBytes_AsString(encoded);
  *length = (size_t)PyBytes_Size(encoded);
  return 0;
}

int header_array_from(PyObject *pairs, header_array_t *array) {
  *array = (header_array_t){NULL, 0, NULL};
  Py_ssize_t count = PySequence_Size(pairs);
  if (count < 0) return -1;
  if (count == 0) return 0;
  array->owners = PyList_New(0);
  array->headers = PyMem_Malloc((size_t)count * sizeof *array->headers);
  if (array->owners == NULL || array->headers == NULL) {
    if (!PyErr_Occurred()) PyErr_NoMemory();
    header_array_clear(array);
    return -1;
  }
  for (Py_ssize_t index = 0; index < count; index++) {
    dog_header_t *header = &array->headers[index];
    PyObject *pair = PySequence_GetItem(pairs, index);
    int status = pair == NULL ? -1 : 0;
    if (status == 0) status = header_part(pair, 0, array->owners, &header->name, &header->name_length);
    if (status == 0) status = header_part(pair, 1, array->owners, &header->value, &header->value_length);
    Py_XDECREF(pair);
    if (status < 0) {
      header_array_clear(array);
      return -1;
    }
  }
  array->count = (size_t)count;
  return 0;
}

void header_array_clear(header_array_t *array) {
  PyMem_Free(array->headers);
  Py_XDECREF(array->owners);
  *array = (header_array_t){NULL, 0, NULL};
}
