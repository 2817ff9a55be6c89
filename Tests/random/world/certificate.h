/*
 * certificate.h - a folder with a certificate and its key, by the openssl program; the engines' sockets go there, too.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include "../shared.h"

#include <spawn.h>

typedef struct certificate {
  char folder[64];
  char certificate[96];
  char key[96];
} certificate_t;

extern char **environ;

static inline void certificate_make(certificate_t *made) {
  strcpy(made->folder, "/tmp/dog-random-XXXXXX");
  CHECK(mkdtemp(made->folder) != NULL);
  snprintf(made->certificate, sizeof made->certificate, "%s/certificate.pem", made->folder);
  snprintf(made->key, sizeof made->key, "%s/key.pem", made->folder);
  char *const arguments[] = {"openssl",   "req",       "-x509",          "-newkey",   "ec",
                             "-pkeyopt",  "ec_paramgen_curve:P-256",     "-nodes",  "-subj",     "/CN=localhost",
                             "-keyout",   made->key,   "-out",           made->certificate,      NULL};
  pid_t child;
  int status = 0;
  CHECK(posix_spawnp(&child, "openssl", NULL, NULL, arguments, environ) == 0);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK_NUMBER(status, 0);
}

/* The engines have removed their sockets by then. */
static inline void certificate_remove(certificate_t *made) {
  unlink(made->certificate);
  unlink(made->key);
  CHECK(rmdir(made->folder) == 0);
}

#endif /* CERTIFICATE_H */
