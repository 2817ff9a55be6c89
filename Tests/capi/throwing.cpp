/*
 * throwing.cpp - a host in C++ whose callback throws; what docs/c.md says of it is tested by test_exceptions.py.
 *
 *   throwing start|run plain|noexcept|caught     prints the port; `run` has a `try` around dog_engine_run
 */
#include <dog.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>

static dog_status_t plain(void *, dog_engine_t *, dog_request_t) { throw std::runtime_error("thrown"); }

/* By another function, or the compiler would warn of what this program is for. */
static dog_status_t never(void *user, dog_engine_t *engine, dog_request_t request) noexcept {
  return plain(user, engine, request);
}

static dog_status_t caught(void *user, dog_engine_t *engine, dog_request_t request) noexcept {
  try {
    return plain(user, engine, request);
  } catch (...) {
    return DOG_EHOST;
  }
}

int main(int, char **arguments) {
  dog_options_t options;
  dog_options_init(&options, sizeof options);
  options.workers = 1;
  dog_engine_t *engine;
  dog_fetch_fn fetch = never;
  if (!std::strcmp(arguments[2], "plain")) fetch = plain;
  if (!std::strcmp(arguments[2], "caught")) fetch = caught;
  std::uint16_t port;
  if (dog_engine_create(&options, &engine) || dog_engine_on_fetch(engine, fetch, nullptr) ||
      dog_engine_listen(engine, nullptr, 0, &port)) {
    return 1;
  }
  std::printf("%d\n", port);
  std::fflush(stdout);
  try {
    if (!std::strcmp(arguments[1], "run")) return dog_engine_run(engine);
    if (dog_engine_start(engine)) return 1;
    std::getchar(); /* until the test closes the pipe */
    return dog_engine_stop(engine, 0) || dog_engine_destroy(engine);
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
    std::fflush(stdout);
    std::_Exit(3);
  }
}
