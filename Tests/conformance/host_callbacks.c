/* host_callbacks - the conformance host (HOST.md) that the engine calls on its workers' threads. */
#include "sockets.h"

int main(int argc, char **argv) {
  /* Blocked before there is any other thread, so that all inherit it and the signal is left to sigwait. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);

  host.whispered = whispered;
  host.gossiped = gossiped;
  host.writable = writable;
  host.ended = ended;
  make_engine(argc, argv, DOG_DELIVERY_CALLBACKS);

  dog_gateway_class_t gateway;
  must(dog_gateway_class_init(&gateway, sizeof gateway), "gateway");
  gateway.identify = identify;
  gateway.clusterize = clusterize;
  dog_shard_class_t shard;
  must(dog_shard_class_init(&shard, sizeof shard), "shard");
  shard.onstart = onstart;
  shard.receive = receive;
  shard.onopen = onopen;
  shard.onmessage = onmessage;
  shard.onclose = onclose;
  shard.onerror = onerror;
  shard.ongossip = ongossip;
  shard.onstop = onstop;
  define_classes(gateway, shard);
  must(dog_engine_on_fetch(host.engine, fetch, NULL), "on_fetch");
  start_engine();

  int signal_number = 0;
  sigwait(&signals, &signal_number);
  must(dog_engine_stop(host.engine, STOP_GRACE_MS), "stop");
  return end_program();
}
