// answer.cpp - the sibling of answer.c in C++17, with events: nobody is called, this program fetches what happened.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <dog.h>

namespace {

void must(dog_status_t status) {
  if (status != DOG_OK) throw std::runtime_error(dog_status_text(status));
}

struct destroy {
  void operator()(dog_engine_t *engine) const { dog_engine_destroy(engine); }
};
using engine_pointer = std::unique_ptr<dog_engine_t, destroy>;

engine_pointer make_engine() {
  dog_options_t options;
  must(dog_options_init(&options, sizeof options));
  options.delivery = DOG_DELIVERY_EVENTS;
  dog_engine_t *engine = nullptr;
  must(dog_engine_create(&options, &engine));
  return engine_pointer(engine);
}

// Whatever comes back for a request.
std::string ask(std::uint16_t port) {
  constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  std::string answer;
  if (connect(connection, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 &&
      send(connection, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
    std::array<char, 1024> bytes;
    for (ssize_t count; (count = recv(connection, bytes.data(), bytes.size(), 0)) > 0;) {
      answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  close(connection);
  return answer;
}

// Answers questions until the engine has stopped.
void serve(dog_engine_t *engine) {
  constexpr std::string_view body = "hello from C++\n";
  std::array<dog_event_t, 16> events;
  for (;;) {
    std::size_t count = 0;
    must(dog_engine_poll(engine, events.data(), events.size(), -1, &count));
    for (std::size_t index = 0; index < count; index++) {
      if (events[index].type == DOG_EVENT_STOPPED) return;
      if (events[index].type != DOG_EVENT_FETCH) continue;
      must(dog_request_respond(events[index].request, 200, nullptr, 0, body.data(), body.size()));
    }
  }
}

}  // namespace

int main() {
  try {
    const engine_pointer engine = make_engine();
    std::uint16_t port = 0;
    must(dog_engine_on_fetch(engine.get(), nullptr, nullptr));
    must(dog_engine_listen(engine.get(), nullptr, 0, &port));
    must(dog_engine_start(engine.get()));
    auto client = std::async(std::launch::async, [&engine, port] {
      std::string answer = ask(port);
      dog_engine_stop(engine.get(), 1000);
      return answer;
    });
    serve(engine.get());
    const std::string answer = client.get();
    std::cout << answer;
    return answer.empty() ? 1 : 0;
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
