#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace standin {

struct Request {
  std::string method;
  std::string path;  // without the query
  std::string body;
};

struct Response {
  int status = 200;
  std::string body;
  std::string type = "application/json";

  static Response empty() { return {200, "", "text/plain"}; }
  static Response json(const nlohmann::json& value) { return {200, value.dump(), "application/json"}; }
  static Response refuse(int status, const std::string& why) { return {status, why + "\n", "text/plain"}; }
};

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

// POSTs JSON and returns the answer. Throws std::runtime_error when there is none within a few seconds.
Response post(const std::string& ip, int port, const std::string& path, const nlohmann::json& body);

}  // namespace standin
