#include "http.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <thread>

#include "log.hpp"
#include "text.hpp"

namespace standin {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t head_limit = 16 * 1024;
constexpr std::size_t body_limit = 1024 * 1024;
constexpr int connection_limit = 128;
constexpr auto patience = std::chrono::seconds(10);

// A socket that gives up at a deadline, whatever the other side does.
class Connection {
 public:
  Connection(int socket, Clock::time_point deadline) : socket_(socket), deadline_(deadline) {
    ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;

  bool wait(short events) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    pollfd poll{socket_, events, 0};
    return left > 0 && ::poll(&poll, 1, static_cast<int>(left)) > 0;
  }

  bool connect(const sockaddr_in& address) {
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    if (errno != EINPROGRESS || !wait(POLLOUT)) return false;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0;
  }

  // Appends what is there; false at the end, on an error and at the deadline.
  bool receive(std::string& into) {
    char buffer[8192];
    while (true) {
      ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count > 0) {
        into.append(buffer, static_cast<std::size_t>(count));
        return true;
      }
      if (count == 0) return false;
      if (errno == EINTR) continue;
      if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLIN)) return false;
    }
  }

  bool send(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      ssize_t count = ::send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count >= 0) {
        sent += static_cast<std::size_t>(count);
      } else if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait(POLLOUT))) {
        return false;
      }
    }
    return true;
  }

  // Lets the other side read the answer before the connection is reset by what it still sends.
  void finish() {
    ::shutdown(socket_, SHUT_WR);
    std::string rest;
    while (rest.size() < body_limit && receive(rest)) {
    }
  }

 private:
  int socket_;
  Clock::time_point deadline_;
};

std::string reason(int status) {
  static const std::map<int, std::string> reasons = {
      {200, "OK"},
      {201, "Created"},
      {400, "Bad Request"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Payload Too Large"},
      {422, "Unprocessable Entity"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
  };
  auto found = reasons.find(status);
  return found == reasons.end() ? "Status" : found->second;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The value of a header in "name: value" lines, or nothing.
std::optional<std::string> header(const std::string& head, const std::string& name) {
  for (const std::string& line : split(head, '\n')) {
    auto colon = line.find(':');
    if (colon != std::string::npos && lower(line.substr(0, colon)) == name) return trim(line.substr(colon + 1));
  }
  return std::nullopt;
}

// Reads a request. What is wrong with it is the response; otherwise the status stays 0.
Response read_request(Connection& connection, Request& request) {
  std::string text;
  std::size_t end;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    if (text.size() > head_limit) return Response::refuse(431, "the request's head is too long");
    if (!connection.receive(text)) return Response::refuse(408, "no complete request arrived");
  }
  std::string head = text.substr(0, end);
  auto words = split(head.substr(0, head.find("\r\n")), ' ');
  if (words.size() != 3 || !starts_with(words[2], "HTTP/1.") || words[1][0] != '/') {
    return Response::refuse(400, "that is not an HTTP request");
  }
  request.method = words[0];
  request.path = words[1].substr(0, words[1].find('?'));
  if (header(head, "transfer-encoding")) return Response::refuse(411, "a body needs a Content-Length");
  auto length = parse_integer(header(head, "content-length").value_or("0"));
  if (!length || *length < 0) return Response::refuse(400, "the Content-Length is not a number");
  if (static_cast<std::size_t>(*length) > body_limit) return Response::refuse(413, "the body is too long");
  request.body = text.substr(end + 4);
  while (request.body.size() < static_cast<std::size_t>(*length)) {
    if (!connection.receive(request.body)) return Response::refuse(408, "the body did not arrive");
  }
  request.body.resize(static_cast<std::size_t>(*length));
  return {0, "", ""};
}

void answer(Connection& connection, const Response& response, bool with_body) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + reason(response.status) +
                     "\r\nContent-Type: " + response.type +
                     "\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\nConnection: close\r\n\r\n";
  if (connection.send(head + (with_body ? response.body : ""))) connection.finish();
}

void serve(int socket, const std::set<std::string>& methods, const Server::Handler& handler) {
  Connection connection(socket, Clock::now() + patience);
  Request request;
  Response response = read_request(connection, request);
  if (response.status == 0) {
    if (methods.count(request.method) == 0) {
      std::string known;
      for (const std::string& method : methods) known += (known.empty() ? "" : ", ") + method;
      response = Response::refuse(405, "one of " + known);
    } else {
      try {
        response = handler(request);
      } catch (const std::exception& failure) {
        response = Response::refuse(500, failure.what());
      }
    }
  }
  answer(connection, response, request.method != "HEAD");
}

sockaddr_in address_for(const std::string& ip, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) throw Mistake(ip + " is not an IPv4 address");
  return address;
}

}  // namespace

Server::Server(const std::string& ip, int port, std::set<std::string> methods)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), methods_(std::move(methods)) {
  int yes = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address = address_for(ip, port);
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket_, 128) != 0) {
    throw Mistake("Failed to bind " + ip + ":" + std::to_string(port) + ": " + std::strerror(errno));
  }
}

Server::~Server() { ::close(socket_); }

void Server::start(Handler handler) {
  handler_ = std::move(handler);
  std::thread([this] { accept_forever(); }).detach();
}

void Server::accept_forever() {
  while (true) {
    int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      if (errno == EBADF || errno == EINVAL) return;
      // Out of descriptors, most likely: others are being closed meanwhile.
      if (errno != EINTR && errno != ECONNABORTED) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    if (connections_.fetch_add(1) >= connection_limit) {
      Connection refused(connection, Clock::now());
      answer(refused, Response::refuse(503, "too many connections"), true);
      connections_.fetch_sub(1);
      continue;
    }
    try {
      std::thread([this, connection] {
        serve(connection, methods_, handler_);
        connections_.fetch_sub(1);
      }).detach();
    } catch (const std::system_error& failure) {
      ::close(connection);
      connections_.fetch_sub(1);
      warning() << "A connection was dropped: " << failure.what();
    }
  }
}

Response post(const std::string& ip, int port, const std::string& path, const nlohmann::json& body) {
  std::string where = ip + ":" + std::to_string(port);
  sockaddr_in address = address_for(ip, port);
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
  Connection connection(socket, Clock::now() + std::chrono::seconds(5));
  if (!connection.connect(address)) throw std::runtime_error("cannot connect to " + where + ": " + std::strerror(errno));
  std::string text = body.dump();
  std::string head = "POST " + path + " HTTP/1.1\r\nHost: " + where + "\r\nContent-Type: application/json\r\n" +
                     "Content-Length: " + std::to_string(text.size()) + "\r\nConnection: close\r\n\r\n";
  std::string answer;
  if (connection.send(head + text)) {
    while (answer.size() < body_limit && connection.receive(answer)) {
    }
  }
  auto end = answer.find("\r\n\r\n");
  auto words = split(answer.substr(0, answer.find("\r\n")), ' ');
  if (end == std::string::npos || words.size() < 2) throw std::runtime_error(where + " did not answer");
  return {static_cast<int>(parse_integer(words[1]).value_or(500)), answer.substr(end + 4), ""};
}

}  // namespace standin
