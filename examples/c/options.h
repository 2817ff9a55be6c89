/*
 * options.h - what the examples share: the command line, the engine's log, and serving until Ctrl-C.
 *
 * Include it first: it asks the system headers for POSIX. Nothing here belongs to DOG; a program of yours may well do
 * all of it in another way.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dog.h>

/* What an outbox can be asked to hold, less the header of a frame. */
#define OPTIONS_FRAME_HEADER_BYTES 10u
#define OPTIONS_MESSAGE_BYTES_MAX ((1u << 30) - OPTIONS_FRAME_HEADER_BYTES)

typedef struct options {
  const char *host;
  uint32_t port; /* 0: a free one; after options_engine it is the port in use */
  uint32_t workers;
  uint32_t limit;
  uint32_t deflate;     /* 1: permessage-deflate, for clients that offer it */
  uint32_t max_message; /* 0: the engine's own limit */
  const char *tls_cert; /* NULL: no TLS; otherwise tls_key must be set too */
  const char *tls_key;
  const char *unix_path; /* NULL: TCP */
  dog_delivery_t delivery; /* set by the program, before options_engine; 0: callbacks */
} options_t;

/* Ends the program with exit code 1 unless `status` is DOG_OK. For the set-up, in which nothing else can be done. */
static inline void must(dog_status_t status, const char *what) {
  if (status == DOG_OK) return;
  fprintf(stderr, "%s: %s (%s)\n", what, dog_status_text(status), dog_status_name(status));
  exit(1);
}

static inline void options_refuse(const char *program, const char *name, const char *why) {
  fprintf(stderr, "%s: %s %s; try --help\n", program, name, why);
  exit(2);
}

static inline uint32_t options_number(const char *program, const char *name, const char *text, uint32_t lowest,
                                      uint32_t highest) {
  char *end = NULL;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  /* strtoul would take " 1" and "-1" as well. */
  int is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
  if (!is_number || value < lowest || value > highest) {
    char why[80];
    snprintf(why, sizeof why, "takes a number from %lu to %lu", (unsigned long)lowest, (unsigned long)highest);
    options_refuse(program, name, why);
  }
  return (uint32_t)value;
}

static inline void options_help(const char *program, const char *about, uint32_t limit) {
  printf("usage: %s [options]\n\n%s\n\n", program, about);
  printf("  --host ADDRESS   numeric address to listen on (127.0.0.1)\n");
  printf("  --port NUMBER    port to listen on, 0 for a free one (8787)\n");
  printf("  --workers COUNT  threads, 0 for one per processor (0)\n");
  printf("  --limit COUNT    connections that one Shard holds (%lu)\n", (unsigned long)limit);
  printf("  --deflate        compress messages (permessage-deflate) for clients that offer it\n");
  printf("  --max-message BYTES  longest message, in either direction (1048576)\n");
  printf("  --tls-cert FILE  certificate and its chain (PEM), with --tls-key: https, wss; SIGHUP reads both again\n");
  printf("  --tls-key FILE   its key (PEM)\n");
  printf("  --unix PATH      a Unix-domain socket in place of host and port\n");
  printf("  --help           this text\n");
  exit(0);
}

/* Takes "--name value" and "--name=value". What is not valid ends the program with exit code 2. */
static inline options_t options_parse(int argc, char **argv, const char *about, uint32_t limit) {
  static const char *const names[] = {"--host",     "--port",    "--workers", "--limit", "--max-message",
                                      "--tls-cert", "--tls-key", "--unix"};
  enum { HOST, PORT, WORKERS, LIMIT, MAX_MESSAGE, TLS_CERT, TLS_KEY, UNIX, COUNT };
  const char *program = argv[0];
  options_t options = {.host = "127.0.0.1", .port = 8787, .limit = limit};

  for (int index = 1; index < argc; index++) {
    if (strcmp(argv[index], "--help") == 0) options_help(program, about, limit);
    if (strcmp(argv[index], "--deflate") == 0) {
      options.deflate = 1;
      continue;
    }

    size_t name_length = strcspn(argv[index], "=");
    int option = 0;
    while (option < COUNT &&
           (strlen(names[option]) != name_length || strncmp(names[option], argv[index], name_length) != 0)) {
      option++;
    }
    if (option == COUNT) options_refuse(program, argv[index], "is not an option");

    const char *value = argv[index][name_length] == '=' ? argv[index] + name_length + 1 : argv[++index];
    if (value == NULL) options_refuse(program, names[option], "needs a value");

    unsigned char address[sizeof(struct in6_addr)];
    switch (option) {
      case HOST:
        if (inet_pton(AF_INET, value, address) != 1 && inet_pton(AF_INET6, value, address) != 1) {
          options_refuse(program, "--host", "takes a numeric IPv4 or IPv6 address");
        }
        options.host = value;
        break;
      case PORT: options.port = options_number(program, "--port", value, 0, 65535); break;
      case WORKERS: options.workers = options_number(program, "--workers", value, 0, DOG_WORKERS_MAX); break;
      case MAX_MESSAGE:
        options.max_message = options_number(program, "--max-message", value, 1, OPTIONS_MESSAGE_BYTES_MAX);
        break;
      case TLS_CERT: options.tls_cert = value; break;
      case TLS_KEY: options.tls_key = value; break;
      case UNIX: options.unix_path = value; break;
      default: options.limit = options_number(program, "--limit", value, 1, 1000000); break;
    }
  }
  if ((options.tls_cert == NULL) != (options.tls_key == NULL)) {
    options_refuse(program, options.tls_cert == NULL ? "--tls-key" : "--tls-cert", "needs the other of the two");
  }
  return options;
}

/* The engine logs on any of its threads; one fprintf is one whole line. */
static inline void options_log(void *user, dog_log_level_t level, const char *line, size_t length) {
  (void)user;
  const char *name = level == DOG_LOG_ERROR ? "error" : level == DOG_LOG_WARN ? "warning" : "info";
  fprintf(stderr, "%s %.*s\n", name, (int)length, line);
}

static inline sigset_t options_signals(const options_t *options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (options->tls_cert != NULL) sigaddset(&signals, SIGHUP);
  return signals;
}

/* An engine that listens as the options say and has no classes yet. Make your own threads only after it. */
static inline dog_engine_t *options_engine(options_t *options) {
  /* Blocked before there is any other thread: so all threads inherit it, and sigwait gets the signals. */
  sigset_t signals = options_signals(options);
  sigprocmask(SIG_BLOCK, &signals, NULL);

  dog_options_t engine_options;
  must(dog_options_init(&engine_options, sizeof engine_options), "options");
  engine_options.log_level = DOG_LOG_INFO; /* which clients were refused, and why; the engine limits how many lines that
                                            * makes */
  engine_options.workers = options->workers;
  engine_options.log = options_log;
  if (options->delivery != 0) engine_options.delivery = options->delivery;
  if (options->max_message != 0) {
    /* A message that comes in must fit into an outbox as a whole, too. */
    uint32_t frame_bytes = options->max_message + OPTIONS_FRAME_HEADER_BYTES;
    engine_options.message_bytes_max = options->max_message;
    if (engine_options.outbox_bytes_max < frame_bytes) engine_options.outbox_bytes_max = frame_bytes;
  }

  dog_engine_t *engine = NULL;
  must(dog_engine_create(&engine_options, &engine), "engine");

  const dog_certificate_t certificate = {options->tls_cert, options->tls_key};
  dog_listen_options_t listen_options;
  must(dog_listen_options_init(&listen_options, sizeof listen_options), "options");
  if (options->unix_path == NULL) {
    listen_options.host = options->host;
    listen_options.port = (uint16_t)options->port;
  } else {
    listen_options.path = options->unix_path;
  }
  if (options->tls_cert != NULL) {
    listen_options.certificates = &certificate;
    listen_options.certificate_count = 1;
  }
  uint16_t port = 0;
  must(dog_engine_listen_with(engine, &listen_options, &port), "listen");
  options->port = port;
  return engine;
}

/* Says where the engine listens. The program's starter may connect from here on. */
static inline void options_announce(const options_t *options) {
  const char *scheme = options->tls_cert == NULL ? "http" : "https";
  if (options->unix_path != NULL) {
    printf("listening on %s://unix:%s\n", scheme, options->unix_path);
  } else {
    int is_ipv6 = strchr(options->host, ':') != NULL;
    printf(is_ipv6 ? "listening on %s://[%s]:%u\n" : "listening on %s://%s:%u\n", scheme, options->host,
           (unsigned)options->port);
  }
  fflush(stdout);
}

/* Reads the certificates again. If a file cannot be used, they stay as they were; the log says why. */
static inline void options_reload(dog_engine_t *engine) {
  if (dog_engine_reload_certificates(engine) == DOG_OK) fprintf(stderr, "certificates read again\n");
}

/* Starts the engine, serves until SIGINT or SIGTERM (SIGHUP reads the certificates again), gives clients two seconds to
 * finish, and ends the engine. */
static inline void options_serve(dog_engine_t *engine, const options_t *options) {
  must(dog_engine_start(engine), "start");
  options_announce(options);
  sigset_t signals = options_signals(options);
  int signal_number = 0;
  for (;;) {
    sigwait(&signals, &signal_number);
    if (signal_number != SIGHUP) break;
    options_reload(engine);
  }
  must(dog_engine_stop(engine, 2000), "stop");
  must(dog_engine_destroy(engine), "destroy");
}

#endif /* OPTIONS_H */
