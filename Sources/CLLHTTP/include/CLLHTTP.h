/* llhttp as the distribution ships it (node-llhttp on Debian 12). The strictness must be the same here as in the .c
 * files. */
#define LLHTTP_STRICT_MODE 1
#include "/usr/share/include/llhttp/llhttp.h"
