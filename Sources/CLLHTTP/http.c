/* http.c of the distribution's llhttp, if that is not a library. */
#if !__has_include("/usr/include/llhttp.h")
#include "/usr/share/llhttp/http.c"
#endif
