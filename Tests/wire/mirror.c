/*
 * mirror - answers every request with what it was read as: method, target, one line for each header, an empty line, the
 * body. For tests that compare this with what another parser made of the same bytes.
 */
#include "../../examples/c/options.h"

typedef struct text {
  char *bytes;
  size_t length;
} text_t;

static void append(text_t *text, const void *bytes, size_t length) {
  char *grown = realloc(text->bytes, text->length + length + 1);
  if (grown == NULL) abort();
  memcpy(grown + text->length, bytes, length);
  text->bytes = grown;
  text->length += length;
}

static void append_line(text_t *text, const char *name, size_t name_length, const char *value, size_t value_length) {
  append(text, name, name_length);
  append(text, ": ", 2);
  append(text, value, value_length);
  append(text, "\n", 1);
}

static dog_status_t on_fetch(void *user, dog_engine_t *engine, dog_request_t request) {
  (void)user, (void)engine;
  text_t text = {NULL, 0};
  const char *value = NULL;
  size_t length = 0;
  must(dog_request_method(request, &value, &length), "method");
  append_line(&text, "method", 6, value, length);
  must(dog_request_target(request, &value, &length), "target");
  append_line(&text, "target", 6, value, length);
  dog_header_t header;
  for (size_t index = 0; dog_request_header_at(request, index, &header) == DOG_OK; index++) {
    append_line(&text, header.name, header.name_length, header.value, header.value_length);
  }
  append(&text, "\n", 1);
  const void *body = NULL;
  must(dog_request_body(request, &body, &length), "body");
  append(&text, body, length);
  dog_status_t status = dog_request_respond(request, 200, NULL, 0, text.bytes, text.length);
  free(text.bytes);
  return status;
}

int main(int argc, char **argv) {
  options_t options = options_parse(argc, argv, "Answers every request with what it was read as.", 1);
  dog_engine_t *engine = options_engine(&options);
  must(dog_engine_on_fetch(engine, on_fetch, NULL), "on_fetch");
  options_serve(engine, &options);
  return 0;
}
