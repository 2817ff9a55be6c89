#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

/* SSL_OP_* are macros that Swift does not import. No renegotiation: with TLS 1.2 a client can make a server work by it.
 * No compression: it leaks (CRIME). Our order of ciphers, but a client without AES in hardware gets ChaCha20. */
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

/* Sessions live in the clients' tickets, so we hold none. */
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

/* ---- the opening handshake --------------------------------------------------------------------------------------- */

enum { cssl_accept_size = 28 };

/* Base64 of the SHA-1 of `bytes`, without a NUL. It cannot fail, for it needs no memory, no provider and no file. What
 * stands in place of SHA1_Init and its relatives since OpenSSL 3.0 (EVP_Digest, and SHA1 by way of it) needs all three:
 * the first call reads openssl.cnf, and one for a handshake takes locks that are the process's and allocates. */
static inline void cssl_accept(const void *bytes, size_t count, unsigned char accept[cssl_accept_size]) {
  SHA_CTX sha1;
  SHA1_Init(&sha1);
  SHA1_Update(&sha1, bytes, count);
  unsigned char hash[SHA_DIGEST_LENGTH], text[cssl_accept_size + 1];
  SHA1_Final(hash, &sha1);
  EVP_EncodeBlock(text, hash, sizeof hash);
  memcpy(accept, text, cssl_accept_size);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* OpenSSL's own functions open files without close-on-exec ("e"): a child that is executed meanwhile would inherit a
 * private key. */
static inline BIO *cssl_open(const char *path) { return BIO_new_file(path, "re"); }

/* Whether the last failure only means that the file has no more entries. Removes that error from the queue. */
static inline int cssl_is_at_end(void) {
  unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return 0;
  ERR_clear_error();
  return 1;
}

/* As SSL_CTX_use_certificate_chain_file: the certificate, and those behind it. */
static inline int cssl_use_certificate_chain(SSL_CTX *context, const char *path) {
  BIO *file = cssl_open(path);
  if (file == NULL) return 0;
  pem_password_cb *ask = SSL_CTX_get_default_passwd_cb(context);
  X509 *certificate = PEM_read_bio_X509_AUX(file, NULL, ask, NULL);
  int is_used = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;
  X509_free(certificate);
  while (is_used && (certificate = PEM_read_bio_X509(file, NULL, ask, NULL)) != NULL) {
    is_used = SSL_CTX_add0_chain_cert(context, certificate) == 1;
    if (!is_used) X509_free(certificate);
  }
  BIO_free(file);
  return is_used && cssl_is_at_end();
}

/* As SSL_CTX_use_PrivateKey_file; `asked` is what the context's callback for passwords gets. */
static inline int cssl_use_private_key(SSL_CTX *context, const char *path, void *asked) {
  BIO *file = cssl_open(path);
  if (file == NULL) return 0;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, SSL_CTX_get_default_passwd_cb(context), asked);
  int is_used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  BIO_free(file);
  return is_used;
}

static inline int cssl_is_named(SSL_CTX *context, X509_NAME *name) {
  const STACK_OF(X509_NAME) *names = SSL_CTX_get_client_CA_list(context);
  for (int index = 0; index < sk_X509_NAME_num(names); index++) {
    if (X509_NAME_cmp(sk_X509_NAME_value(names, index), name) == 0) return 1;
  }
  return 0;
}

static inline int cssl_trust(SSL_CTX *context, const X509_INFO *info) {
  X509_STORE *store = SSL_CTX_get_cert_store(context);
  if (info->crl != NULL && X509_STORE_add_crl(store, info->crl) != 1) return 0;
  if (info->x509 == NULL) return 1;
  if (X509_STORE_add_cert(store, info->x509) != 1) return 0;
  return cssl_is_named(context, X509_get_subject_name(info->x509)) || SSL_CTX_add_client_CA(context, info->x509) == 1;
}

/* As SSL_CTX_load_verify_locations and SSL_load_client_CA_file: the authorities that may issue clients' certificates,
 * and whose names clients are sent. */
static inline int cssl_trust_authorities(SSL_CTX *context, const char *path) {
  BIO *file = cssl_open(path);
  if (file == NULL) return 0;
  STACK_OF(X509_INFO) *found = PEM_X509_INFO_read_bio(file, NULL, SSL_CTX_get_default_passwd_cb(context), NULL);
  BIO_free(file);
  if (found == NULL) return 0;
  int is_good = 1, certificates = 0;
  for (int index = 0; is_good && index < sk_X509_INFO_num(found); index++) {
    is_good = cssl_trust(context, sk_X509_INFO_value(found, index));
    certificates += sk_X509_INFO_value(found, index)->x509 != NULL;
  }
  sk_X509_INFO_pop_free(found, X509_INFO_free);
  if (is_good && certificates == 0) ERR_raise(ERR_LIB_X509, X509_R_NO_CERTIFICATE_FOUND);
  return is_good && certificates > 0;
}
