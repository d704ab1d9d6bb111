#include "etcd.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cctype>
#include <cstdlib>
#include <memory>

namespace standin {

using nlohmann::json;

namespace {

// As a value of a form; with `also` left as they are.
std::string encode(const std::string& text, const std::string& also = "") {
  static const char* digits = "0123456789ABCDEF";
  std::string encoded;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || also.find(static_cast<char>(c)) != std::string::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += {'%', digits[c >> 4], digits[c & 15]};
    }
  }
  return encoded;
}

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

std::unique_ptr<SSL_CTX, Free> context() {
  std::unique_ptr<SSL_CTX, Free> made(SSL_CTX_new(TLS_client_method()));
  std::string ca = variable("ETCD_CA_CERT_FILE", ""), cert = variable("ETCD_CERT_FILE", ""),
              key = variable("ETCD_KEY_FILE", "");
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(made.get(), ca.c_str(), nullptr) != 1) {
    throw Failed("ETCD_CA_CERT_FILE (" + ca + ") cannot be read");
  }
  if (!cert.empty() && (SSL_CTX_use_certificate_chain_file(made.get(), cert.c_str()) != 1 ||
                        SSL_CTX_use_PrivateKey_file(made.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)) {
    throw Failed("ETCD_CERT_FILE (" + cert + ") and ETCD_KEY_FILE (" + key + ") cannot be used");
  }
  return made;
}

}  // namespace

Etcd::Etcd()
    : authority_(variable("ETCD_AUTHORITY", "127.0.0.1:2379")), secure_(variable("ETCD_SCHEME", "http") == "https") {}

json Etcd::ask(const std::string& method, const std::string& key, const std::string& query, const std::string& form,
               int& status) const {
  std::string host = authority_.substr(0, authority_.rfind(':'));
  std::unique_ptr<SSL_CTX, Free> tls;
  std::unique_ptr<BIO, Free> bio;
  if (secure_) {
    tls = context();
    bio.reset(BIO_new_ssl_connect(tls.get()));
    SSL* ssl = nullptr;
    BIO_get_ssl(bio.get(), &ssl);
    bool is_name = host.find_first_not_of("0123456789.") != std::string::npos;
    if (is_name) {
      SSL_set_tlsext_host_name(ssl, host.c_str());
      SSL_set1_host(ssl, host.c_str());
    } else {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    }
    BIO_set_conn_hostname(bio.get(), authority_.c_str());
  } else {
    bio.reset(BIO_new_connect(authority_.c_str()));
  }
  // What Calico's own programs say when they cannot reach etcd.
  if (BIO_do_connect(bio.get()) <= 0) {
    const char* why = ERR_reason_error_string(ERR_peek_last_error());
    throw Failed("etcd at " + authority_ + " cannot be reached: No more machines in the cluster" +
                 (why == nullptr ? "" : std::string(" (") + why + ")"));
  }
  // Whoever asks has more to do than to wait for an etcd that has gone away without a word.
  timeval patience{10, 0};
  int connection = static_cast<int>(BIO_get_fd(bio.get(), nullptr));
  for (int way : {SO_RCVTIMEO, SO_SNDTIMEO}) setsockopt(connection, SOL_SOCKET, way, &patience, sizeof patience);
  std::string request = method + " /v2/keys" + encode(key, "/") + query + " HTTP/1.0\r\nHost: " + authority_ +
                        "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                        std::to_string(form.size()) + "\r\n\r\n" + form;
  if (BIO_write(bio.get(), request.data(), static_cast<int>(request.size())) <= 0) throw Failed("etcd hung up");
  std::string answer;
  char buffer[4096];
  for (int count; (count = BIO_read(bio.get(), buffer, sizeof buffer)) > 0;) answer.append(buffer, count);
  std::size_t head = answer.find("\r\n\r\n");
  if (answer.compare(0, 5, "HTTP/") != 0 || head == std::string::npos) throw Failed("etcd did not answer in HTTP");
  status = std::atoi(answer.c_str() + answer.find(' '));
  json body = json::parse(answer.substr(head + 4), nullptr, false);
  // 404: there is no such key. 412: what a condition asked for is not so.
  if (status >= 400 && status != 404 && status != 412) {
    throw Failed("etcd refused " + key + ": " + answer.substr(head + 4));
  }
  return body;
}

std::optional<std::string> Etcd::get(const std::string& key) const {
  int status = 0;
  json answer = ask("GET", key, "", "", status);
  if (status == 404 || !answer["node"].contains("value")) return std::nullopt;
  return answer["node"]["value"].get<std::string>();
}

std::map<std::string, std::string> Etcd::below(const std::string& folder) const {
  int status = 0;
  json answer = ask("GET", folder, "?recursive=true", "", status);
  std::map<std::string, std::string> values;
  if (status == 404) return values;
  std::vector<json> left = {answer["node"]};
  while (!left.empty()) {
    json node = left.back();
    left.pop_back();
    if (node.contains("value")) {
      values[node["key"].get<std::string>().substr(folder.size() + 1)] = node["value"].get<std::string>();
    }
    for (const json& inner : node.value("nodes", json::array())) left.push_back(inner);
  }
  return values;
}

void Etcd::put(const std::string& key, const std::string& value) const {
  int status = 0;
  ask("PUT", key, "", "value=" + encode(value), status);
}

bool Etcd::create(const std::string& key, const std::string& value) const {
  int status = 0;
  ask("PUT", key, "?prevExist=false", "value=" + encode(value), status);
  return status != 412;
}

bool Etcd::remove(const std::string& key) const {
  int status = 0;
  ask("DELETE", key, "?recursive=true", "", status);
  return status != 404;
}

}  // namespace standin
