/* echo_events PORT - every message goes back to its sender, by a host that takes events: one thread of its own beside
 * the engine's one worker. Prints `listening on PORT`. */
#include "host.h"

static void on_message(const dog_event_t *event) {
  dog_socket_send(event->socket, event->kind, event->data, event->length);
}

int main(int argc, char **argv) {
  host_run(host_start(argc, argv), on_message);
}
