/*
 * module.c - the addon's entry: opens libdog and exports the functions, once for each environment of Node that asks.
 *
 * Environments share nothing but libdog: an engine belongs to the one that made it, and ends with it.
 */
#include <stdlib.h>

#include "addon.h"
#include "engine.h"
#include "members.h"

static napi_value version(napi_env env, napi_callback_info info) {
  (void)info;
  return make_int(env, dog.version());
}

/* statusOf(code): [name, sentence] */
static napi_value status_of(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  dog_status_t status = (dog_status_t)call_int(&call, 0);
  napi_value array = NULL, name = NULL, text = NULL;
  napi_create_array_with_length(env, 2, &array);
  napi_create_string_utf8(env, dog.status_name(status), NAPI_AUTO_LENGTH, &name);
  napi_create_string_utf8(env, dog.status_text(status), NAPI_AUTO_LENGTH, &text);
  napi_set_element(env, array, 0, name);
  napi_set_element(env, array, 1, text);
  return array;
}

/* lastReason(): why the engine's function that was called right before failed. */
static napi_value last_reason(napi_env env, napi_callback_info info) {
  (void)info;
  const char *text = "";
  size_t length = 0;
  dog.last_reason(&text, &length);
  return make_text(env, text, length);
}

static const exported_t module_functions[] = {
  {"version", version}, {"statusOf", status_of}, {"lastReason", last_reason}, {NULL, NULL}};

/* The numbers of engine.h that JavaScript uses. */
static const struct {
  const char *name;
  int value;
} constants[] = {
  {"GATEWAY", RECORD_GATEWAY},
  {"SLAB", RECORD_SLAB},
  {"FIELDS", BATCH_FIELDS},
  {"FIELDS_MAX", BATCH_ROOM + 1},
  {"ROOM", BATCH_ROOM},
  {"EVENTS_MAX", BATCH_EVENTS},
};

static void export_functions(napi_env env, napi_value exports, const exported_t *functions, addon_t *addon) {
  for (; functions->name != NULL; functions++) {
    napi_value function = NULL;
    napi_create_function(env, functions->name, NAPI_AUTO_LENGTH, functions->function, addon, &function);
    set_member(env, exports, functions->name, function);
  }
}

/* Statuses and types of events, by their names without a prefix; LOG_LEVELS, by their words; DEFAULTS, those of
 * dog_options_t. */
static void export_header(napi_env env, napi_value exports) {
  for (const choice_t *each = header_constants; each->word != NULL; each++) {
    set_member(env, exports, each->word, make_int(env, each->value));
  }
  napi_value levels = NULL;
  napi_create_object(env, &levels);
  for (const choice_t *each = dog_log_level_choices; each->word != NULL; each++) {
    set_member(env, levels, each->word, make_int(env, each->value));
  }
  set_member(env, exports, "LOG_LEVELS", levels);
  dog_options_t options;
  if (dog.options_init(&options, sizeof options) != DOG_OK) return;
  set_member(env, exports, "DEFAULTS", members_object(env, options_members, &options));
}

/* MEMBERS: of each struct that an object is read into, the names that the object may have. */
static void export_members(napi_env env, napi_value exports) {
  napi_value members = NULL;
  napi_create_object(env, &members);
  set_member(env, members, "options", members_names(env, options_members));
  set_member(env, members, "listen", members_names(env, listen_members));
  set_member(env, members, "gateway", members_names(env, gateway_members));
  set_member(env, members, "shard", members_names(env, shard_members));
  set_member(env, exports, "MEMBERS", members);
}

static void on_environment_ended(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  free(data);
}

NAPI_MODULE_INIT() {
  const char *problem = library_open();
  if (problem != NULL) {
    napi_throw_error(env, NULL, problem);
    return NULL;
  }
  addon_t *addon = calloc(1, sizeof *addon);
  if (addon == NULL || napi_set_instance_data(env, addon, on_environment_ended, NULL) != napi_ok) {
    free(addon);
    napi_throw_error(env, NULL, "out of memory");
    return NULL;
  }
  addon->env = env;
  export_functions(env, exports, module_functions, addon);
  export_functions(env, exports, engine_functions, addon);
  export_functions(env, exports, request_functions, addon);
  export_functions(env, exports, sending_functions, addon);
  for (size_t index = 0; index < sizeof constants / sizeof constants[0]; index++) {
    set_member(env, exports, constants[index].name, make_int(env, constants[index].value));
  }
  export_header(env, exports);
  export_members(env, exports);
  return exports;
}
