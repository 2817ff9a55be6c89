/* llhttp as the distribution ships it: a library (libllhttp-dev, from Debian 13 on), or the sources within Debian 12's
 * node-llhttp, which the .c files compile. The library is strict unless told otherwise. In the sources strictness is
 * chosen at compile time, and must be the same here as in the .c files. */
#if __has_include("/usr/include/llhttp.h")
#include "/usr/include/llhttp.h"
#else
#define LLHTTP_STRICT_MODE 1
#include "/usr/share/include/llhttp/llhttp.h"
#endif
