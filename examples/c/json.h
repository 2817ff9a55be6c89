/*
 * json.h - as much JSON (RFC 8259) as the counter needs: to find "type" in a message, and to write strings.
 *
 * Limits: objects and arrays nest at most JSON_DEPTH_MAX deep; an escape inside a member's name or a type is not
 * decoded, so {"type":"\u002b1"} is not "+1" here; of several members "type" the last counts. UTF-8 is not checked:
 * the engine did.
 */
#ifndef JSON_H
#define JSON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH_MAX 32

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The bytes not yet read. Every step first asks whether there are any, so no message can lead past its end. */
typedef struct json_reader {
  const char *at;
  const char *end;
} json_reader_t;

/* The bytes between the quotes, escapes left as they came. */
typedef struct json_string {
  const char *bytes;
  size_t length;
} json_string_t;

static inline void json_skip_space(json_reader_t *reader) {
  while (reader->at < reader->end &&
         (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')) {
    reader->at++;
  }
}

/* Reads the next byte after white space if it is `wanted`. */
static inline int json_take(json_reader_t *reader, char wanted) {
  json_skip_space(reader);
  if (reader->at == reader->end || *reader->at != wanted) return 0;
  reader->at++;
  return 1;
}

static inline int json_take_word(json_reader_t *reader, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return 0;
  reader->at += length;
  return 1;
}

static inline size_t json_take_digits(json_reader_t *reader) {
  const char *start = reader->at;
  while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') reader->at++;
  return (size_t)(reader->at - start);
}

static inline int json_take_number(json_reader_t *reader) {
  json_take_word(reader, "-");
  if (!json_take_word(reader, "0") && json_take_digits(reader) == 0) return 0;
  if (json_take_word(reader, ".") && json_take_digits(reader) == 0) return 0;
  if (json_take_word(reader, "e") || json_take_word(reader, "E")) {
    if (!json_take_word(reader, "+")) json_take_word(reader, "-");
    if (json_take_digits(reader) == 0) return 0;
  }
  return 1;
}

static inline int json_take_escape(json_reader_t *reader) {
  if (reader->at == reader->end) return 0;
  char escape = *reader->at++;
  if (escape != 'u') return escape != '\0' && strchr("\"\\/bfnrt", escape) != NULL;
  for (int digit = 0; digit < 4; digit++, reader->at++) {
    if (reader->at == reader->end || *reader->at == '\0' || strchr("0123456789abcdefABCDEF", *reader->at) == NULL) {
      return 0;
    }
  }
  return 1;
}

static inline int json_take_string(json_reader_t *reader, json_string_t *string) {
  if (!json_take(reader, '"')) return 0;
  string->bytes = reader->at;
  while (reader->at < reader->end) {
    unsigned char byte = (unsigned char)*reader->at++;
    if (byte == '"') {
      string->length = (size_t)(reader->at - 1 - string->bytes);
      return 1;
    }
    if (byte < 0x20) return 0;
    if (byte == '\\' && !json_take_escape(reader)) return 0;
  }
  return 0;
}

static inline int json_take_value(json_reader_t *reader, int depth);

/* An object. `type` gets the string of its member "type" and may be NULL. */
static inline int json_take_object(json_reader_t *reader, int depth, json_string_t *type) {
  if (!json_take(reader, '{')) return 0;
  if (json_take(reader, '}')) return 1;
  do {
    json_string_t name = {NULL, 0}, value = {NULL, 0};
    if (!json_take_string(reader, &name) || !json_take(reader, ':')) return 0;
    int is_type = type != NULL && name.length == 4 && memcmp(name.bytes, "type", 4) == 0;
    json_skip_space(reader);
    int is_string = reader->at < reader->end && *reader->at == '"';
    if (is_string ? !json_take_string(reader, &value) : !json_take_value(reader, depth)) return 0;
    if (is_type) *type = value; /* NULL again if it is not a string */
  } while (json_take(reader, ','));
  return json_take(reader, '}');
}

static inline int json_take_array(json_reader_t *reader, int depth) {
  if (!json_take(reader, '[')) return 0;
  if (json_take(reader, ']')) return 1;
  do {
    if (!json_take_value(reader, depth)) return 0;
  } while (json_take(reader, ','));
  return json_take(reader, ']');
}

/* The depth bounds the recursion, and with it the stack that a message can make us use. */
static inline int json_take_value(json_reader_t *reader, int depth) {
  json_string_t string;
  if (depth >= JSON_DEPTH_MAX) return 0;
  json_skip_space(reader);
  if (reader->at == reader->end) return 0;
  switch (*reader->at) {
    case '{': return json_take_object(reader, depth + 1, NULL);
    case '[': return json_take_array(reader, depth + 1);
    case '"': return json_take_string(reader, &string);
    case 't': return json_take_word(reader, "true");
    case 'f': return json_take_word(reader, "false");
    case 'n': return json_take_word(reader, "null");
    default: return json_take_number(reader);
  }
}

/* The type of a message that is one JSON object with a string member "type". Zero if it is anything else. */
static inline int json_read_type(const void *message, size_t length, json_string_t *type) {
  json_reader_t reader = {message, (const char *)message + length};
  *type = (json_string_t){NULL, 0};
  if (!json_take_object(&reader, 1, type)) return 0;
  json_skip_space(&reader);
  return reader.at == reader.end && type->bytes != NULL;
}

static inline int json_is(json_string_t string, const char *text) {
  return string.length == strlen(text) && memcmp(string.bytes, text, string.length) == 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* A text that grows. If memory runs out it stays as it was and remembers that: check `failed` once, at the end. */
typedef struct text {
  char *bytes;
  size_t length;
  size_t capacity;
  int failed;
} text_t;

/* Starts over and keeps the memory. */
static inline void text_clear(text_t *text) {
  text->length = 0;
  text->failed = 0;
}

static inline void text_add(text_t *text, const char *bytes, size_t length) {
  if (text->failed || length == 0) return;
  if (length > text->capacity - text->length) {
    size_t capacity = 2 * (text->length + length);
    char *grown = realloc(text->bytes, capacity);
    if (grown == NULL) {
      text->failed = 1;
      return;
    }
    text->bytes = grown;
    text->capacity = capacity;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static inline void text_add_literal(text_t *text, const char *literal) { text_add(text, literal, strlen(literal)); }

static inline void text_add_number(text_t *text, int64_t number) {
  char digits[24];
  text_add(text, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)number));
}

/* With its quotes. Bytes that could end the string or are not allowed in one (RFC 8259, section 7) are escaped. */
static inline void text_add_json_string(text_t *text, const char *bytes, size_t length) {
  text_add(text, "\"", 1);
  for (size_t index = 0; index < length; index++) {
    unsigned char byte = (unsigned char)bytes[index];
    if (byte == '"' || byte == '\\') {
      text_add(text, "\\", 1);
      text_add(text, bytes + index, 1);
    } else if (byte < 0x20) {
      char escape[8];
      text_add(text, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
    } else {
      text_add(text, bytes + index, 1);
    }
  }
  text_add(text, "\"", 1);
}

#endif /* JSON_H */
