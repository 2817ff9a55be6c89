/* addon.h - what the addon's files share: one environment of Node (a thread of it), and values on their way. */
#ifndef ADDON_H
#define ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>

#include "library.h"

/* Text up to this long is converted in place; what is longer gets memory of its own. */
#define SCRATCH_BYTES 65536

/* One environment: the main thread or a worker_threads Worker. It is the `data` of every function that it exports. */
typedef struct addon {
  napi_env env;
  char scratch[SCRATCH_BYTES];
} addon_t;

/* ---- arguments --------------------------------------------------------------------------------------------------- */

#define ARGUMENTS_MAX 6

/* The arguments of a call; those that the caller left out are undefined. */
typedef struct call {
  addon_t *addon;
  napi_env env;
  napi_value arguments[ARGUMENTS_MAX];
} call_t;

void call_begin(call_t *call, napi_env env, napi_callback_info info);

int32_t call_int(const call_t *call, size_t index);
bool call_bool(const call_t *call, size_t index);
/* A handle is two arguments, its lower and its upper half. */
uint64_t call_handle(const call_t *call, size_t index);

/* Bytes of an argument, borrowed until payload_end. */
typedef struct payload {
  dog_kind_t kind; /* text: it was a string; binary: a view of bytes */
  const char *bytes;
  size_t length;
  char *owned; /* NULL, or what payload_end frees */
} payload_t;

/* A string as UTF-8, or the bytes of an ArrayBuffer or of a view of one; undefined and null are empty. False, with an
 * exception pending: the value is something else, or there is no memory. The scratch is the addon's, so only one
 * payload of a call may be read into it: `is_second` says that this one must not. */
bool payload_begin(const call_t *call, size_t index, bool is_second, payload_t *payload);
void payload_end(payload_t *payload);

/* ---- results ----------------------------------------------------------------------------------------------------- */

napi_value make_int(napi_env env, int64_t number);
/* Text as a string; what is not UTF-8 in it becomes U+FFFD. */
napi_value make_text(napi_env env, const char *bytes, size_t length);
napi_value make_buffer(napi_env env, const void *bytes, size_t length);
napi_value make_undefined(napi_env env);
void set_member(napi_env env, napi_value object, const char *name, napi_value value);

napi_value throw_type_error(napi_env env, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- what is exported -------------------------------------------------------------------------------------------- */

typedef struct exported {
  const char *name;
  napi_callback function;
} exported_t;

/* Each file has a list of its functions, ended by a NULL name. */
extern const exported_t engine_functions[], request_functions[], sending_functions[];

#endif /* ADDON_H */
