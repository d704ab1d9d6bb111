#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <thread>

#include "http.hpp"
#include "log.hpp"
#include "marathon-lb.hpp"
#include "text.hpp"

namespace standin {

namespace {

constexpr int stats_port = 9090;
constexpr auto pause = std::chrono::seconds(2);
const std::string version = "marathon-lb " VERSION " (stand-in: it serves no application)";

// The body of `GET path` at host:port; throws std::runtime_error where there is none.
std::string get(const std::string& where, const std::string& path) {
  auto colon = where.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error(where + " has no port");
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(where.substr(0, colon).c_str(), where.substr(colon + 1).c_str(), &hints, &found) != 0) {
    throw std::runtime_error(where + " has no address");
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval patience{5, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  std::string answer, request = "GET " + path + " HTTP/1.0\r\nHost: " + where + "\r\nAccept: application/json\r\n\r\n";
  if (connect(socket, found->ai_addr, found->ai_addrlen) == 0 &&
      send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    for (ssize_t count; (count = recv(socket, buffer, sizeof buffer, 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(count));
    }
  }
  close(socket);
  auto end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.find(" 200 ") > answer.find("\r\n")) {
    throw std::runtime_error(where + " did not answer with 200 to " + path);
  }
  return answer.substr(end + 4);
}

// What the last Marathon that answered makes of the configuration.
class Balancer {
 public:
  explicit Balancer(Options options) : options_(std::move(options)) {}

  void look() {
    for (const std::string& marathon : options_.marathons) {
      try {
        auto apps = nlohmann::json::parse(get(marathon, "/v2/apps?embed=apps.tasks"));
        std::string text = "# A stand-in's: HAProxy does not run. Applications of " + marathon + ": " +
                           std::to_string(apps.value("apps", nlohmann::json::array()).size()) + "\n" +
                           configuration(apps, options_);
        std::lock_guard lock(mutex_);
        if (text != text_) info() << "The configuration has changed, with what " << marathon << " says";
        text_ = text;
        return;
      } catch (const std::exception& failure) {
        warning() << failure.what();
      }
    }
  }

  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  Options options_;
  std::mutex mutex_;
  std::string text_ = "# A stand-in's: HAProxy does not run. No Marathon has answered yet.\n";
};

int run(const std::vector<std::string>& words) {
  const char* ports = std::getenv("PORTS");
  if (ports == nullptr || *ports == '\0') {
    throw Mistake("Define $PORTS with a comma-separated list of ports to which HAProxy binds");
  }
  Balancer balancer(read_options(words));
  info() << version;
  Server server("0.0.0.0", stats_port, {"GET", "HEAD"});
  server.start([&](const Request& request) -> Response {
    if (request.path == "/_haproxy_health_check") {
      return {200, "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n", "text/html"};
    }
    if (request.path == "/_haproxy_getconfig") return {200, balancer.text(), "text/plain"};
    if (request.path == "/_haproxy_getpids") return {200, std::to_string(getpid()), "text/plain"};
    return Response::refuse(503, "No server is available to handle this request: " + version);
  });
  for (;; std::this_thread::sleep_for(pause)) balancer.look();
}

}  // namespace

}  // namespace standin

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "--version") {
    std::cout << standin::version << std::endl;
    return 0;
  }
  // The first process of a container ends at a signal only if it says so.
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return standin::run(words);
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
