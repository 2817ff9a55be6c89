#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <uv.h>

/* A handle seen as its base type: C inheritance that Swift cannot spell without a cast at every call. */
static inline uv_handle_t *cuv_handle(void *any) { return (uv_handle_t *)any; }

/* Resets a TCP connection and drops what is queued, even if a forked child has a copy of the descriptor. Not 0: it is
 * no TCP connection. */
static inline int cuv_break(int descriptor) {
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  return connect(descriptor, &nobody, sizeof nobody);
}

/* Small pieces go out at once, whatever of the others is not acknowledged. Only TCP has such a thing. */
static inline void cuv_send_at_once(int descriptor) {
  int yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* Accepts a connection that no forked and executed child inherits. accept4 is declared here because the system's header
 * declares it only for _GNU_SOURCE. */
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
static inline int cuv_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
  return accept4(descriptor, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* What the kernel takes of these bytes at once: how many; 0 where it takes none now; or the reason, negative. It
 * raises no SIGPIPE. On Unix uv_buf_t is laid out as struct iovec. */
static inline __attribute__((noinline)) ssize_t cuv_send_all(int descriptor, uv_buf_t *buffers, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = count};
  ssize_t sent;
  do sent = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -errno;
}
/* The same for one stretch. What fails is tried again as above, which knows why. */
static inline __attribute__((always_inline)) ssize_t cuv_send(int descriptor, void *bytes, size_t count) {
  ssize_t sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (__builtin_expect(sent >= 0, 1)) return sent;
  uv_buf_t buffer = {.base = bytes, .len = count};
  return cuv_send_all(descriptor, &buffer, 1);
}
