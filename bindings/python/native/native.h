/*
 * native.h - the extension module dog._native: libdog for Python, a thin layer without classes of a user's.
 *
 * It is written for the limited API of Python 3.9, so one binary serves that and every later version. What runs for
 * each message is here in C (poll, find the socket, call onmessage, send); what runs once for a connection, a request
 * or a Shard is Python, in the package around it.
 *
 * Everything here runs with the GIL held and none of it waits: no thread of the engine's ever enters Python.
 */
#ifndef DOG_NATIVE_H
#define DOG_NATIVE_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#include <dog.h>

/* Has `place` refer to `object` instead of what it referred to, if anything. */
static inline void set_reference(PyObject **place, PyObject *object) {
  PyObject *former = *place;
  Py_INCREF(object);
  *place = object;
  Py_XDECREF(former);
}

/* ---- status.c: a status of the engine's as a Python exception ---------------------------------------------------- */

/* Sets dog.Error, or that one of its subclasses which is for this status. Returns NULL. */
PyObject *raise_status(dog_status_t status);
/* The same with a text in place of the status's own sentence, unless it is NULL or empty. */
PyObject *raise_status_text(dog_status_t status, const char *text);
/* Sets dog.EndedError: the engine has ended. Returns NULL. */
PyObject *raise_ended(void);
/* Sets dog.UnsendableError with a text, as PyUnicode_FromFormat makes it. Returns NULL. */
PyObject *raise_unsendable(const char *format, ...);
/* The same with dog_last_reason: for the calls that have one. On the thread that made the call, right after it. */
PyObject *raise_reason(dog_status_t status);
/* None, or an exception. */
PyObject *none_or_raise(dog_status_t status);
PyObject *none_or_reason(dog_status_t status);

/* ---- payload.c: what is to be sent, as bytes --------------------------------------------------------------------- */

/* Borrowed from `owner`, which is released by payload_clear. */
typedef struct payload {
  const char *bytes;
  size_t length;
  dog_kind_t kind;
  PyObject *owner;
} payload_t;

/* str is text; bytes, bytearray and memoryview are binary; everything else goes to the JSON encoder of `speaker`, a
 * Shard or Gateway. -1 with an exception. */
int payload_from(PyObject *speaker, PyObject *value, payload_t *payload);
/* The bytes of a str in UTF-8, or of bytes; no other type. */
int payload_from_text(PyObject *value, const char *what, payload_t *payload);
void payload_clear(payload_t *payload);
/* (value): a TypeError if a dict in it has a key that is no str, a ValueError if it is nested too deeply. */
PyObject *json_check_keys(PyObject *module, PyObject *value);

/* An array of headers, borrowed from `owners`. */
typedef struct header_array {
  dog_header_t *headers;
  size_t count;
  PyObject *owners;
} header_array_t;

/* From a sequence of pairs of str. -1 with an exception. */
int header_array_from(PyObject *pairs, header_array_t *array);
void header_array_clear(header_array_t *array);

/* ---- members.c: keyword arguments as members of a struct; tables.c: the members that dog.h's structs have -------- */

typedef enum member_kind { MEMBER_U16, MEMBER_U32, MEMBER_U64, MEMBER_STRING } member_kind_t;

typedef struct member {
  const char *name;
  member_kind_t kind;
  size_t offset;
} member_t;

/* What a struct points to while it is handed to the engine. */
typedef struct keeper {
  PyObject *list;
} keeper_t;

/* Sets the members of `target` that the dict `values` names; None leaves a member as it is. A name that is none of
 * `members` (which end with a NULL name) is a TypeError that says so of `what`. */
int members_set(void *target, const member_t *members, PyObject *values, const char *what, keeper_t *keeper);
/* A dict of the members that are numbers. */
PyObject *members_get(const void *source, const member_t *members);

extern const member_t option_members[], gateway_class_members[], shard_class_members[], listen_members[],
    stats_members[], gateway_stats_members[];
/* The UTF-8 of a str without NUL, good until keeper_clear. NULL with an exception. */
const char *keep_string(keeper_t *keeper, PyObject *text, const char *what);
void keeper_clear(keeper_t *keeper);

/* ---- table.c: handles to objects --------------------------------------------------------------------------------- */

/* Handles that are alive, each with an object that the table owns a reference to. All zero is an empty one. */
typedef struct table {
  struct table_slot *slots;
  size_t capacity; /* a power of two, or 0 */
  size_t count;
} table_t;

PyObject *table_find(const table_t *table, uint64_t handle); /* borrowed; NULL for none, and no exception */
int table_add(table_t *table, uint64_t handle, PyObject *object); /* -1: MemoryError, or it is there already */
PyObject *table_take(table_t *table, uint64_t handle);            /* the table's reference; NULL for none */
int table_visit(const table_t *table, visitproc visit, void *argument);
void table_clear(table_t *table);

/* ---- senders.c: Socket, Shard and Gateway, that part of them which sends ----------------------------------------- */

typedef struct shard_object {
  PyObject_HEAD
  dog_shard_t handle;
  /* True from when a handler of this Shard was made a task until that task has begun: events meanwhile wait in line
   * behind it. */
  char is_behind;
  /* onmessage is a coroutine function: its calls wait in line by themselves. */
  char is_onmessage_async;
  /* Each socket's events are handled one after another, so messages go through the package and not straight to
   * onmessage. */
  char is_ordered;
} shard_object_t;

typedef struct socket_object {
  PyObject_HEAD
  dog_socket_t handle;
  PyObject *shard; /* a shard_object_t; NULL only after tp_clear */
  PyObject *uid;
  char is_closed; /* its DOG_EVENT_CLOSE was delivered */
} socket_object_t;

extern PyTypeObject *socket_type, *shard_type, *gateway_type;
int senders_init(PyObject *module);

/* ---- requests.c: functions on a request's or a gossip's handle --------------------------------------------------- */

extern PyMethodDef request_functions[];

/* ---- engine.c, setup.c, events.c: the engine and its queue ------------------------------------------------------- */

enum { EVENTS_AT_ONCE = 512, EVENT_TYPES = DOG_EVENT_RETIRE + 1 };

typedef struct engine_object {
  PyObject_HEAD
  dog_engine_t *engine; /* NULL once it is closed */
  table_t sockets;      /* from add_socket until the event that closes it */
  /* What is called for an event of each type; for DOG_EVENT_MESSAGE it is the Shard's onmessage instead. */
  PyObject *handlers[EVENT_TYPES];
  PyObject *onresult; /* (socket, result): onmessage returned something */
  PyObject *onfailure; /* (socket, exception): onmessage raised */
  PyObject *onbehind; /* (socket, data): a message for a Shard that is behind */
  /* The events of the last poll; those from `next` on have not been delivered. */
  dog_event_t *events;
  size_t next, count;
  char is_delivering;
  char is_paused;
} engine_object_t;

/* NULL with an EndedError once it is closed. */
dog_engine_t *engine_alive(PyObject *self);
int engine_init(PyObject *module);
PyObject *engine_define_gateway(PyObject *self, PyObject *args);
PyObject *engine_define_shard(PyObject *self, PyObject *args);
PyObject *engine_route(PyObject *self, PyObject *args);
PyObject *engine_on_fetch(PyObject *self, PyObject *unused);
PyObject *engine_listen(PyObject *self, PyObject *args);
PyObject *engine_deliver(PyObject *self, PyObject *unused);

#endif /* DOG_NATIVE_H */
