/* Listeners with options, and what a host can do wrong with them. What TLS itself does is for Tests/wire. */
#include "app.h"

#include <sys/stat.h>
#include <sys/un.h>

static char folder[64];

static void in_a_folder(void) {
  strcpy(folder, "/tmp/dog-listen-XXXXXX");
  CHECK(mkdtemp(folder) != NULL);
  CHECK(chdir(folder) == 0);
}

static void leave_the_folder(void) { CHECK(chdir("/") == 0 && rmdir(folder) == 0); }

static dog_engine_t *engine_trusting(const char *proxies) {
  dog_options_t options;
  CHECK_OK(dog_options_init(&options, sizeof options));
  options.workers = 2;
  options.log = app_log;
  options.trusted_proxies = proxies;
  dog_engine_t *engine = NULL;
  CHECK_OK(dog_engine_create(&options, &engine));
  return engine;
}

static dog_listen_options_t listen_options(void) {
  dog_listen_options_t options;
  memset(&options, 0xff, sizeof options);
  CHECK_OK(dog_listen_options_init(&options, sizeof options));
  CHECK_NUMBER(options.size, sizeof options);
  CHECK(options.host == NULL && options.port == 0 && options.path == NULL && options.certificate_count == 0);
  return options;
}

static void members_that_do_not_go_together_are_refused(void) {
  CHECK_STATUS(dog_listen_options_init(NULL, sizeof(dog_listen_options_t)), DOG_EINVAL);
  dog_engine_t *engine = engine_trusting(NULL);
  CHECK_STATUS(dog_engine_listen_with(engine, NULL, NULL), DOG_EINVAL);

  dog_listen_options_t options = listen_options();
  options.size = 8;
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  options = listen_options();
  options.path = "socket";
  options.port = 80;
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  options = listen_options();
  options.proxy_protocol = 1; /* from whom? */
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  options.proxy_protocol = 2;
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  options = listen_options();
  options.certificate_count = 1; /* and no certificates */
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  options = listen_options();
  options.client_certificate = DOG_CLIENT_CERTIFICATE_REQUIRED; /* without TLS */
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  options.client_certificate = (dog_client_certificate_t)77;
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  CHECK_OK(dog_engine_destroy(engine));
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_ESTALE);
  CHECK_STATUS(dog_engine_reload_certificates(engine), DOG_ESTALE);
}

static void a_certificate_that_is_none_is_refused(void) {
  dog_engine_t *engine = engine_trusting(NULL);
  dog_certificate_t certificate = {"no-such-file.pem", "no-such-key.pem"};
  dog_listen_options_t options = listen_options();
  options.certificates = &certificate;
  options.certificate_count = 1;
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_ETLS);
  certificate.key_file = NULL;
  CHECK_STATUS(dog_engine_listen_with(engine, &options, NULL), DOG_EINVAL);
  CHECK_OK(dog_engine_reload_certificates(engine)); /* no TLS listener: nothing to read */
  CHECK_OK(dog_engine_destroy(engine));
}

static dog_status_t receive_without_a_subject(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  const char *text = NULL;
  size_t length = 0;
  CHECK_STATUS(dog_request_client_subject(request, &text, &length), DOG_ENOENT);
  CHECK_STATUS(dog_request_client_subject(0, &text, &length), DOG_ESTALE);
  CHECK_OK(dog_request_remote(request, &text, &length));
  return dog_request_respond(request, 200, NULL, 0, text, length);
}

static void a_unix_domain_socket_is_served_and_removed(void) {
  in_a_folder();
  app_t app;
  app_init(&app);
  app.shard.receive = receive_without_a_subject;
  app_prepare(&app);
  dog_listen_options_t options = listen_options();
  options.path = "socket";
  uint16_t port = 7;
  CHECK_OK(dog_engine_listen_with(app.engine, &options, &port));
  CHECK_NUMBER(port, 0);
  CHECK_STATUS(dog_engine_listen_with(app.engine, &options, NULL), DOG_EADDRINUSE);
  char longest[200];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  options.path = longest;
  CHECK_STATUS(dog_engine_listen_with(app.engine, &options, NULL), DOG_EADDR);
  options.path = "/dev/null"; /* a file of another kind: not ours to remove */
  CHECK_STATUS(dog_engine_listen_with(app.engine, &options, NULL), DOG_EADDR);
  CHECK_OK(dog_engine_start(app.engine));
  options.path = "late";
  CHECK_STATUS(dog_engine_listen_with(app.engine, &options, NULL), DOG_ESTATE);
  CHECK_OK(dog_engine_reload_certificates(app.engine));

  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  CHECK_NUMBER(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
  char answer[1024];
  size_t count = 0;
  ssize_t got;
  while ((got = recv(fd, answer + count, sizeof answer - 1 - count, 0)) > 0) count += (size_t)got;
  answer[count] = '\0';
  CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
  CHECK(strstr(answer, "\r\n\r\nunix:") != NULL);
  close(fd);
  app_wait_until_empty(&app);
  app_end(&app);

  struct stat gone;
  CHECK(stat("socket", &gone) != 0);
  leave_the_folder();
}

static void a_listener_that_never_started_leaves_no_file(void) {
  in_a_folder();
  dog_engine_t *engine = engine_trusting("unix");
  dog_listen_options_t options = listen_options();
  options.path = "socket";
  options.proxy_protocol = 1;
  CHECK_OK(dog_engine_listen_with(engine, &options, NULL));
  struct stat there;
  CHECK(stat("socket", &there) == 0 && S_ISSOCK(there.st_mode));
  CHECK_OK(dog_engine_destroy(engine));
  CHECK(stat("socket", &there) != 0);
  leave_the_folder();
}

static mode_t mode_of(const char *path) {
  struct stat status;
  CHECK(lstat(path, &status) == 0);
  return status.st_mode & 07777;
}

static void a_unix_domain_socket_has_the_mode_that_was_asked_for(void) {
  in_a_folder();
  /* The umask takes all of it, some of it, nothing of it. */
  static const mode_t umasks[] = {0777, 0027, 0};
  for (size_t index = 0; index < sizeof umasks / sizeof umasks[0]; index++) {
    umask(umasks[index]);
    static const uint32_t modes[] = {0600, 0660, 0666, 0777, 0220};
    for (size_t each = 0; each < sizeof modes / sizeof modes[0]; each++) {
      dog_engine_t *engine = engine_trusting(NULL);
      dog_listen_options_t options = listen_options();
      options.path = "socket";
      options.mode = modes[each];
      CHECK_OK(dog_engine_listen_with(engine, &options, NULL));
      CHECK_NUMBER(mode_of("socket"), modes[each]);
      CHECK_OK(dog_engine_destroy(engine));
    }
    dog_engine_t *engine = engine_trusting(NULL);
    dog_listen_options_t options = listen_options();
    options.path = "socket";
    CHECK_OK(dog_engine_listen_with(engine, &options, NULL));
    CHECK_NUMBER(mode_of("socket"), 0777 & ~umasks[index]);
    CHECK_OK(dog_engine_destroy(engine));
  }
  leave_the_folder();
}

static dog_status_t receive_remote(void *user, dog_shard_t shard, dog_request_t request) {
  (void)user, (void)shard;
  const char *text = NULL;
  size_t length = 0;
  CHECK_OK(dog_request_remote(request, &text, &length));
  return dog_request_respond(request, 200, NULL, 0, text, length);
}

static void every_address_takes_ipv4_unless_it_is_for_ipv6_only(void) {
  app_t app;
  app_init(&app);
  app.shard.receive = receive_remote;
  app_prepare(&app);
  uint16_t port = 0, same = 0;
  dog_listen_options_t options = listen_options();
  options.host = "::";
  CHECK_OK(dog_engine_listen_with(app.engine, &options, &port));
  CHECK_STATUS(dog_engine_listen(app.engine, "127.0.0.1", port, NULL), DOG_EADDRINUSE);
  options.ipv6_only = 1;
  CHECK_OK(dog_engine_listen_with(app.engine, &options, &same));
  CHECK_OK(dog_engine_listen(app.engine, "127.0.0.1", same, NULL)); /* IPv4 is free there */
  CHECK_OK(dog_engine_start(app.engine));
  response_t response;
  CHECK_NUMBER(http_get(port, "/room", &response), 200);
  CHECK(strncmp(response.body, "127.0.0.1:", 10) == 0);
  CHECK_NUMBER(http_get(same, "/room", &response), 200);
  app_end(&app);
}

static void localhost_is_the_default(void) {
  app_t app;
  app_init(&app);
  app_prepare(&app);
  uint16_t port = 0;
  CHECK_OK(dog_engine_listen(app.engine, "localhost", 0, &port));
  CHECK_STATUS(dog_engine_listen(app.engine, "LocalHost", port, NULL), DOG_EADDRINUSE);
  CHECK_STATUS(dog_engine_listen(app.engine, "localhost.", 0, NULL), DOG_EADDR);
  CHECK_OK(dog_engine_start(app.engine));
  CHECK_NUMBER(http_get(port, "/room", NULL), 200);
  app_end(&app);
}

enum { PORT_THREADS = 8, PORT_ROUNDS = 40 };

static uint16_t ports[PORT_THREADS];
static pthread_barrier_t all_listen;

static void *listen_on_a_free_port(void *user) {
  for (int left = PORT_ROUNDS; left > 0; left--) {
    dog_engine_t *engine = engine_trusting(NULL);
    pthread_barrier_wait(&all_listen);
    CHECK_OK(dog_engine_listen(engine, NULL, 0, user));
    if (pthread_barrier_wait(&all_listen) == PTHREAD_BARRIER_SERIAL_THREAD) {
      for (int one = 0; one < PORT_THREADS; one++) {
        for (int other = 0; other < one; other++) CHECK(ports[one] != ports[other]);
      }
    }
    pthread_barrier_wait(&all_listen);
    CHECK_OK(dog_engine_destroy(engine));
  }
  return NULL;
}

/* Not one that another has found free, too. */
static void a_free_port_is_one_engine_s_alone(void) {
  pthread_t threads[PORT_THREADS];
  CHECK(pthread_barrier_init(&all_listen, NULL, PORT_THREADS) == 0);
  for (int index = 0; index < PORT_THREADS; index++) {
    CHECK(pthread_create(&threads[index], NULL, listen_on_a_free_port, &ports[index]) == 0);
  }
  for (int index = 0; index < PORT_THREADS; index++) pthread_join(threads[index], NULL);
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"members_that_do_not_go_together_are_refused", members_that_do_not_go_together_are_refused},
      {"a_certificate_that_is_none_is_refused", a_certificate_that_is_none_is_refused},
      {"a_unix_domain_socket_is_served_and_removed", a_unix_domain_socket_is_served_and_removed},
      {"a_listener_that_never_started_leaves_no_file", a_listener_that_never_started_leaves_no_file},
      {"a_unix_domain_socket_has_the_mode_that_was_asked_for", a_unix_domain_socket_has_the_mode_that_was_asked_for},
      {"every_address_takes_ipv4_unless_it_is_for_ipv6_only", every_address_takes_ipv4_unless_it_is_for_ipv6_only},
      {"localhost_is_the_default", localhost_is_the_default},
      {"a_free_port_is_one_engine_s_alone", a_free_port_is_one_engine_s_alone},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
