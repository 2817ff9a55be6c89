/*
 * library.h - libdog, as the addon calls it: dog.socket_send(...) is dog_socket_send(...).
 *
 * libdog needs libuv, OpenSSL and zlib, and so does Node, which has them built in and exports them. Linked in the usual
 * way libdog would get Node's, other versions than it was compiled for. So the addon opens libdog by itself, with
 * RTLD_DEEPBIND: libdog's names are looked up in what it depends on before they are looked up in Node. The addon itself
 * is linked with neither: its uv_* are Node's, whose loop it is in.
 *
 * If another allocator is in front of libc's (LD_PRELOAD), that would not do: libdog would use libc's, and one would
 * free what the other allocated. Then libdog is opened in the usual way, and shares the libraries with Node.
 */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <dog.h>

/* Every function of dog.h that the addon uses. */
#define LIBRARY_FUNCTIONS(X)                                                                                           \
  X(version) X(status_name) X(status_text) X(last_reason) X(options_init)                                              \
  X(engine_create) X(listen_options_init) X(engine_listen_with) X(engine_reload_certificates) X(engine_start)          \
  X(engine_stop) X(engine_destroy) X(engine_define_gateway) X(engine_define_shard) X(engine_route) X(engine_on_fetch)  \
  X(engine_poll) X(engine_wait_fd) X(engine_stats)                                                                     \
  X(gateway_class_init) X(shard_class_init)                                                                            \
  X(request_method) X(request_target) X(request_path) X(request_body) X(request_remote) X(request_client_subject)      \
  X(request_header) X(request_header_at) X(request_protocol_at) X(request_uid)                                         \
  X(request_identify) X(request_clusterize) X(request_forward) X(request_respond) X(request_connect)                   \
  X(connect_options_init) X(stream_options_init) X(request_respond_begin) X(request_respond_write)                     \
  X(request_respond_end) X(request_respond_abort)                                                                      \
  X(socket_send) X(socket_close) X(socket_emit) X(socket_broadcast) X(socket_whisper)                                  \
  X(shard_started) X(shard_emit) X(shard_broadcast) X(shard_whisper) X(shard_gossip) X(gossip_reply) X(gossip_fail)    \
  X(gateway_find) X(gateway_name) X(gateway_broadcast) X(gateway_whisper) X(gateway_stats)

typedef struct library {
#define X(name) __typeof__(dog_##name) *name;
  LIBRARY_FUNCTIONS(X)
#undef X
} library_t;

/* Filled by library_open; the same for all threads from then on. */
extern library_t dog;

/* Opens libdog, once in a process. NULL, or the sentence that says why it cannot be used. Any thread. */
const char *library_open(void);

#endif /* LIBRARY_H */
