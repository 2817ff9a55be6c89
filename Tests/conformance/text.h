/* text.h - borrowed pieces of text, and text that is put together. Out of memory ends the program: it is a test's. */
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Borrowed bytes. */
typedef struct view {
  const char *bytes;
  size_t length;
} view_t;

/* The two arguments of "%.*s". */
#define SHOWN(view) (int)(view).length, (view).bytes

static inline view_t view_of(const char *text) { return (view_t){text, strlen(text)}; }

static inline int is(view_t view, const char *text) {
  return view.length == strlen(text) && memcmp(view.bytes, text, view.length) == 0;
}

static inline int begins(view_t view, const char *text) {
  return view.length >= strlen(text) && memcmp(view.bytes, text, strlen(text)) == 0;
}

/* Takes the part before the first `mark` out of `rest`, and the mark too; all of it where there is no mark. */
static inline view_t cut(view_t *rest, char mark) {
  const char *place = rest->length == 0 ? NULL : memchr(rest->bytes, mark, rest->length);
  view_t part = {rest->bytes, place == NULL ? rest->length : (size_t)(place - rest->bytes)};
  size_t taken = part.length + (place != NULL);
  *rest = (view_t){rest->bytes + taken, rest->length - taken};
  return part;
}

static inline unsigned long number(view_t view) {
  unsigned long value = 0;
  for (size_t index = 0; index < view.length; index++) value = value * 10 + (unsigned long)(view.bytes[index] - '0');
  return value;
}

static inline void *allocate(size_t size) {
  void *memory = calloc(1, size == 0 ? 1 : size);
  if (memory == NULL) abort();
  return memory;
}

/* Owned bytes; begins as {0}, ends with free(text.bytes). */
typedef struct text {
  char *bytes;
  size_t length;
} text_t;

static inline void text_put(text_t *text, view_t part) {
  text->bytes = realloc(text->bytes, text->length + part.length + 1);
  if (text->bytes == NULL) abort();
  if (part.length > 0) memcpy(text->bytes + text->length, part.bytes, part.length);
  text->length += part.length;
  text->bytes[text->length] = '\0';
}

static inline void text_add(text_t *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) abort();
  text->bytes = realloc(text->bytes, text->length + (size_t)length + 1);
  if (text->bytes == NULL) abort();
  va_start(arguments, format);
  vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
  va_end(arguments);
  text->length += (size_t)length;
}

static inline int compare_texts(const void *one, const void *other) {
  return strcmp(((const text_t *)one)->bytes, ((const text_t *)other)->bytes);
}

/* Sorts `texts`, joins them with `mark` between, and frees them. */
static inline text_t joined(text_t *texts, size_t count, const char *mark) {
  text_t all = {0};
  text_add(&all, "%s", "");
  qsort(texts, count, sizeof *texts, compare_texts);
  for (size_t index = 0; index < count; index++) {
    text_add(&all, "%s%s", index == 0 ? "" : mark, texts[index].bytes);
    free(texts[index].bytes);
  }
  free(texts);
  return all;
}

#endif /* TEXT_H */
