/*
 * tls.h - a certificate and a TLS client for the checks, both by the openssl program, which nobody here wrote.
 */
#ifndef TLS_H
#define TLS_H

#include "client.h"

#include <fcntl.h>

typedef struct tls {
  char folder[64];
  char certificate[96];
  char key[96];
} tls_t;

static inline void tls_run(char *const *arguments) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 1);
    dup2(nothing, 2);
    execvp(arguments[0], arguments);
    _exit(127);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline void tls_make(tls_t *tls) {
  strcpy(tls->folder, "/tmp/dog-tls-XXXXXX");
  CHECK(mkdtemp(tls->folder) != NULL);
  snprintf(tls->certificate, sizeof tls->certificate, "%s/certificate.pem", tls->folder);
  snprintf(tls->key, sizeof tls->key, "%s/key.pem", tls->folder);
  char *const arguments[] = {"openssl", "req",     "-x509", "-newkey",        "ec",      "-pkeyopt",
                             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", tls->key,
                             "-out", tls->certificate, NULL};
  tls_run(arguments);
}

/* Also in part: what is not there any more is left out. */
static inline void tls_remove(tls_t *tls) {
  unlink(tls->certificate);
  unlink(tls->key);
  CHECK(rmdir(tls->folder) == 0);
}

/* A connection over TLS. What is sent and received goes through a process that ends with client_free. */
static inline client_t *tls_connect(uint16_t port) {
  int ends[2];
  char address[32];
  snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    if (fork() != 0) _exit(0); /* nobody here has to wait for it */
    int nothing = open("/dev/null", O_RDWR);
    dup2(ends[1], 0);
    dup2(ends[1], 1);
    dup2(nothing, 2);
    alarm(CHECK_SECONDS_MAX);
    /* -no_ign_eof: it ends with this side's close. */
    execlp("openssl", "openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", address, (char *)NULL);
    _exit(127);
  }
  CHECK(waitpid(child, NULL, 0) == child);
  close(ends[1]);
  client_t *client = malloc(sizeof *client);
  CHECK(client != NULL);
  client->length = 0;
  client->fd = ends[0];
  return client;
}

#endif /* TLS_H */
