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

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"members_that_do_not_go_together_are_refused", members_that_do_not_go_together_are_refused},
      {"a_certificate_that_is_none_is_refused", a_certificate_that_is_none_is_refused},
      {"a_unix_domain_socket_is_served_and_removed", a_unix_domain_socket_is_served_and_removed},
      {"a_listener_that_never_started_leaves_no_file", a_listener_that_never_started_leaves_no_file},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
