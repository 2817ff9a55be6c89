/* headers.h - headers from a flat JavaScript array, [name, value, name, value, ...]. */
#ifndef HEADERS_H
#define HEADERS_H

#include "members.h"

typedef struct headers {
  dog_header_t *list;
  size_t count;
} headers_t;

/* undefined means no headers. False, with an exception pending: the value is not such an array, or there is no memory.
 * A NUL in a text goes to the engine, which refuses it. */
bool headers_read(napi_env env, napi_value value, arena_t *arena, headers_t *headers);

#endif /* HEADERS_H */
