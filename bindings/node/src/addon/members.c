/* members.c - see members.h. */
#include "members.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tables -------------------------------------------------------------------------------------------------- */

static const choice_t log_levels[] = {{"error", DOG_LOG_ERROR},
                                      {"warn", DOG_LOG_WARN},
                                      {"info", DOG_LOG_INFO},
                                      {"debug", DOG_LOG_DEBUG},
                                      {NULL, 0}};
static const choice_t outbox_policies[] = {{"close", DOG_OUTBOX_CLOSE},
                                           {"drop-newest", DOG_OUTBOX_DROP_NEWEST},
                                           {"drop-oldest", DOG_OUTBOX_DROP_OLDEST},
                                           {NULL, 0}};
static const choice_t rate_policies[] = {{"close", DOG_RATE_CLOSE}, {"drop", DOG_RATE_DROP}, {NULL, 0}};
static const choice_t client_certificates[] = {{"none", DOG_CLIENT_CERTIFICATE_NONE},
                                               {"optional", DOG_CLIENT_CERTIFICATE_OPTIONAL},
                                               {"required", DOG_CLIENT_CERTIFICATE_REQUIRED},
                                               {NULL, 0}};

#define PLAIN(type, struct_type, name, member) {name, type, offsetof(struct_type, member), 0, NULL}
#define CHOICE(struct_type, name, member, choices) {name, MEMBER_CHOICE, offsetof(struct_type, member), 0, choices}
#define ARRAY(type, struct_type, name, member, count) \
  {name, type, offsetof(struct_type, member), offsetof(struct_type, count), NULL}
#define END {NULL, MEMBER_U32, 0, 0, NULL}

#define U32(name, member) PLAIN(MEMBER_U32, dog_options_t, name, member)
#define U64(name, member) PLAIN(MEMBER_U64, dog_options_t, name, member)

/* `log` is index.js's, by events; `delivery` is the addon's. */
const member_t options_members[] = {
  U32("workers", workers),
  CHOICE(dog_options_t, "logLevel", log_level, log_levels),
  U32("connectionsMax", connections_max),
  U32("gatewaysMax", gateways_max),
  U32("shardsMax", shards_max),
  U32("mailboxBytesMax", mailbox_bytes_max),
  U32("targetBytesMax", target_bytes_max),
  U32("headerBytesMax", header_bytes_max),
  U32("headerCountMax", header_count_max),
  U32("bodyBytesMax", body_bytes_max),
  U32("messageBytesMax", message_bytes_max),
  U32("outboxBytesMax", outbox_bytes_max),
  CHOICE(dog_options_t, "outboxPolicy", outbox_policy, outbox_policies),
  U32("gossipBytesMax", gossip_bytes_max),
  U32("gossipsMax", gossips_max),
  U32("headerTimeoutMs", header_timeout_ms),
  U32("bodyTimeoutMs", body_timeout_ms),
  U32("keepaliveTimeoutMs", keepalive_timeout_ms),
  U32("identifyTimeoutMs", identify_timeout_ms),
  U32("receiveTimeoutMs", receive_timeout_ms),
  U32("pingIntervalMs", ping_interval_ms),
  U32("pingTimeoutMs", ping_timeout_ms),
  U32("closeTimeoutMs", close_timeout_ms),
  U32("connectionsPerAddressMax", connections_per_address_max),
  PLAIN(MEMBER_TEXT, dog_options_t, "trustedProxies", trusted_proxies),
  U32("frameBytesMax", frame_bytes_max),
  U32("handshakeTimeoutMs", handshake_timeout_ms),
  U32("idleTimeoutMs", idle_timeout_ms),
  U32("gossipTimeoutMs", gossip_timeout_ms),
  U32("messageRateMax", message_rate_max),
  U32("messageBurstMax", message_burst_max),
  U32("byteRateMax", byte_rate_max),
  U32("byteBurstMax", byte_burst_max),
  CHOICE(dog_options_t, "ratePolicy", rate_policy, rate_policies),
  U32("admissionLagMs", admission_lag_ms),
  U64("admissionMemoryBytes", admission_memory_bytes),
  U32("retryAfterSeconds", retry_after_seconds),
  U32("eventsMax", events_max),
  U32("eventBytesMax", event_bytes_max),
  END,
};

const member_t listen_members[] = {
  PLAIN(MEMBER_TEXT, dog_listen_options_t, "host", host),
  PLAIN(MEMBER_U16, dog_listen_options_t, "port", port),
  PLAIN(MEMBER_TEXT, dog_listen_options_t, "path", path),
  ARRAY(MEMBER_CERTIFICATES, dog_listen_options_t, "certificates", certificates, certificate_count),
  PLAIN(MEMBER_TEXT, dog_listen_options_t, "clientCaFile", client_ca_file),
  CHOICE(dog_listen_options_t, "clientCertificate", client_certificate, client_certificates),
  PLAIN(MEMBER_FLAG, dog_listen_options_t, "proxyProtocol", proxy_protocol),
  END,
};

const member_t gateway_members[] = {
  PLAIN(MEMBER_TEXT, dog_gateway_class_t, "name", name),
  PLAIN(MEMBER_TEXT, dog_gateway_class_t, "child", child),
  PLAIN(MEMBER_U32, dog_gateway_class_t, "limit", limit),
  PLAIN(MEMBER_U32, dog_gateway_class_t, "stickySeconds", sticky_seconds),
  PLAIN(MEMBER_U32, dog_gateway_class_t, "stickyMax", sticky_max),
  PLAIN(MEMBER_U32, dog_gateway_class_t, "idleSeconds", idle_seconds),
  PLAIN(MEMBER_U32, dog_gateway_class_t, "connectionsMax", connections_max),
  PLAIN(MEMBER_FLAG, dog_gateway_class_t, "clusterizeEvents", clusterize_events),
  END,
};

const member_t shard_members[] = {
  PLAIN(MEMBER_TEXT, dog_shard_class_t, "name", name),
  PLAIN(MEMBER_TEXT, dog_shard_class_t, "parent", parent),
  ARRAY(MEMBER_TEXTS, dog_shard_class_t, "origins", origins, origin_count),
  PLAIN(MEMBER_FLAG, dog_shard_class_t, "deflate", deflate),
  PLAIN(MEMBER_U32, dog_shard_class_t, "deflateLevel", deflate_level),
  PLAIN(MEMBER_U32, dog_shard_class_t, "deflateWindowBits", deflate_window_bits),
  PLAIN(MEMBER_U32, dog_shard_class_t, "deflateClientWindowBits", deflate_client_window_bits),
  PLAIN(MEMBER_FLAG, dog_shard_class_t, "deflateClientContext", deflate_client_context),
  PLAIN(MEMBER_U32, dog_shard_class_t, "deflateBytesMin", deflate_bytes_min),
  PLAIN(MEMBER_FLAG, dog_shard_class_t, "gossipEvents", gossip_events),
  END,
};

static const member_t certificate_members[] = {
  PLAIN(MEMBER_TEXT, dog_certificate_t, "certificateFile", certificate_file),
  PLAIN(MEMBER_TEXT, dog_certificate_t, "keyFile", key_file),
  END,
};

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
  char wanted[128] = "one of";
  const char *word = arena_text(reading->arena, reading->env, value);
  for (const choice_t *choice = reading->member->choices; choice->word != NULL; choice++) {
    if (word != NULL && strcmp(word, choice->word) == 0) {
      memcpy(reading->into, &choice->value, sizeof choice->value);
      return true;
    }
    strcat(strcat(wanted, choice == reading->member->choices ? " " : ", "), choice->word);
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
