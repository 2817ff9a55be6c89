#include "../../include/dog.h"
#include "include/dog_status.h"

/* dog.h has the enum written out too, for readers without a preprocessor. Both must be the same. */
#define SAME(name, number, sentence) _Static_assert(DOG_##name == (number), "DOG_" #name);
DOG_STATUS_MAP(SAME)
#undef SAME

const char *cdog_status_name(int value) {
  switch (value) {
#define NAME(name, number, sentence)                                                                                   \
  case number:                                                                                                         \
    return "DOG_" #name;
    DOG_STATUS_MAP(NAME)
#undef NAME
  default:
    return NULL;
  }
}

const char *cdog_status_text(int value) {
  switch (value) {
#define TEXT(name, number, sentence)                                                                                   \
  case number:                                                                                                         \
    return sentence;
    DOG_STATUS_MAP(TEXT)
#undef TEXT
  default:
    return NULL;
  }
}
