/*
 * secured.c - a TLS server for test_certificates.py: answers each request with the subject of its client's certificate.
 *
 *   secured MODE AUTHORITY TIMEOUT_MS (CERTIFICATE KEY)...
 *
 * MODE is a dog_client_certificate_t; AUTHORITY "-" is none.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dog.h>

static void must(dog_status_t status) {
  if (status == DOG_OK) return;
  fprintf(stderr, "%s\n", dog_status_name(status));
  exit(1);
}

static void write_log(void *user, dog_log_level_t level, const char *line, size_t length) {
  (void)user, (void)level;
  fprintf(stderr, "%.*s\n", (int)length, line);
}

static dog_status_t fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  const char *subject = "none";
  size_t length = 4;
  dog_status_t status = dog_request_client_subject(request, &subject, &length);
  if (status != DOG_OK && status != DOG_ENOENT) return status;
  return dog_request_respond(request, 200, NULL, 0, subject, length);
}

int main(int argc, char **argv) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigprocmask(SIG_BLOCK, &ending, NULL);

  dog_options_t options;
  must(dog_options_init(&options, sizeof options));
  options.workers = 2;
  options.log = write_log;
  options.log_level = DOG_LOG_INFO;
  options.handshake_timeout_ms = (uint32_t)atoi(argv[3]);
  dog_engine_t *engine = NULL;
  must(dog_engine_create(&options, &engine));

  dog_certificate_t certificates[8];
  dog_listen_options_t listening;
  must(dog_listen_options_init(&listening, sizeof listening));
  listening.certificates = certificates;
  for (int index = 4; index + 1 < argc && listening.certificate_count < 8; index += 2) {
    certificates[listening.certificate_count++] = (dog_certificate_t){argv[index], argv[index + 1]};
  }
  listening.client_certificate = (dog_client_certificate_t)atoi(argv[1]);
  if (strcmp(argv[2], "-") != 0) listening.client_ca_file = argv[2];
  uint16_t port = 0;
  must(dog_engine_listen_with(engine, &listening, &port));
  must(dog_engine_on_fetch(engine, fetch, NULL));
  must(dog_engine_start(engine));
  printf("listening on https://127.0.0.1:%u\n", (unsigned)port);
  fflush(stdout);

  int number = 0;
  sigwait(&ending, &number);
  must(dog_engine_stop(engine, 500));
  dog_stats_t stats = {.size = sizeof stats};
  must(dog_engine_stats(engine, &stats));
  must(dog_engine_destroy(engine));
  return stats.connections == 0 ? 0 : 3;
}
