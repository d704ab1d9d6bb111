#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace standin {

struct Request {
  std::string method;
  std::string path;   // without the query
  std::string query;  // what is behind the question mark
  std::string body;
};

struct Response {
  int status = 200;
  std::string body;
  std::string type = "application/json";

  static Response empty() { return {200, "", "text/plain"}; }
  static Response json(const nlohmann::json& value);
  static Response refuse(int status, const std::string& why) { return {status, why + "\n", "text/plain"}; }
};

// What is between a socket and HTTP where TLS is spoken. The operations never wait: they give the number of bytes, or
// why there are none.
class Cipher {
 public:
  enum Why : int { ended = 0, wants_read = -1, wants_write = -2, failed = -3 };

  virtual ~Cipher() = default;
  virtual int handshake() = 0;  // 1 once it is done
  virtual int receive(char* into, int size) = 0;
  virtual int send(const char* from, int size) = 0;
  virtual void finish() = 0;  // says that nothing more is sent
};

// How a program speaks TLS, and whether it also speaks without.
class Security {
 public:
  virtual ~Security() = default;
  virtual std::unique_ptr<Cipher> accept(int socket) const = 0;
  virtual std::unique_ptr<Cipher> connect(int socket) const = 0;
  virtual bool supports_downgrade() const = 0;
};

// Has every server and client of this process speak TLS from now on. `security` must live as long as the process.
void speak_securely(const Security& security);

// A small HTTP/1.1 server: one thread a connection, one request a connection, limits on size, time and number.
class Server {
 public:
  using Handler = std::function<Response(const Request&)>;

  // Answers 405 to other methods by itself. Throws a Mistake that names the address when it cannot be bound.
  Server(const std::string& ip, int port, std::set<std::string> methods = {"GET", "HEAD", "POST"});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Answers requests on threads of its own from now on, for the life of the process.
  void start(Handler handler);

 private:
  void accept_forever();

  int socket_;
  std::set<std::string> methods_;
  Handler handler_;
  std::atomic<int> connections_{0};
};

// Sends a request and returns the answer. Throws std::runtime_error when there is none within a few seconds.
Response ask(const std::string& method, const std::string& ip, int port, const std::string& path,
             const std::string& body = "");
// POSTs JSON.
Response post(const std::string& ip, int port, const std::string& path, const nlohmann::json& body);

}  // namespace standin
