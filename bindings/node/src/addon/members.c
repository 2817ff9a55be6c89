/* members.c - see members.h. */
#include "members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ------------------------------------------------------------------------------------------------------ */

void *arena_allocate(arena_t *arena, size_t bytes) {
  if (arena->count == arena->capacity) {
    size_t capacity = arena->capacity == 0 ? 16 : arena->capacity * 2;
    void **blocks = realloc(arena->blocks, capacity * sizeof *blocks);
    if (blocks == NULL) return NULL;
    arena->blocks = blocks;
    arena->capacity = capacity;
  }
  void *block = calloc(1, bytes == 0 ? 1 : bytes);
  if (block != NULL) arena->blocks[arena->count++] = block;
  return block;
}

const char *arena_text(arena_t *arena, napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = arena_allocate(arena, length + 1);
  if (text == NULL) return NULL;
  napi_get_value_string_utf8(env, value, text, length + 1, &length);
  return strlen(text) == length ? text : NULL;
}

void arena_free(arena_t *arena) {
  while (arena->count > 0) free(arena->blocks[--arena->count]);
  free(arena->blocks);
  *arena = (arena_t){0};
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Where one member is read to, and how to call it where its value is of another type. */
typedef struct reading {
  napi_env env;
  arena_t *arena;
  const char *what;
  const member_t *member;
  char *into;
} reading_t;

static bool refuse(const reading_t *reading, const char *wanted) {
  throw_type_error(reading->env, "%s.%s must be %s", reading->what, reading->member->name, wanted);
  return false;
}

static bool read_number(const reading_t *reading, napi_value value) {
  double number = -1, largest = reading->member->type == MEMBER_U16   ? 65535
                                : reading->member->type == MEMBER_U32 ? 4294967295.0
                                                                      : 9007199254740991.0;
  if (napi_get_value_double(reading->env, value, &number) != napi_ok || !(number >= 0 && number <= largest) ||
      number != (double)(uint64_t)number) {
    return refuse(reading, reading->member->type == MEMBER_U16   ? "an integer from 0 to 65,535"
                           : reading->member->type == MEMBER_U32 ? "an integer from 0 to 4,294,967,295"
                                                                 : "an integer from 0 to 2 ** 53 - 1");
  }
  uint16_t u16 = (uint16_t)number;
  uint32_t u32 = (uint32_t)number;
  uint64_t u64 = (uint64_t)number;
  switch (reading->member->type) {
    case MEMBER_U16: memcpy(reading->into, &u16, sizeof u16); break;
    case MEMBER_U32: memcpy(reading->into, &u32, sizeof u32); break;
    default: memcpy(reading->into, &u64, sizeof u64); break;
  }
  return true;
}

static bool read_flag(const reading_t *reading, napi_value value) {
  bool flag = false;
  if (napi_get_value_bool(reading->env, value, &flag) != napi_ok) return refuse(reading, "true or false");
  uint32_t number = flag;
  memcpy(reading->into, &number, sizeof number);
  return true;
}

static bool read_choice(const reading_t *reading, napi_value value) {
  char wanted[256] = "one of";
  size_t length = strlen(wanted);
  const char *word = arena_text(reading->arena, reading->env, value);
  for (const choice_t *choice = reading->member->choices; choice->word != NULL; choice++) {
    if (word != NULL && strcmp(word, choice->word) == 0) {
      memcpy(reading->into, &choice->value, sizeof choice->value);
      return true;
    }
    const char *between = choice == reading->member->choices ? " " : ", ";
    if (length < sizeof wanted) {
      length += (size_t)snprintf(wanted + length, sizeof wanted - length, "%s%s", between, choice->word);
    }
  }
  return refuse(reading, wanted);
}

static bool read_text(const reading_t *reading, napi_value value) {
  const char *text = arena_text(reading->arena, reading->env, value);
  if (text == NULL) return refuse(reading, "a string without NUL");
  memcpy(reading->into, &text, sizeof text);
  return true;
}

static bool read_element(const reading_t *reading, napi_value value, void *into) {
  if (reading->member->type == MEMBER_CERTIFICATES) {
    return members_read(reading->env, value, "certificate", certificate_members, reading->arena, into);
  }
  const char *text = arena_text(reading->arena, reading->env, value);
  if (text == NULL) return refuse(reading, "an array of strings without NUL");
  memcpy(into, &text, sizeof text);
  return true;
}

static bool read_array(const reading_t *reading, napi_value value, char *count_into) {
  bool is_array = false;
  uint32_t length = 0;
  if (napi_is_array(reading->env, value, &is_array) != napi_ok || !is_array) return refuse(reading, "an array");
  napi_get_array_length(reading->env, value, &length);
  size_t size = reading->member->type == MEMBER_CERTIFICATES ? sizeof(dog_certificate_t) : sizeof(char *);
  char *elements = arena_allocate(reading->arena, length * size);
  if (elements == NULL) return refuse(reading, "shorter: there is no memory for it");
  for (uint32_t index = 0; index < length; index++) {
    napi_value element = NULL;
    napi_get_element(reading->env, value, index, &element);
    if (!read_element(reading, element, elements + index * size)) return false;
  }
  size_t count = length;
  memcpy(reading->into, &elements, sizeof elements);
  memcpy(count_into, &count, sizeof count);
  return true;
}

static bool read_member(const reading_t *reading, napi_value value, char *structure) {
  switch (reading->member->type) {
    case MEMBER_U16:
    case MEMBER_U32:
    case MEMBER_U64: return read_number(reading, value);
    case MEMBER_FLAG: return read_flag(reading, value);
    case MEMBER_CHOICE: return read_choice(reading, value);
    case MEMBER_TEXT: return read_text(reading, value);
    case MEMBER_TEXTS:
    case MEMBER_CERTIFICATES: return read_array(reading, value, structure + reading->member->count_offset);
  }
  return false;
}

static const member_t *find_member(const member_t *members, const char *name) {
  for (; members->name != NULL; members++) {
    if (name != NULL && strcmp(members->name, name) == 0) return members;
  }
  return NULL;
}

napi_value members_names(napi_env env, const member_t *members) {
  napi_value names = NULL, name = NULL;
  napi_create_array(env, &names);
  for (uint32_t index = 0; members[index].name != NULL; index++) {
    napi_create_string_utf8(env, members[index].name, NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, index, name);
  }
  return names;
}

bool members_read(napi_env env, napi_value object, const char *what, const member_t *members, arena_t *arena,
                  void *into) {
  napi_value names = NULL;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, object, &type) != napi_ok || type != napi_object ||
      napi_get_property_names(env, object, &names) != napi_ok) {
    throw_type_error(env, "%s must be an object", what);
    return false;
  }
  uint32_t count = 0;
  napi_get_array_length(env, names, &count);
  for (uint32_t index = 0; index < count; index++) {
    napi_value key = NULL, value = NULL;
    napi_get_element(env, names, index, &key);
    const char *name = arena_text(arena, env, key);
    const member_t *member = find_member(members, name);
    if (member == NULL) {
      throw_type_error(env, "%s has no member %s", what, name == NULL ? "of that name" : name);
      return false;
    }
    if (napi_get_property(env, object, key, &value) != napi_ok) return false; /* a getter threw */
    napi_typeof(env, value, &type);
    if (type == napi_undefined) continue; /* as if it were not there */
    reading_t reading = {env, arena, what, member, (char *)into + member->offset};
    if (!read_member(&reading, value, into)) return false;
  }
  return true;
}

/* ---- and back ---------------------------------------------------------------------------------------------------- */

static napi_value make_word(napi_env env, const choice_t *choice, int value) {
  while (choice->word != NULL && choice->value != value) choice++;
  return choice->word == NULL ? make_undefined(env) : make_text(env, choice->word, strlen(choice->word));
}

/* The value of a member that is a number, a flag or a word; NULL for another. */
static napi_value make_value(napi_env env, const member_t *member, const char *place) {
  uint16_t u16 = 0;
  uint32_t u32 = 0;
  uint64_t u64 = 0;
  napi_value value = NULL;
  switch (member->type) {
    case MEMBER_U16: memcpy(&u16, place, sizeof u16); return make_int(env, u16);
    case MEMBER_U32: memcpy(&u32, place, sizeof u32); return make_int(env, u32);
    case MEMBER_U64: memcpy(&u64, place, sizeof u64); return make_int(env, (int64_t)u64);
    case MEMBER_FLAG:
      memcpy(&u32, place, sizeof u32);
      napi_get_boolean(env, u32 != 0, &value);
      return value;
    case MEMBER_CHOICE: memcpy(&u32, place, sizeof u32); return make_word(env, member->choices, (int)u32);
    case MEMBER_TEXT:
    case MEMBER_TEXTS:
    case MEMBER_CERTIFICATES: break;
  }
  return NULL;
}

napi_value members_object(napi_env env, const member_t *members, const void *from) {
  napi_value object = NULL;
  napi_create_object(env, &object);
  for (; members->name != NULL; members++) {
    napi_value value = make_value(env, members, (const char *)from + members->offset);
    if (value != NULL) set_member(env, object, members->name, value);
  }
  return object;
}
