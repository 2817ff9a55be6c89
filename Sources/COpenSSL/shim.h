#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* SSL_OP_* unfold by a macro with an argument, which Swift does not import. No renegotiation: TLS 1.2's is a way to
 * make a server work; no compression: it leaks (CRIME); our order of ciphers, but that of a client without AES. */
static inline void cssl_set_options(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
}

/* The rest are macros around SSL_CTX_ctrl and SSL_CTX_callback_ctrl. */
static inline int cssl_set_min_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}

/* Buffers only while something is in them: an idle connection has none. */
static inline void cssl_release_buffers(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

/* Sessions live in the clients' tickets, so that we hold none. */
static inline void cssl_keep_no_sessions(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

typedef int (*cssl_servername_fn)(SSL *ssl, int *alert, void *argument);
static inline void cssl_on_servername(SSL_CTX *context, cssl_servername_fn callback, void *argument) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
  SSL_CTX_set_tlsext_servername_arg(context, argument);
}

/* X509_NAME_print_ex takes its flags as a macro of casts. */
static inline int cssl_print_subject(BIO *out, const X509 *certificate) {
  return X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
}
