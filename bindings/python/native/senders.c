/*
 * senders.c - Socket, Shard and Gateway: their handles, and what they send.
 *
 * They are the bases of the package's classes of the same names, which add what is used less. If a socket has gone,
 * its Shard emits, broadcasts and whispers in its place: no sender has to be left out then. A Shard or Gateway that has
 * gone reaches nobody. This is not an error, because the event of its end may be on the way.
 */
#include "native.h"

#include <structmember.h>

PyTypeObject *socket_type, *shard_type, *gateway_type;

typedef struct gateway_object {
  PyObject_HEAD
  dog_gateway_t handle;
} gateway_object_t;

static int is_gone(dog_status_t status) { return status == DOG_ESTALE || status == DOG_ECLOSED; }

static PyObject *none_unless_failed(dog_status_t status) {
  return none_or_raise(is_gone(status) ? DOG_OK : status);
}

static PyObject *true_unless_gone(dog_status_t status) {
  if (status == DOG_OK) Py_RETURN_TRUE;
  if (is_gone(status)) Py_RETURN_FALSE;
  return raise_status(status);
}

static void free_object(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* (data, to_self=False); mostly there is data alone. */
static int parse_message(PyObject *args, PyObject *kwargs, PyObject **data, uint32_t *flags) {
  int is_to_self = 0;
  if (kwargs == NULL && PyTuple_Size(args) == 1) {
    *data = PyTuple_GetItem(args, 0);
  } else {
    static char *names[] = {"", "to_self", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|p", names, data, &is_to_self)) return -1;
  }
  *flags = is_to_self ? DOG_TO_SELF : 0;
  return 0;
}

typedef struct whisper {
  payload_t uid;
  payload_t message;
  void *user;
} whisper_t;

static void whisper_clear(whisper_t *whisper) {
  payload_clear(&whisper->uid);
  payload_clear(&whisper->message);
}

/* (uid, data, token) */
static int parse_whisper(PyObject *speaker, PyObject *args, whisper_t *whisper) {
  PyObject *uid = NULL, *data = NULL;
  unsigned long long token = 0;
  *whisper = (whisper_t){0};
  if (!PyArg_ParseTuple(args, "OOK", &uid, &data, &token)) return -1;
  whisper->user = (void *)(uintptr_t)token;
  if (payload_from_text(uid, "a uid", &whisper->uid) < 0) return -1;
  if (payload_from(speaker, data, &whisper->message) == 0) return 0;
  whisper_clear(whisper);
  return -1;
}

/* Emit and broadcast of a Shard or a Gateway, which differ in what they call. */
typedef dog_status_t (*to_many_t)(uint64_t, dog_kind_t, const void *, size_t);

static PyObject *send_to_many(PyObject *speaker, uint64_t handle, PyObject *data, to_many_t act) {
  payload_t message;
  if (payload_from(speaker, data, &message) < 0) return NULL;
  dog_status_t status = act(handle, message.kind, message.bytes, message.length);
  payload_clear(&message);
  return none_unless_failed(status);
}

typedef dog_status_t (*whisper_by_t)(uint64_t, const char *, size_t, dog_kind_t, const void *, size_t, dog_whispered_fn,
                                     void *);

/* (uid, data, token): an event with the token follows, unless the whisperer ends first. */
static PyObject *whisper_by(PyObject *speaker, uint64_t handle, PyObject *args, whisper_by_t act) {
  whisper_t whisper;
  if (parse_whisper(speaker, args, &whisper) < 0) return NULL;
  const payload_t *uid = &whisper.uid, *message = &whisper.message;
  dog_status_t status =
      act(handle, uid->bytes, uid->length, message->kind, message->bytes, message->length, NULL, whisper.user);
  whisper_clear(&whisper);
  return none_or_raise(status);
}

/* ---- Socket ------------------------------------------------------------------------------------------------------ */

static dog_shard_t shard_of(const socket_object_t *socket) {
  return socket->shard == NULL ? 0 : ((shard_object_t *)socket->shard)->handle;
}

static int socket_init(PyObject *self, PyObject *args, PyObject *kwargs) {
  socket_object_t *socket = (socket_object_t *)self;
  unsigned long long handle = 0;
  PyObject *shard = NULL, *uid = NULL;
  static char *names[] = {"", "", "", NULL};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "KO!U", names, &handle, shard_type, &shard, &uid)) return -1;
  socket->handle = handle;
  set_reference(&socket->shard, shard);
  set_reference(&socket->uid, uid);
  return 0;
}

static int socket_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(((socket_object_t *)self)->shard);
  return 0;
}

static int socket_clear(PyObject *self) {
  Py_CLEAR(((socket_object_t *)self)->shard);
  return 0;
}

static void socket_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  socket_clear(self);
  Py_CLEAR(((socket_object_t *)self)->uid);
  free_object(self);
}

PyDoc_STRVAR(send_doc,
             "send(data, /)\n--\n\n"
             "Send one message to this socket: str as text, bytes as binary, a dict or list as text in JSON.\n\n"
             "True when it was queued, False when the socket has gone: onclose tells of that by itself.\n"
             "May be called from any thread.");

static PyObject *socket_send(PyObject *self, PyObject *data) {
  socket_object_t *socket = (socket_object_t *)self;
  payload_t message;
  if (payload_from(socket->shard, data, &message) < 0) return NULL;
  dog_status_t status = DOG_ECLOSED;
  if (!socket->is_closed) status = dog_socket_send(socket->handle, message.kind, message.bytes, message.length);
  payload_clear(&message);
  return true_unless_gone(status == DOG_ESLOW ? DOG_ECLOSED : status);
}

typedef dog_status_t (*from_socket_t)(dog_socket_t, dog_kind_t, uint32_t, const void *, size_t);

/* For a socket that has gone, its Shard sends. */
static PyObject *send_from_socket(PyObject *self, PyObject *args, PyObject *kwargs, from_socket_t act,
                                  to_many_t act_of_shard) {
  socket_object_t *socket = (socket_object_t *)self;
  PyObject *data = NULL;
  uint32_t flags = 0;
  payload_t message;
  if (parse_message(args, kwargs, &data, &flags) < 0 || payload_from(socket->shard, data, &message) < 0) return NULL;
  dog_status_t status = DOG_ECLOSED;
  if (!socket->is_closed) status = act(socket->handle, message.kind, flags, message.bytes, message.length);
  if (is_gone(status)) status = act_of_shard(shard_of(socket), message.kind, message.bytes, message.length);
  payload_clear(&message);
  return none_unless_failed(status);
}

PyDoc_STRVAR(emit_doc,
             "emit(data, /, to_self=False)\n--\n\n"
             "Send one message to all sockets of this one's Shard; to this one too with to_self.\n"
             "May be called from any thread.");

static PyObject *socket_emit(PyObject *self, PyObject *args, PyObject *kwargs) {
  return send_from_socket(self, args, kwargs, dog_socket_emit, dog_shard_emit);
}

PyDoc_STRVAR(broadcast_doc,
             "broadcast(data, /, to_self=False)\n--\n\n"
             "Send one message to all sockets of the whole cluster; to this one too with to_self.\n"
             "May be called from any thread.");

static PyObject *socket_broadcast(PyObject *self, PyObject *args, PyObject *kwargs) {
  return send_from_socket(self, args, kwargs, dog_socket_broadcast, dog_shard_broadcast);
}

/* Raises GoneError if the Shard has to whisper instead. */
static PyObject *socket_whisper(PyObject *self, PyObject *args) {
  return whisper_by(((socket_object_t *)self)->shard, ((socket_object_t *)self)->handle, args, dog_socket_whisper);
}

PyDoc_STRVAR(close_doc,
             "close(code=1000, reason='')\n--\n\n"
             "Begin to close this socket, after what was sent to it before; onclose follows.\n\n"
             "The code is 1000 to 1003, 1007 to 1014 or 3000 to 4999, the reason at most 123 bytes of UTF-8.\n"
             "False when it has gone already. May be called from any thread.");

static PyObject *socket_close(PyObject *self, PyObject *args, PyObject *kwargs) {
  socket_object_t *socket = (socket_object_t *)self;
  int code = 1000;
  const char *reason = "";
  Py_ssize_t length = 0;
  static char *names[] = {"code", "reason", NULL};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|is#", names, &code, &reason, &length)) return NULL;
  if (code < 0 || code > UINT16_MAX) return raise_status(DOG_EINVAL);
  dog_status_t status = DOG_ECLOSED;
  if (!socket->is_closed) status = dog_socket_close(socket->handle, (uint16_t)code, reason, (size_t)length);
  return true_unless_gone(status);
}

static PyMethodDef socket_methods[] = {
    {"send", socket_send, METH_O, send_doc},
    {"emit", (PyCFunction)(void (*)(void))socket_emit, METH_VARARGS | METH_KEYWORDS, emit_doc},
    {"broadcast", (PyCFunction)(void (*)(void))socket_broadcast, METH_VARARGS | METH_KEYWORDS, broadcast_doc},
    {"close", (PyCFunction)(void (*)(void))socket_close, METH_VARARGS | METH_KEYWORDS, close_doc},
    {"_whisper", socket_whisper, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef socket_members[] = {
    {"uid", T_OBJECT_EX, offsetof(socket_object_t, uid), READONLY, "The identity that identify gave."},
    {"shard", T_OBJECT_EX, offsetof(socket_object_t, shard), READONLY, "The Shard that holds this socket."},
    {"closed", T_BOOL, offsetof(socket_object_t, is_closed), READONLY, "True from its onclose on."},
    {"_handle", T_ULONGLONG, offsetof(socket_object_t, handle), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot socket_slots[] = {
    {Py_tp_init, socket_init},       {Py_tp_new, PyType_GenericNew}, {Py_tp_dealloc, socket_dealloc},
    {Py_tp_traverse, socket_traverse}, {Py_tp_clear, socket_clear},  {Py_tp_methods, socket_methods},
    {Py_tp_members, socket_members}, {0, NULL},
};

static PyType_Spec socket_spec = {"dog._native.Socket", sizeof(socket_object_t), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, socket_slots};

/* ---- Shard ------------------------------------------------------------------------------------------------------- */

PyDoc_STRVAR(shard_emit_doc,
             "emit(data, /)\n--\n\nSend one message to all sockets of this Shard. May be called from any thread.");

static PyObject *shard_emit(PyObject *self, PyObject *data) {
  return send_to_many(self, ((shard_object_t *)self)->handle, data, dog_shard_emit);
}

PyDoc_STRVAR(shard_broadcast_doc, "broadcast(data, /)\n--\n\nSend one message to all sockets of the whole cluster. "
                                  "May be called from any thread.");

static PyObject *shard_broadcast(PyObject *self, PyObject *data) {
  return send_to_many(self, ((shard_object_t *)self)->handle, data, dog_shard_broadcast);
}

static PyObject *shard_whisper(PyObject *self, PyObject *args) {
  return whisper_by(self, ((shard_object_t *)self)->handle, args, dog_shard_whisper);
}

/* (question, timeout_ms, token) */
static PyObject *shard_gossip(PyObject *self, PyObject *args) {
  PyObject *text = NULL;
  unsigned int timeout_ms = 0;
  unsigned long long token = 0;
  payload_t question;
  if (!PyArg_ParseTuple(args, "OIK", &text, &timeout_ms, &token)) return NULL;
  if (payload_from_text(text, "a question", &question) < 0) return NULL;
  dog_status_t status = dog_shard_gossip(((shard_object_t *)self)->handle, question.bytes, question.length, timeout_ms,
                                         NULL, (void *)(uintptr_t)token);
  payload_clear(&question);
  return none_or_raise(status);
}

static PyMethodDef shard_methods[] = {
    {"emit", shard_emit, METH_O, shard_emit_doc},
    {"broadcast", shard_broadcast, METH_O, shard_broadcast_doc},
    {"_whisper", shard_whisper, METH_VARARGS, NULL},
    {"_gossip", shard_gossip, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef shard_members[] = {
    {"_handle", T_ULONGLONG, offsetof(shard_object_t, handle), 0, NULL},
    {"_is_behind", T_BOOL, offsetof(shard_object_t, is_behind), 0, NULL},
    {"_is_onmessage_async", T_BOOL, offsetof(shard_object_t, is_onmessage_async), 0, NULL},
    {"_is_ordered", T_BOOL, offsetof(shard_object_t, is_ordered), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot shard_slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, free_object},
    {Py_tp_methods, shard_methods},
    {Py_tp_members, shard_members},
    {0, NULL},
};

static PyType_Spec shard_spec = {"dog._native.Shard", sizeof(shard_object_t), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, shard_slots};

/* ---- Gateway ----------------------------------------------------------------------------------------------------- */

static PyObject *gateway_broadcast(PyObject *self, PyObject *data) {
  return send_to_many(self, ((gateway_object_t *)self)->handle, data, dog_gateway_broadcast);
}

static PyObject *gateway_whisper(PyObject *self, PyObject *args) {
  return whisper_by(self, ((gateway_object_t *)self)->handle, args, dog_gateway_whisper);
}

/* A dict of its counts, or None once it is retired. */
static PyObject *gateway_stats(PyObject *self, PyObject *unused) {
  (void)unused;
  dog_gateway_stats_t stats = {.size = sizeof stats};
  dog_status_t status = dog_gateway_stats(((gateway_object_t *)self)->handle, &stats);
  if (status == DOG_ESTALE) Py_RETURN_NONE;
  if (status != DOG_OK) return raise_status(status);
  return members_get(&stats, gateway_stats_members);
}

static PyMethodDef gateway_methods[] = {
    {"broadcast", gateway_broadcast, METH_O, shard_broadcast_doc},
    {"_whisper", gateway_whisper, METH_VARARGS, NULL},
    {"_stats", gateway_stats, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef gateway_members[] = {
    {"_handle", T_ULONGLONG, offsetof(gateway_object_t, handle), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot gateway_slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, free_object},
    {Py_tp_methods, gateway_methods},
    {Py_tp_members, gateway_members},
    {0, NULL},
};

static PyType_Spec gateway_spec = {"dog._native.Gateway", sizeof(gateway_object_t), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, gateway_slots};

/* ---- the module's types ------------------------------------------------------------------------------------------ */

static int add_type(PyObject *module, const char *name, PyType_Spec *spec, PyTypeObject **type) {
  *type = (PyTypeObject *)PyType_FromSpec(spec);
  if (*type == NULL) return -1;
  Py_INCREF(*type);
  if (PyModule_AddObject(module, name, (PyObject *)*type) == 0) return 0;
  Py_DECREF(*type);
  return -1;
}

int senders_init(PyObject *module) {
  if (add_type(module, "Socket", &socket_spec, &socket_type) < 0) return -1;
  if (add_type(module, "Shard", &shard_spec, &shard_type) < 0) return -1;
  return add_type(module, "Gateway", &gateway_spec, &gateway_type);
}
