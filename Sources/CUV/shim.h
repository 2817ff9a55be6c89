#include <uv.h>

/* A handle seen as its base types: C inheritance that Swift cannot spell without a cast at every call. */
static inline uv_stream_t *cuv_stream(uv_tcp_t *tcp) { return (uv_stream_t *)tcp; }
static inline uv_handle_t *cuv_handle(void *any) { return (uv_handle_t *)any; }
