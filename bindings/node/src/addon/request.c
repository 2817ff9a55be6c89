/* request.c - a request's functions for JavaScript. The first two arguments are the halves of its handle. */
#include "headers.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The text that a getter gives; null where there is none; a status for what else went wrong. */
static napi_value read_text(napi_env env, napi_callback_info info,
                            dog_status_t (*getter)(dog_request_t, const char **, size_t *)) {
  call_t call;
  call_begin(&call, env, info);
  const char *bytes = NULL;
  size_t length = 0;
  dog_status_t status = getter(call_handle(&call, 0), &bytes, &length);
  if (status == DOG_OK) return make_text(env, bytes, length);
  if (status != DOG_ENOENT) return make_int(env, status);
  napi_value null = NULL;
  napi_get_null(env, &null);
  return null;
}

static napi_value request_path(napi_env env, napi_callback_info info) {
  return read_text(env, info, dog.request_path);
}

static napi_value request_remote(napi_env env, napi_callback_info info) {
  return read_text(env, info, dog.request_remote);
}

static napi_value request_client_subject(napi_env env, napi_callback_info info) {
  return read_text(env, info, dog.request_client_subject);
}

static napi_value request_body(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  const void *body = NULL;
  size_t length = 0;
  dog_status_t status = dog.request_body(call_handle(&call, 0), &body, &length);
  return status == DOG_OK ? make_buffer(env, body, length) : make_int(env, status);
}

/* requestHeader(low, high, name) */
static napi_value request_header(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t name;
  if (!payload_begin(&call, 2, false, &name)) return NULL;
  const char *value = NULL;
  size_t length = 0;
  dog_status_t status = dog.request_header(call_handle(&call, 0), name.bytes, name.length, &value, &length);
  payload_end(&name);
  if (status == DOG_OK) return make_text(env, value, length);
  if (status != DOG_ENOENT) return make_int(env, status);
  napi_value null = NULL;
  napi_get_null(env, &null);
  return null;
}

/* [name, value, name, value, ...], as they came; a status. */
static napi_value request_headers(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  dog_request_t request = call_handle(&call, 0);
  napi_value array = NULL;
  napi_create_array(env, &array);
  dog_header_t header;
  dog_status_t status = DOG_OK;
  uint32_t parts = 0;
  for (size_t index = 0; (status = dog.request_header_at(request, index, &header)) == DOG_OK; index++) {
    napi_set_element(env, array, parts++, make_text(env, header.name, header.name_length));
    napi_set_element(env, array, parts++, make_text(env, header.value, header.value_length));
  }
  return status == DOG_ENOENT ? array : make_int(env, status);
}

static napi_value request_protocols(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  dog_request_t request = call_handle(&call, 0);
  napi_value array = NULL;
  napi_create_array(env, &array);
  const char *protocol = NULL;
  size_t length = 0;
  dog_status_t status = DOG_OK;
  uint32_t index = 0;
  for (; (status = dog.request_protocol_at(request, index, &protocol, &length)) == DOG_OK; index++) {
    napi_set_element(env, array, index, make_text(env, protocol, length));
  }
  return status == DOG_ENOENT ? array : make_int(env, status);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* requestIdentify(low, high, uid), requestClusterize(low, high, id) */
static napi_value answer_text(napi_env env, napi_callback_info info,
                              dog_status_t (*answer)(dog_request_t, const char *, size_t)) {
  call_t call;
  call_begin(&call, env, info);
  payload_t text;
  if (!payload_begin(&call, 2, false, &text)) return NULL;
  dog_status_t status = answer(call_handle(&call, 0), text.bytes, text.length);
  payload_end(&text);
  return make_int(env, status);
}

static napi_value request_identify(napi_env env, napi_callback_info info) {
  return answer_text(env, info, dog.request_identify);
}

static napi_value request_clusterize(napi_env env, napi_callback_info info) {
  return answer_text(env, info, dog.request_clusterize);
}

/* requestForward(low, high, gatewayClass, name) */
static napi_value request_forward(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t gateway_class, name;
  if (!payload_begin(&call, 2, false, &gateway_class)) return NULL;
  napi_value result = NULL;
  if (payload_begin(&call, 3, true, &name)) {
    result = make_int(env, dog.request_forward(call_handle(&call, 0), gateway_class.bytes, gateway_class.length,
                                               name.bytes, name.length));
    payload_end(&name);
  }
  payload_end(&gateway_class);
  return result;
}

/* requestRespond(low, high, status, headers, body) */
static napi_value request_respond(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  arena_t arena = {0};
  headers_t headers;
  payload_t body;
  napi_value result = NULL;
  if (headers_read(env, call.arguments[3], &arena, &headers) && payload_begin(&call, 4, false, &body)) {
    result = make_int(env, dog.request_respond(call_handle(&call, 0), call_int(&call, 2), headers.list, headers.count,
                                               body.bytes, body.length));
    payload_end(&body);
  }
  arena_free(&arena);
  return result;
}

/* requestBegin(low, high, status, headers, token): WRITABLE and ENDED come with the token. */
static napi_value request_begin(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  arena_t arena = {0};
  headers_t headers;
  napi_value result = NULL;
  if (headers_read(env, call.arguments[3], &arena, &headers)) {
    dog_stream_options_t options;
    dog.stream_options_init(&options, sizeof options);
    options.user = (void *)(uintptr_t)(uint32_t)call_int(&call, 4);
    result = make_int(env, dog.request_respond_begin(call_handle(&call, 0), call_int(&call, 2), headers.list,
                                                     headers.count, &options));
  }
  arena_free(&arena);
  return result;
}

/* requestWrite(low, high, data) */
static napi_value request_write(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  payload_t data;
  if (!payload_begin(&call, 2, false, &data)) return NULL;
  dog_status_t status = dog.request_respond_write(call_handle(&call, 0), data.bytes, data.length);
  payload_end(&data);
  return make_int(env, status);
}

static napi_value request_end(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  return make_int(env, dog.request_respond_end(call_handle(&call, 0)));
}

static napi_value request_abort(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  return make_int(env, dog.request_respond_abort(call_handle(&call, 0)));
}

/* requestConnect(low, high, protocol, headers) */
static napi_value request_connect(napi_env env, napi_callback_info info) {
  call_t call;
  call_begin(&call, env, info);
  arena_t arena = {0};
  headers_t headers;
  payload_t protocol;
  napi_value result = NULL;
  if (headers_read(env, call.arguments[3], &arena, &headers) && payload_begin(&call, 2, false, &protocol)) {
    dog_connect_options_t options;
    dog.connect_options_init(&options, sizeof options);
    options.protocol = protocol.length > 0 ? protocol.bytes : NULL;
    options.protocol_length = protocol.length;
    options.headers = headers.list;
    options.header_count = headers.count;
    result = make_int(env, dog.request_connect(call_handle(&call, 0), &options));
    payload_end(&protocol);
  }
  arena_free(&arena);
  return result;
}

const exported_t request_functions[] = {
  {"requestPath", request_path},
  {"requestRemote", request_remote},
  {"requestClientSubject", request_client_subject},
  {"requestBody", request_body},
  {"requestHeader", request_header},
  {"requestHeaders", request_headers},
  {"requestProtocols", request_protocols},
  {"requestIdentify", request_identify},
  {"requestClusterize", request_clusterize},
  {"requestForward", request_forward},
  {"requestRespond", request_respond},
  {"requestBegin", request_begin},
  {"requestWrite", request_write},
  {"requestEnd", request_end},
  {"requestAbort", request_abort},
  {"requestConnect", request_connect},
  {NULL, NULL},
};
