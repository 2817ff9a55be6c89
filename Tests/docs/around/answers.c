#include <dog.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

@@

int main(void) {
  dog_engine_t *engine;
  dog_status_t status = dog_engine_create(NULL, &engine);
  if (!status) status = dog_engine_on_fetch(engine, fetch, NULL);
  if (!status) status = dog_engine_listen(engine, "127.0.0.1", 8787, NULL);
  if (!status) status = dog_engine_run(engine);
  fprintf(stderr, "%s\n", dog_status_text(status));
  return 1;
}
