/*
 * module.c - the addon's entry: opens libdog and exports the functions, once for each environment of Node that asks.
 *
 * Environments share nothing but libdog: an engine belongs to the one that made it, and ends with it.
 */
#include <stdlib.h>

#include "addon.h"
#include "engine.h"

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

static const exported_t module_functions[] = {{"version", version}, {"statusOf", status_of}, {NULL, NULL}};

/* The numbers of dog.h and engine.h that JavaScript uses, from there. */
static const struct {
  const char *name;
  int value;
} constants[] = {
  {"GATEWAY", RECORD_GATEWAY},
  {"SLAB", RECORD_SLAB},
  {"FETCH", DOG_EVENT_FETCH},
  {"IDENTIFY", DOG_EVENT_IDENTIFY},
  {"CLUSTERIZE", DOG_EVENT_CLUSTERIZE},
  {"RECEIVE", DOG_EVENT_RECEIVE},
  {"GOSSIP", DOG_EVENT_GOSSIP},
  {"START", DOG_EVENT_START},
  {"STOP", DOG_EVENT_STOP},
  {"OPEN", DOG_EVENT_OPEN},
  {"MESSAGE", DOG_EVENT_MESSAGE},
  {"CLOSE", DOG_EVENT_CLOSE},
  {"ERROR", DOG_EVENT_ERROR},
  {"DRAIN", DOG_EVENT_DRAIN},
  {"WHISPERED", DOG_EVENT_WHISPERED},
  {"GOSSIPED", DOG_EVENT_GOSSIPED},
  {"WRITABLE", DOG_EVENT_WRITABLE},
  {"ENDED", DOG_EVENT_ENDED},
  {"LOG", DOG_EVENT_LOG},
  {"STOPPED", DOG_EVENT_STOPPED},
  {"RETIRE", DOG_EVENT_RETIRE},
  {"FIELDS", BATCH_FIELDS},
  {"FIELDS_MAX", BATCH_ROOM + 1},
  {"ROOM", BATCH_ROOM},
  {"EVENTS_MAX", BATCH_EVENTS},
  {"EINVAL", DOG_EINVAL},
  {"ESTALE", DOG_ESTALE},
  {"EFULL", DOG_EFULL},
  {"EUPGRADE", DOG_EUPGRADE},
  {"ECLOSED", DOG_ECLOSED},
  {"EHOST", DOG_EHOST},
  {"EGONE", DOG_EGONE},
  {"ENOENT", DOG_ENOENT},
  {"ESTATE", DOG_ESTATE},
  {"ESLOW", DOG_ESLOW},
};

static void export_functions(napi_env env, napi_value exports, const exported_t *functions, addon_t *addon) {
  for (; functions->name != NULL; functions++) {
    napi_value function = NULL;
    napi_create_function(env, functions->name, NAPI_AUTO_LENGTH, functions->function, addon, &function);
    set_member(env, exports, functions->name, function);
  }
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
  return exports;
}
