/*
 * members.h - dog.h's option structs from JavaScript objects, by tables.
 *
 * A table says for each member of a struct its name in JavaScript, where it lies and what it is. A member that the
 * object has and the table has not is a TypeError that names it, and so is a value of another type; what range a number
 * may be in is for the engine to judge, if it fits into the member.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "addon.h"

typedef enum member_type {
  MEMBER_U16,
  MEMBER_U32,
  MEMBER_U64,
  MEMBER_FLAG,         /* a boolean into a uint32_t */
  MEMBER_CHOICE,       /* one of some words into an enum */
  MEMBER_TEXT,         /* a string into a const char * */
  MEMBER_TEXTS,        /* an array of strings into a const char *const * and a size_t */
  MEMBER_CERTIFICATES  /* an array of { certificateFile, keyFile } into a const dog_certificate_t * and a size_t */
} member_type_t;

typedef struct choice {
  const char *word; /* NULL behind the last one */
  int value;
} choice_t;

typedef struct member {
  const char *name; /* NULL behind the last one */
  member_type_t type;
  size_t offset;
  size_t count_offset;     /* of arrays */
  const choice_t *choices; /* of a choice */
} member_t;

/* Memory for texts and arrays that a struct points to, until arena_free. */
typedef struct arena {
  void **blocks;
  size_t count;
  size_t capacity;
} arena_t;

void *arena_allocate(arena_t *arena, size_t bytes);
/* A string without a NUL in it, with one behind it; NULL: the value is none, or there is no memory. */
const char *arena_text(arena_t *arena, napi_env env, napi_value value);
void arena_free(arena_t *arena);

/* Sets the struct's members to those of `object`. False: an exception is pending; `what` is how it calls the object. */
bool members_read(napi_env env, napi_value object, const char *what, const member_t *members, arena_t *arena,
                  void *into);

/* The names of a table, as an array. */
napi_value members_names(napi_env env, const member_t *members);

/* An object of a struct's numbers, flags and words. */
napi_value members_object(napi_env env, const member_t *members, const void *from);

/* In tables.c, which is made from dog.h: its structs, and its statuses and types of events. */
extern const member_t options_members[], listen_members[], gateway_members[], shard_members[], certificate_members[],
  stats_members[], gateway_stats_members[];
extern const choice_t header_constants[], dog_log_level_choices[];

#endif /* MEMBERS_H */
