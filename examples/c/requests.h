/*
 * requests.h - three things that most examples do with a request.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <string.h>

#include <dog.h>

/* Answers with a line of text. */
static inline dog_status_t respond_text(dog_request_t request, int status, const char *text, size_t length) {
  static const char name[] = "content-type", value[] = "text/plain; charset=utf-8";
  const dog_header_t header = {name, sizeof name - 1, value, sizeof value - 1};
  return dog_request_respond(request, status, &header, 1, text, length);
}

/*
 * Does the client want a WebSocket? Any of the handshake's headers says so. dog_request_connect finds out whether the
 * handshake is valid.
 */
static inline int wants_websocket(dog_request_t request) {
  static const char key[] = "sec-websocket-key", version[] = "sec-websocket-version", wanted[] = "websocket";
  const char *value = NULL;
  size_t length = 0;
  if (dog_request_header(request, key, sizeof key - 1, &value, &length) == DOG_OK) return 1;
  if (dog_request_header(request, version, sizeof version - 1, &value, &length) == DOG_OK) return 1;
  if (dog_request_header(request, "upgrade", 7, &value, &length) != DOG_OK) return 0;
  if (length != sizeof wanted - 1) return 0;
  for (size_t index = 0; index < length; index++) {
    if ((value[index] | 0x20) != wanted[index]) return 0; /* upper and lower case are the same */
  }
  return 1;
}

/* To identify: the client at this address and port. So every connection has an identity of its own. */
static inline dog_status_t identify_by_remote(void *user, dog_gateway_t gateway, dog_request_t request) {
  (void)user, (void)gateway;
  const char *remote = NULL;
  size_t length = 0;
  dog_status_t status = dog_request_remote(request, &remote, &length);
  if (status != DOG_OK) return status;
  return dog_request_identify(request, remote, length);
}

#endif /* REQUESTS_H */
