/* payload.c - what is to be sent, as bytes: messages, and headers. */
#include "native.h"

/* A value that is neither text nor binary goes through the encoder of the Shard or Gateway that sends: the one that was
 * given to the engine, or dog.jsontext's, which refuses a value that cannot be a message. It gives the bytes. */
static PyObject *encode_json(PyObject *speaker, PyObject *value) {
  static PyObject *name = NULL;
  if (name == NULL) name = PyUnicode_InternFromString("_encode");
  if (name == NULL) return NULL;
  if (speaker == NULL) return raise_status(DOG_ESTALE); /* a socket that the collector has cleared */
  return PyObject_CallMethodObjArgs(speaker, name, value, NULL);
}

/* UTF-8 has no bytes for half of a surrogate pair. A str may have one, for example from a client's JSON. */
static PyObject *utf8_of(PyObject *text) {
  PyObject *bytes = PyUnicode_AsUTF8String(text);
  if (bytes != NULL || !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return bytes;
  PyObject *type = NULL, *value = NULL, *traceback = NULL;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  Py_ssize_t start = 0;
  if (PyUnicodeEncodeError_GetStart(value, &start) < 0) PyErr_Clear();
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  return raise_unsendable("text with half of a surrogate pair, at %zd", start);
}

/* JSON's keys are strings. The encoder would turn numbers, bool and None into strings, and a sibling would not get what
 * was sent. */
enum { JSON_DEPTH_MAX = 1000 };

static int check_keys(PyObject *value, int depth);

static int check_dict(PyObject *dict, int depth) {
  PyObject *key = NULL, *value = NULL;
  for (Py_ssize_t position = 0; PyDict_Next(dict, &position, &key, &value);) {
    if (!PyUnicode_Check(key)) {
      PyErr_Format(PyExc_TypeError, "a key is a str, not %R", key);
      return -1;
    }
    if (check_keys(value, depth) < 0) return -1;
  }
  return 0;
}

static int check_keys(PyObject *value, int depth) {
  int is_dict = PyDict_Check(value), is_list = PyList_Check(value), is_tuple = PyTuple_Check(value);
  if (!is_dict && !is_list && !is_tuple) return 0;
  if (depth >= JSON_DEPTH_MAX) {
    PyErr_SetString(PyExc_ValueError, "nested too deeply, or within itself");
    return -1;
  }
  if (is_dict) return check_dict(value, depth + 1);
  Py_ssize_t count = is_list ? PyList_Size(value) : PyTuple_Size(value);
  for (Py_ssize_t index = 0; index < count; index++) {
    PyObject *item = is_list ? PyList_GetItem(value, index) : PyTuple_GetItem(value, index);
    if (item == NULL || check_keys(item, depth + 1) < 0) return -1;
  }
  return 0;
}

PyObject *json_check_keys(PyObject *module, PyObject *value) {
  (void)module;
  if (check_keys(value, 0) < 0) return NULL;
  Py_RETURN_NONE;
}

static int payload_of_bytes(PyObject *bytes, dog_kind_t kind, payload_t *payload) {
  if (bytes == NULL) return -1;
  payload->bytes = PyBytes_AsString(bytes);
  payload->length = (size_t)PyBytes_Size(bytes);
  payload->kind = kind;
  payload->owner = bytes;
  return 0;
}

int payload_from(PyObject *speaker, PyObject *value, payload_t *payload) {
  if (PyUnicode_Check(value)) return payload_of_bytes(utf8_of(value), DOG_TEXT, payload);
  if (PyBytes_Check(value)) {
    Py_INCREF(value);
    return payload_of_bytes(value, DOG_BINARY, payload);
  }
  if (PyByteArray_Check(value) || PyMemoryView_Check(value)) {
    return payload_of_bytes(PyBytes_FromObject(value), DOG_BINARY, payload);
  }
  PyObject *text = encode_json(speaker, value);
  if (text != NULL && !PyBytes_Check(text)) {
    Py_DECREF(text);
    raise_unsendable("the JSON encoder gave no bytes");
    return -1;
  }
  return payload_of_bytes(text, DOG_TEXT, payload);
}

int payload_from_text(PyObject *value, const char *what, payload_t *payload) {
  if (PyUnicode_Check(value)) return payload_of_bytes(utf8_of(value), DOG_TEXT, payload);
  if (PyBytes_Check(value)) {
    Py_INCREF(value);
    return payload_of_bytes(value, DOG_BINARY, payload);
  }
  raise_unsendable("%s is a str, not %R", what, (PyObject *)Py_TYPE(value));
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
