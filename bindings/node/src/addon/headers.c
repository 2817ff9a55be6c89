/* headers.c - see headers.h. */
#include "headers.h"

static bool read_part(napi_env env, napi_value array, uint32_t index, arena_t *arena, const char **bytes,
                      size_t *length) {
  napi_value value = NULL;
  if (napi_get_element(env, array, index, &value) != napi_ok ||
      napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok) {
    return false;
  }
  char *text = arena_allocate(arena, *length + 1);
  if (text == NULL) return false;
  napi_get_value_string_utf8(env, value, text, *length + 1, length);
  *bytes = text;
  return true;
}

bool headers_read(napi_env env, napi_value value, arena_t *arena, headers_t *headers) {
  *headers = (headers_t){NULL, 0};
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  if (type == napi_undefined) return true;
  uint32_t parts = 0;
  if (napi_get_array_length(env, value, &parts) == napi_ok) {
    headers->list = arena_allocate(arena, parts / 2 * sizeof *headers->list);
    for (; headers->list != NULL && headers->count < parts / 2; headers->count++) {
      dog_header_t *header = &headers->list[headers->count];
      uint32_t index = 2 * (uint32_t)headers->count;
      if (!read_part(env, value, index, arena, &header->name, &header->name_length) ||
          !read_part(env, value, index + 1, arena, &header->value, &header->value_length)) {
        break;
      }
    }
    if (headers->list != NULL && headers->count == parts / 2) return true;
  }
  throw_type_error(env, "headers are names and values, each a string");
  return false;
}
