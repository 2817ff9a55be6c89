/*
 * answer.c - the smallest whole program in C, by which the ways to build one are tested: starts an engine, asks it over
 * HTTP, prints the answer, ends the engine. Exit code 0 if all of it went well.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <dog.h>

static void must(dog_status_t status, const char *what) {
  if (status == DOG_OK) return;
  fprintf(stderr, "%s: %s\n", what, dog_status_text(status));
  exit(1);
}

static dog_status_t fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  static const char body[] = "hello from C\n";
  (void)user, (void)engine;
  return dog_request_respond(request, 200, NULL, 0, body, sizeof body - 1);
}

/* Prints whatever comes back for a request. */
static int ask(uint16_t port) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) != 0) return 0;
  if (send(connection, request, sizeof request - 1, 0) != (ssize_t)(sizeof request - 1)) return 0;
  char bytes[1024];
  ssize_t count = 0;
  while ((count = recv(connection, bytes, sizeof bytes, 0)) > 0) fwrite(bytes, 1, (size_t)count, stdout);
  close(connection);
  return count == 0;
}

int main(void) {
  dog_engine_t *engine = NULL;
  uint16_t port = 0;
  must(dog_engine_create(NULL, &engine), "create");
  must(dog_engine_on_fetch(engine, fetch, NULL), "on_fetch");
  must(dog_engine_listen(engine, NULL, 0, &port), "listen");
  must(dog_engine_start(engine), "start");
  int has_answered = ask(port);
  must(dog_engine_stop(engine, 1000), "stop");
  must(dog_engine_destroy(engine), "destroy");
  return has_answered ? 0 : 1;
}
