/*
 * descriptors.c - what the engine asks the system for: descriptors, threads, keys. None is left behind, none is a
 * child's that should not have it, and a child that has them all keeps nobody waiting.
 */
#include "app.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>

static int count_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  CHECK(directory != NULL);
  int count = 0;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

/* ---- between libdog and the system ------------------------------------------------------------------------------- */

/* These stand before the C library's own, for libdog and what it is linked with too. */

static _Atomic int inheritable; /* descriptors that came from the system without FD_CLOEXEC */
static _Atomic int made;

static int note(int descriptor) {
  if (descriptor < 0) return descriptor;
  made++;
  if ((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0) inheritable++;
  return descriptor;
}

#define REAL(result, name, ...)                                                                                        \
  static result (*real)(__VA_ARGS__);                                                                                  \
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name)

int accept(int descriptor, __SOCKADDR_ARG address, socklen_t *restrict length) {
  REAL(int, accept, int, __SOCKADDR_ARG, socklen_t *);
  return note(real(descriptor, address, length));
}

int accept4(int descriptor, __SOCKADDR_ARG address, socklen_t *restrict length, int flags) {
  REAL(int, accept4, int, __SOCKADDR_ARG, socklen_t *, int);
  return note(real(descriptor, address, length, flags));
}

int socket(int domain, int type, int protocol) {
  REAL(int, socket, int, int, int);
  return note(real(domain, type, protocol));
}

int dup(int descriptor) {
  REAL(int, dup, int);
  return note(real(descriptor));
}

int pipe(int ends[2]) {
  REAL(int, pipe, int *);
  int result = real(ends);
  if (result == 0) note(ends[0]), note(ends[1]);
  return result;
}

static _Atomic int threads_left = INT_MAX;
static void (*before_no_thread)(void);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (atomic_fetch_sub(&threads_left, 1) > 0) return real(thread, attributes, body, argument);
  before_no_thread();
  return EAGAIN;
}

/* ---- children ---------------------------------------------------------------------------------------------------- */

static void no_descriptor_is_inherited_at_any_moment(void) {
  app_t app;
  app_init(&app);
  app.options.delivery = DOG_DELIVERY_CALLBACKS;
  app_start(&app);
  for (int round = 0; round < 20; round++) {
    client_t *client = ws_open(app.port, "/room/ws?u=ann"); /* which moves to its Shard's worker */
    CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
    ws_close(client);
  }
  app_wait_until_empty(&app);
  app_end(&app);
  CHECK(made >= 60);
  CHECK_NUMBER(inheritable, 0);
}

static gate_t opened = GATE_INITIALIZER, asked = GATE_INITIALIZER;
static _Atomic uint64_t last_socket;

static dog_status_t onopen_note(void *user, dog_shard_t shard, dog_socket_t socket) {
  (void)user, (void)shard;
  last_socket = socket;
  gate_pass(&opened);
  return DOG_OK;
}

static dog_status_t receive_hold(void *user, dog_shard_t shard, dog_request_t request) {
  if (app_wants_websocket(request)) return app_receive(user, shard, request);
  gate_pass(&asked);
  return DOG_OK;
}

/* One that keeps every descriptor that this process has, until it is ended. */
static pid_t fork_a_keeper(void) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(CHECK_SECONDS_MAX);
    for (;;) pause();
  }
  return child;
}

static void end_the_keeper(pid_t child) {
  kill(child, SIGKILL);
  CHECK(waitpid(child, NULL, 0) == child);
}

static int is_refused(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result = connect(fd, (struct sockaddr *)&address, sizeof address);
  close(fd);
  return result != 0;
}

static void a_client_hears_of_its_end_while_a_child_has_its_descriptor(void) {
  app_t app;
  app_init(&app);
  app.shard.onopen = onopen_note;
  app.shard.receive = receive_hold;
  app_start(&app);
  client_t *closed = ws_open(app.port, "/room/ws?u=ann"), *aborted = client_connect(app.port);
  gate_wait(&opened, 1);
  client_ask(aborted, "GET", "/room?u=bob");
  gate_wait(&asked, 1);
  pid_t keeper = fork_a_keeper();

  CHECK_OK(dog_socket_close(last_socket, 1000, NULL, 0));
  ws_close(closed); /* it reads to the end of the connection */
  CHECK_OK(dog_engine_stop(app.engine, 0));
  client_drain(aborted); /* reset: its request was not answered */
  client_free(aborted);
  CHECK(is_refused(app.port));
  CHECK_OK(dog_engine_destroy(app.engine));
  end_the_keeper(keeper);
}

/* ---- listening while the engine begins or ends ------------------------------------------------------------------- */

static _Atomic int is_over;
static _Atomic(dog_engine_t *) current;

static void *listen_again_and_again(void *argument) {
  (void)argument;
  while (!is_over) {
    dog_engine_t *engine = current;
    if (engine != NULL) dog_engine_listen(engine, NULL, 0, NULL);
  }
  return NULL;
}

static void a_listen_that_races_the_start_or_the_end_leaves_nothing(void) {
  app_t first; /* what a first engine leaves once is no leak */
  app_init(&first);
  app_start(&first);
  CHECK_OK(dog_engine_destroy(first.engine));
  int descriptors = count_descriptors();
  pthread_t listening;
  CHECK(pthread_create(&listening, NULL, listen_again_and_again, NULL) == 0);
  for (int round = 0; round < 400; round++) {
    dog_engine_t *engine = NULL;
    dog_options_t options;
    CHECK_OK(dog_options_init(&options, sizeof options));
    options.workers = 2;
    CHECK_OK(dog_engine_create(&options, &engine));
    current = engine;
    for (int turn = 0; turn < round % 7; turn++) sched_yield();
    if (round % 2 == 0) CHECK_OK(dog_engine_start(engine));
    CHECK_OK(dog_engine_destroy(engine));
  }
  is_over = 1;
  pthread_join(listening, NULL);
  CHECK_NUMBER(count_descriptors(), descriptors);
}

/* ---- a start for which there is no thread ------------------------------------------------------------------------ */

static const char *socket_path;

static int connect_to_path(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, socket_path);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

static gate_t identified = GATE_INITIALIZER;

static dog_status_t identify_pass(void *user, dog_gateway_t gateway, dog_request_t request) {
  dog_status_t status = app_identify(user, gateway, request);
  gate_pass(&identified);
  return status;
}

static long identified_wanted;
static void wait_for_clients(void) { gate_wait(&identified, identified_wanted); }

static void a_start_without_threads_leaves_nothing_behind(void) {
  /* Which worker a room is on is chance: with so many, one of four workers has none once in a million rounds. */
  enum { ROOMS = 48, CLIENTS = 4 * ROOMS, ROUNDS = 20 };
  char folder[] = "/tmp/dog-descriptors-XXXXXX", path[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/socket", folder);
  socket_path = path;
  before_no_thread = wait_for_clients;
  int descriptors = 0;
  for (int round = 0; round < ROUNDS; round++) {
    app_t app;
    app_init(&app);
    app.options.workers = 4;
    app.gateway.identify = identify_pass;
    app.gateway.limit = 1; /* each request has a Shard of its own, and those are on all workers */
    app.shard.receive = receive_hold;
    CHECK_OK(dog_engine_create(&app.options, &app.engine));
    dog_listen_options_t options;
    CHECK_OK(dog_listen_options_init(&options, sizeof options));
    options.path = path; /* one socket for all workers: the one that runs gets everybody */
    CHECK_OK(dog_engine_listen_with(app.engine, &options, NULL));
    CHECK_OK(dog_engine_define_gateway(app.engine, &app.gateway));
    CHECK_OK(dog_engine_define_shard(app.engine, &app.shard));
    CHECK_OK(dog_engine_route(app.engine, "/:room", "ROOM", NULL));
    int clients[CLIENTS];
    for (int index = 0; index < CLIENTS; index++) {
      char request[100];
      clients[index] = connect_to_path();
      int length = snprintf(request, sizeof request, "GET /%d?u=%d HTTP/1.1\r\nHost: a\r\n\r\n",
                            index / 4, index);
      CHECK_NUMBER(send(clients[index], request, (size_t)length, MSG_NOSIGNAL), length);
    }
    /* Until the one worker has asked about a room of its own, whose Shards are on the others. */
    identified_wanted = gate_count(&identified) + 4;
    threads_left = 1;
    CHECK_STATUS(dog_engine_start(app.engine), DOG_ESYSTEM);
    threads_left = INT_MAX;
    const char *reason = NULL;
    size_t length = 0;
    CHECK_OK(dog_last_reason(&reason, &length));
    CHECK(strstr(reason, "thread") != NULL);
    CHECK_OK(dog_engine_destroy(app.engine));
    for (int index = 0; index < CLIENTS; index++) close(clients[index]);
    if (round == 2) descriptors = count_descriptors();
  }
  CHECK_NUMBER(count_descriptors(), descriptors);
  CHECK(rmdir(folder) == 0);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* How many more pthread keys this process can have; with `keep` they are taken. */
static int keys_left(int keep) {
  static pthread_key_t keys[PTHREAD_KEYS_MAX];
  int count = 0;
  while (count < PTHREAD_KEYS_MAX && pthread_key_create(&keys[count], NULL) == 0) count++;
  for (int index = 0; index < count && !keep; index++) pthread_key_delete(keys[index]);
  return count;
}

static void serve_somebody(void) {
  app_t app;
  app_init(&app);
  app_start(&app);
  client_t *client = ws_open(app.port, "/room/ws?u=ann");
  CHECK_NUMBER(http_get(app.port, "/room", NULL), 200);
  ws_close(client);
  app_wait_until_empty(&app);
  app_end(&app);
}

static void the_engine_takes_no_key_and_needs_none(void) {
  int before = keys_left(0);
  CHECK(before > 100);
  serve_somebody();
  CHECK_NUMBER(keys_left(0), before);
  keys_left(1);
  serve_somebody();
}

int main(int argc, char **argv) {
  static const check_t checks[] = {
      {"no_descriptor_is_inherited_at_any_moment", no_descriptor_is_inherited_at_any_moment},
      {"a_client_hears_of_its_end_while_a_child_has_its_descriptor",
       a_client_hears_of_its_end_while_a_child_has_its_descriptor},
      {"a_listen_that_races_the_start_or_the_end_leaves_nothing",
       a_listen_that_races_the_start_or_the_end_leaves_nothing},
      {"a_start_without_threads_leaves_nothing_behind", a_start_without_threads_leaves_nothing_behind},
      {"the_engine_takes_no_key_and_needs_none", the_engine_takes_no_key_and_needs_none},
      {NULL, NULL},
  };
  return checks_main(argc, argv, checks);
}
