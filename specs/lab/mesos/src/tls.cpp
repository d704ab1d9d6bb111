#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <string>

#include "http.hpp"
#include "log.hpp"
#include "text.hpp"

namespace standin {

namespace {

std::string tls_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_set(const char* name) {
  std::string value = tls_variable(name);
  return value == "1" || value == "true";
}

class TlsCipher : public Cipher {
 public:
  explicit TlsCipher(SSL* ssl) : ssl_(ssl) {}
  ~TlsCipher() override { SSL_free(ssl_); }

  int handshake() override { return why(SSL_do_handshake(ssl_)); }
  int receive(char* into, int size) override { return why(SSL_read(ssl_, into, size)); }
  int send(const char* from, int size) override { return why(SSL_write(ssl_, from, size)); }
  void finish() override { SSL_shutdown(ssl_); }

 private:
  int why(int count) {
    if (count > 0) return count;
    int error = SSL_get_error(ssl_, count);
    // What one thread leaves in its queue of errors would be taken for those of its next operation.
    ERR_clear_error();
    switch (error) {
      case SSL_ERROR_WANT_READ: return wants_read;
      case SSL_ERROR_WANT_WRITE: return wants_write;
      case SSL_ERROR_ZERO_RETURN: return ended;
      default: return failed;
    }
  }

  SSL* ssl_;
};

class TlsSecurity : public Security {
 public:
  TlsSecurity() : context_(SSL_CTX_new(TLS_method())), downgrade_(is_set("SSL_SUPPORT_DOWNGRADE")) {
    std::string certificate = needed("SSL_CERT_FILE"), key = needed("SSL_KEY_FILE");
    if (SSL_CTX_use_certificate_chain_file(context_, certificate.c_str()) != 1) refuse("certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) refuse("key", key);
    if (SSL_CTX_check_private_key(context_) != 1) throw Mistake(key + " is not the key of " + certificate);
    std::string authority = tls_variable("SSL_CA_FILE");
    if (!authority.empty() && SSL_CTX_load_verify_locations(context_, authority.c_str(), nullptr) != 1) {
      refuse("authority", authority);
    }
    if (is_set("SSL_VERIFY_CERT")) SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }

  std::unique_ptr<Cipher> accept(int socket) const override {
    SSL* ssl = on(socket);
    if (ssl != nullptr) SSL_set_accept_state(ssl);
    return ssl == nullptr ? nullptr : std::make_unique<TlsCipher>(ssl);
  }

  std::unique_ptr<Cipher> connect(int socket) const override {
    SSL* ssl = on(socket);
    if (ssl != nullptr) SSL_set_connect_state(ssl);
    return ssl == nullptr ? nullptr : std::make_unique<TlsCipher>(ssl);
  }

  bool supports_downgrade() const override { return downgrade_; }

 private:
  static std::string needed(const char* name) {
    std::string value = tls_variable(name);
    if (value.empty()) throw Mistake(std::string("SSL_ENABLED needs ") + name);
    return value;
  }

  [[noreturn]] static void refuse(const char* what, const std::string& path) {
    throw Mistake(std::string("Could not load the ") + what + " '" + path + "'");
  }

  SSL* on(int socket) const {
    SSL* ssl = SSL_new(context_);
    if (ssl != nullptr) SSL_set_fd(ssl, socket);
    return ssl;
  }

  SSL_CTX* context_;
  bool downgrade_;
};

}  // namespace

void speak_tls_if_asked() {
  if (!is_set("SSL_ENABLED")) return;
  // For the life of the process: threads may still speak when it ends.
  static const TlsSecurity& security = *new TlsSecurity();
  speak_securely(security);
  info() << "SSL support is on" << (security.supports_downgrade() ? ", and so is downgrade" : "");
}

}  // namespace standin
