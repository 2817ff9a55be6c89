/* values.c - JavaScript's values to C's and back. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"

/* ---- arguments --------------------------------------------------------------------------------------------------- */

void call_begin(call_t *call, napi_env env, napi_callback_info info) {
  size_t count = ARGUMENTS_MAX;
  void *data = NULL;
  napi_get_cb_info(env, info, &count, call->arguments, NULL, &data);
  call->addon = data;
  call->env = env;
}

int32_t call_int(const call_t *call, size_t index) {
  int32_t number = 0;
  napi_get_value_int32(call->env, call->arguments[index], &number);
  return number;
}

bool call_bool(const call_t *call, size_t index) {
  bool value = false;
  napi_get_value_bool(call->env, call->arguments[index], &value);
  return value;
}

uint64_t call_handle(const call_t *call, size_t index) {
  uint32_t low = (uint32_t)call_int(call, index), high = (uint32_t)call_int(call, index + 1);
  return (uint64_t)high << 32 | low;
}

/* A string that the scratch may not hold whole: measured first, then written. */
static bool read_long_text(const call_t *call, napi_value value, payload_t *payload) {
  if (napi_get_value_string_utf8(call->env, value, NULL, 0, &payload->length) != napi_ok) return false;
  payload->owned = malloc(payload->length + 1);
  if (payload->owned == NULL) return false;
  napi_get_value_string_utf8(call->env, value, payload->owned, payload->length + 1, &payload->length);
  payload->bytes = payload->owned;
  return true;
}

/* False: the value is not a string. */
static bool read_text(const call_t *call, napi_value value, bool is_second, payload_t *payload) {
  payload->kind = DOG_TEXT;
  if (is_second) return read_long_text(call, value, payload);
  char *scratch = call->addon->scratch;
  if (napi_get_value_string_utf8(call->env, value, scratch, SCRATCH_BYTES, &payload->length) != napi_ok) return false;
  /* Cut short it ends less than a character (4 bytes) before the scratch's NUL. */
  if (payload->length + 4 >= SCRATCH_BYTES) return read_long_text(call, value, payload);
  payload->bytes = scratch;
  return true;
}

static bool read_bytes(const call_t *call, napi_value value, payload_t *payload) {
  payload->kind = DOG_BINARY;
  bool is = false;
  void *bytes = NULL;
  if (napi_is_typedarray(call->env, value, &is) == napi_ok && is) {
    /* Of a Uint8Array, which Buffers are, the length is in bytes; index.js makes nothing else of other views. */
    napi_get_typedarray_info(call->env, value, NULL, &payload->length, &bytes, NULL, NULL);
  } else if (napi_is_arraybuffer(call->env, value, &is) == napi_ok && is) {
    napi_get_arraybuffer_info(call->env, value, &bytes, &payload->length);
  } else {
    return false;
  }
  payload->bytes = bytes;
  return true;
}

bool payload_begin(const call_t *call, size_t index, bool is_second, payload_t *payload) {
  napi_value value = call->arguments[index];
  *payload = (payload_t){DOG_TEXT, "", 0, NULL};
  if (read_text(call, value, is_second, payload)) return true;
  if (read_bytes(call, value, payload)) {
    if (payload->bytes == NULL) payload->bytes = "";
    return true;
  }
  napi_valuetype type = napi_undefined;
  napi_typeof(call->env, value, &type);
  if (type == napi_undefined || type == napi_null) {
    payload->length = 0;
    payload->bytes = "";
    return true;
  }
  throw_type_error(call->env, "not text or bytes, or no memory for them");
  return false;
}

void payload_end(payload_t *payload) {
  free(payload->owned);
  payload->owned = NULL;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

napi_value make_int(napi_env env, int64_t number) {
  napi_value value = NULL;
  if (number >= INT32_MIN && number <= INT32_MAX) {
    napi_create_int32(env, (int32_t)number, &value);
  } else {
    napi_create_int64(env, number, &value);
  }
  return value;
}

static bool is_ascii(const char *bytes, size_t length) {
  uint64_t bits = 0;
  for (; length >= sizeof bits; bytes += sizeof bits, length -= sizeof bits) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    bits |= word;
  }
  for (; length > 0; bytes++, length--) bits |= (uint64_t)(unsigned char)*bytes;
  return (bits & UINT64_C(0x8080808080808080)) == 0;
}

napi_value make_text(napi_env env, const char *bytes, size_t length) {
  napi_value value = NULL;
  /* What is ASCII is Latin-1 too, which V8 copies without decoding. */
  if (is_ascii(bytes, length)) {
    napi_create_string_latin1(env, bytes, length, &value);
  } else {
    napi_create_string_utf8(env, bytes, length, &value);
  }
  /* Only a text longer than V8's strings may be fails: about 512 MiB. */
  return value == NULL ? make_undefined(env) : value;
}

napi_value make_buffer(napi_env env, const void *bytes, size_t length) {
  napi_value value = NULL;
  napi_create_buffer_copy(env, length, bytes, NULL, &value);
  return value == NULL ? make_undefined(env) : value;
}

napi_value make_undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

void set_member(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

napi_value throw_type_error(napi_env env, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  napi_throw_type_error(env, NULL, message);
  return NULL;
}
