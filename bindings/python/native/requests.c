/*
 * requests.c - functions on the handle of a request, or of a gossip.
 *
 * A getter copies its result at once: the memory is the engine's, and good until the next poll. A client's text is
 * shown as UTF-8, with surrogates for bytes that are not (PEP 383); header values are shown as Latin-1 (PEP 3333).
 */
#include "native.h"

static PyObject *text_of(const char *bytes, size_t length) {
  return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, "surrogateescape");
}

static int parse_handle(PyObject *argument, uint64_t *handle) {
  *handle = PyLong_AsUnsignedLongLong(argument);
  return PyErr_Occurred() ? -1 : 0;
}

/* ---- getters ----------------------------------------------------------------------------------------------------- */

typedef dog_status_t (*text_getter_t)(dog_request_t, const char **, size_t *);

static PyObject *get_text(PyObject *argument, text_getter_t getter, int may_be_absent) {
  uint64_t handle = 0;
  const char *bytes = NULL;
  size_t length = 0;
  if (parse_handle(argument, &handle) < 0) return NULL;
  dog_status_t status = getter(handle, &bytes, &length);
  if (status == DOG_OK) return text_of(bytes, length);
  if (status == DOG_ENOENT && may_be_absent) Py_RETURN_NONE;
  return raise_status(status);
}

static PyObject *request_method(PyObject *module, PyObject *argument) {
  (void)module;
  return get_text(argument, dog_request_method, 0);
}

static PyObject *request_target(PyObject *module, PyObject *argument) {
  (void)module;
  return get_text(argument, dog_request_target, 0);
}

static PyObject *request_path(PyObject *module, PyObject *argument) {
  (void)module;
  return get_text(argument, dog_request_path, 0);
}

static PyObject *request_remote(PyObject *module, PyObject *argument) {
  (void)module;
  return get_text(argument, dog_request_remote, 0);
}

static PyObject *request_client_subject(PyObject *module, PyObject *argument) {
  (void)module;
  return get_text(argument, dog_request_client_subject, 1);
}

static PyObject *request_uid(PyObject *module, PyObject *argument) {
  (void)module;
  return get_text(argument, dog_request_uid, 1);
}

static PyObject *request_body(PyObject *module, PyObject *argument) {
  (void)module;
  uint64_t handle = 0;
  const void *bytes = NULL;
  size_t length = 0;
  if (parse_handle(argument, &handle) < 0) return NULL;
  dog_status_t status = dog_request_body(handle, &bytes, &length);
  if (status != DOG_OK) return raise_status(status);
  return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)length);
}

/* Appends `item`, which it takes over and which may be NULL with an exception. */
static int append_new(PyObject *list, PyObject *item) {
  if (item == NULL) return -1;
  int status = PyList_Append(list, item);
  Py_DECREF(item);
  return status;
}

static PyObject *header_pair(const dog_header_t *header) {
  PyObject *pair = PyTuple_New(2);
  PyObject *name = PyUnicode_DecodeLatin1(header->name, (Py_ssize_t)header->name_length, NULL);
  PyObject *value = PyUnicode_DecodeLatin1(header->value, (Py_ssize_t)header->value_length, NULL);
  if (pair != NULL && name != NULL && value != NULL) {
    PyTuple_SetItem(pair, 0, name);
    PyTuple_SetItem(pair, 1, value);
    return pair;
  }
  Py_XDECREF(pair);
  Py_XDECREF(name);
  Py_XDECREF(value);
  return NULL;
}

/* Pairs of name and value, in the order they came. */
static PyObject *request_headers(PyObject *module, PyObject *argument) {
  (void)module;
  uint64_t handle = 0;
  if (parse_handle(argument, &handle) < 0) return NULL;
  PyObject *list = PyList_New(0);
  if (list == NULL) return NULL;
  dog_status_t status = DOG_OK;
  for (size_t index = 0; status == DOG_OK; index++) {
    dog_header_t header = {0};
    status = dog_request_header_at(handle, index, &header);
    if (status == DOG_OK && append_new(list, header_pair(&header)) < 0) {
      Py_DECREF(list);
      return NULL;
    }
  }
  if (status == DOG_ENOENT) return list;
  Py_DECREF(list);
  return raise_status(status);
}

static PyObject *request_protocols(PyObject *module, PyObject *argument) {
  (void)module;
  uint64_t handle = 0;
  if (parse_handle(argument, &handle) < 0) return NULL;
  PyObject *list = PyList_New(0);
  if (list == NULL) return NULL;
  dog_status_t status = DOG_OK;
  for (size_t index = 0; status == DOG_OK; index++) {
    const char *protocol = NULL;
    size_t length = 0;
    status = dog_request_protocol_at(handle, index, &protocol, &length);
    if (status == DOG_OK && append_new(list, text_of(protocol, length)) < 0) {
      Py_DECREF(list);
      return NULL;
    }
  }
  if (status == DOG_ENOENT) return list;
  Py_DECREF(list);
  return raise_status(status);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* (handle, text): an answer of one name. */
static PyObject *answer_text(PyObject *args, const char *what,
                             dog_status_t (*answer)(dog_request_t, const char *, size_t)) {
  unsigned long long handle = 0;
  PyObject *text = NULL;
  payload_t name;
  if (!PyArg_ParseTuple(args, "KO", &handle, &text)) return NULL;
  if (payload_from_text(text, what, &name) < 0) return NULL;
  dog_status_t status = answer(handle, name.bytes, name.length);
  payload_clear(&name);
  return none_or_raise(status);
}

static PyObject *request_identify(PyObject *module, PyObject *args) {
  (void)module;
  return answer_text(args, "a uid", dog_request_identify);
}

static PyObject *request_clusterize(PyObject *module, PyObject *args) {
  (void)module;
  return answer_text(args, "a Shard's id", dog_request_clusterize);
}

/* (handle, class, name) */
static PyObject *request_forward(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  const char *class_name = NULL, *name = NULL;
  Py_ssize_t class_length = 0, length = 0;
  if (!PyArg_ParseTuple(args, "Ks#s#", &handle, &class_name, &class_length, &name, &length)) return NULL;
  return none_or_raise(dog_request_forward(handle, class_name, (size_t)class_length, name, (size_t)length));
}

/* (handle, status, headers, body) */
static PyObject *request_respond(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  int code = 0;
  PyObject *pairs = NULL;
  const char *body = NULL;
  Py_ssize_t length = 0;
  header_array_t headers;
  if (!PyArg_ParseTuple(args, "KiOy#", &handle, &code, &pairs, &body, &length)) return NULL;
  if (header_array_from(pairs, &headers) < 0) return NULL;
  dog_status_t status = dog_request_respond(handle, code, headers.headers, headers.count, body, (size_t)length);
  header_array_clear(&headers);
  return none_or_raise(status);
}

/* (handle, protocol or None, headers, token): whether it was a valid upgrade; if not, the client was told. */
static PyObject *request_connect(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0, token = 0;
  const char *protocol = NULL;
  Py_ssize_t protocol_length = 0;
  PyObject *pairs = NULL;
  header_array_t headers;
  if (!PyArg_ParseTuple(args, "Kz#OK", &handle, &protocol, &protocol_length, &pairs, &token)) return NULL;
  if (header_array_from(pairs, &headers) < 0) return NULL;
  dog_connect_options_t options;
  dog_status_t status = dog_connect_options_init(&options, sizeof options);
  if (status == DOG_OK) {
    options.data = (void *)(uintptr_t)token;
    options.protocol = protocol;
    options.protocol_length = (size_t)protocol_length;
    options.headers = headers.headers;
    options.header_count = headers.count;
    status = dog_request_connect(handle, &options);
  }
  header_array_clear(&headers);
  if (status == DOG_OK) Py_RETURN_TRUE;
  if (status == DOG_EUPGRADE) Py_RETURN_FALSE;
  return raise_status(status);
}

/* ---- streamed responses ------------------------------------------------------------------------------------------ */

/* (handle, status, headers) */
static PyObject *request_begin(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  int code = 0;
  PyObject *pairs = NULL;
  header_array_t headers;
  if (!PyArg_ParseTuple(args, "KiO", &handle, &code, &pairs)) return NULL;
  if (header_array_from(pairs, &headers) < 0) return NULL;
  dog_status_t status = dog_request_respond_begin(handle, code, headers.headers, headers.count, NULL);
  header_array_clear(&headers);
  return none_or_raise(status);
}

/* (handle, data): True if it was queued; False if there is no room for it now. */
static PyObject *request_write(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  const char *data = NULL;
  Py_ssize_t length = 0;
  if (!PyArg_ParseTuple(args, "Ky#", &handle, &data, &length)) return NULL;
  dog_status_t status = dog_request_respond_write(handle, data, (size_t)length);
  if (status == DOG_OK) Py_RETURN_TRUE;
  if (status == DOG_EFULL) Py_RETURN_FALSE;
  return raise_status(status);
}

static PyObject *request_end(PyObject *module, PyObject *argument) {
  (void)module;
  uint64_t handle = 0;
  if (parse_handle(argument, &handle) < 0) return NULL;
  return none_or_raise(dog_request_respond_end(handle));
}

static PyObject *request_abort(PyObject *module, PyObject *argument) {
  (void)module;
  uint64_t handle = 0;
  if (parse_handle(argument, &handle) < 0) return NULL;
  return none_or_raise(dog_request_respond_abort(handle));
}

/* ---- gossip ------------------------------------------------------------------------------------------------------ */

typedef dog_status_t (*gossip_answer_t)(dog_gossip_t, const char *, size_t);

static dog_status_t gossip_reply_bytes(dog_gossip_t gossip, const char *bytes, size_t length) {
  return dog_gossip_reply(gossip, bytes, length);
}

static PyObject *gossip_reply(PyObject *module, PyObject *args) {
  (void)module;
  return answer_text(args, "a reply", (gossip_answer_t)gossip_reply_bytes);
}

static PyObject *gossip_fail(PyObject *module, PyObject *args) {
  (void)module;
  return answer_text(args, "a reason", dog_gossip_fail);
}

/* (shard, status): the answer to its start. */
static PyObject *shard_started(PyObject *module, PyObject *args) {
  (void)module;
  unsigned long long handle = 0;
  int status = 0;
  if (!PyArg_ParseTuple(args, "Ki", &handle, &status)) return NULL;
  return none_or_raise(dog_shard_started(handle, (dog_status_t)status));
}

PyMethodDef request_functions[] = {
    {"request_method", request_method, METH_O, NULL},
    {"request_target", request_target, METH_O, NULL},
    {"request_path", request_path, METH_O, NULL},
    {"request_remote", request_remote, METH_O, NULL},
    {"request_client_subject", request_client_subject, METH_O, NULL},
    {"request_uid", request_uid, METH_O, NULL},
    {"request_body", request_body, METH_O, NULL},
    {"request_headers", request_headers, METH_O, NULL},
    {"request_protocols", request_protocols, METH_O, NULL},
    {"request_identify", request_identify, METH_VARARGS, NULL},
    {"request_clusterize", request_clusterize, METH_VARARGS, NULL},
    {"request_forward", request_forward, METH_VARARGS, NULL},
    {"request_respond", request_respond, METH_VARARGS, NULL},
    {"request_connect", request_connect, METH_VARARGS, NULL},
    {"request_begin", request_begin, METH_VARARGS, NULL},
    {"request_write", request_write, METH_VARARGS, NULL},
    {"request_end", request_end, METH_O, NULL},
    {"request_abort", request_abort, METH_O, NULL},
    {"gossip_reply", gossip_reply, METH_VARARGS, NULL},
    {"gossip_fail", gossip_fail, METH_VARARGS, NULL},
    {"shard_started", shard_started, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
