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
// The state of a master with many tasks.
constexpr std::size_t answer_limit = 16 * 1024 * 1024;
constexpr int connection_limit = 128;
constexpr auto patience = std::chrono::seconds(10);

const Security* security = nullptr;

// A socket that gives up at a deadline, whatever the other side does.
class Connection {
 public:
  Connection(int socket, Clock::time_point deadline) : socket_(socket), deadline_(deadline) {
    ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
  }
  ~Connection() {
    cipher_.reset();
    ::close(socket_);
  }
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

  // Shakes hands with the client that has connected, if it speaks TLS. False where it does not and must.
  bool secure_as_server() {
    if (security == nullptr) return true;
    // The record of a handshake; no request begins with it.
    constexpr char handshake = 0x16;
    char first = 0;
    if (!wait(POLLIN) || ::recv(socket_, &first, 1, MSG_PEEK) != 1) return false;
    if (first != handshake) return security->supports_downgrade();
    return shake_hands(security->accept(socket_));
  }

  // Shakes hands with the server that was connected to.
  bool secure_as_client() { return shake_hands(security->connect(socket_)); }

  // Appends what is there; false at the end, on an error and at the deadline.
  bool receive(std::string& into) {
    char buffer[8192];
    int count = patiently([&] { return receive_once(buffer, sizeof buffer); });
    if (count > 0) into.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  bool send(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      int count = patiently([&] { return send_once(text.data() + sent, text.size() - sent); });
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

  // Lets the other side read the answer before the connection is reset by what it still sends.
  void finish() {
    if (cipher_) cipher_->finish();
    ::shutdown(socket_, SHUT_WR);
    std::string rest;
    while (rest.size() < body_limit && receive(rest)) {
    }
  }

 private:
  bool shake_hands(std::unique_ptr<Cipher> cipher) {
    cipher_ = std::move(cipher);
    return cipher_ && patiently([&] { return cipher_->handshake(); }) > 0;
  }

  // Repeats what has to wait until it is done or the deadline has come.
  template <typename Operation>
  int patiently(Operation operation) {
    while (true) {
      int count = operation();
      if (count != Cipher::wants_read && count != Cipher::wants_write) return count;
      if (!wait(count == Cipher::wants_read ? POLLIN : POLLOUT)) return Cipher::failed;
    }
  }

  int receive_once(char* into, std::size_t size) {
    if (cipher_) return cipher_->receive(into, static_cast<int>(size));
    return plainly(::recv(socket_, into, size, 0), Cipher::wants_read);
  }

  int send_once(const char* from, std::size_t size) {
    // No record is longer.
    size = std::min<std::size_t>(size, 16 * 1024);
    if (cipher_) return cipher_->send(from, static_cast<int>(size));
    return plainly(::send(socket_, from, size, MSG_NOSIGNAL), Cipher::wants_write);
  }

  static int plainly(ssize_t count, Cipher::Why waiting) {
    if (count >= 0) return static_cast<int>(count);
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK ? waiting : Cipher::failed;
  }

  int socket_;
  Clock::time_point deadline_;
  std::unique_ptr<Cipher> cipher_;
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
  auto mark = words[1].find('?');
  request.path = words[1].substr(0, mark);
  if (mark != std::string::npos) request.query = words[1].substr(mark + 1);
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
  if (!connection.secure_as_server()) return;
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

namespace {

std::unique_ptr<Connection> connected_plainly(const std::string& where, const sockaddr_in& address) {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
  auto connection = std::make_unique<Connection>(socket, Clock::now() + std::chrono::seconds(5));
  if (!connection->connect(address)) {
    throw std::runtime_error("cannot connect to " + where + ": " + std::strerror(errno));
  }
  return connection;
}

// With TLS where this process has it; without where the other side does not and that is allowed.
std::unique_ptr<Connection> connected(const std::string& where, const sockaddr_in& address) {
  auto connection = connected_plainly(where, address);
  if (security == nullptr || connection->secure_as_client()) return connection;
  if (!security->supports_downgrade()) throw std::runtime_error(where + " does not speak TLS as it should");
  return connected_plainly(where, address);
}

}  // namespace

// Mesos writes JSON with picojson, which puts a backslash before each slash. Outside of strings there is none.
Response Response::json(const nlohmann::json& value) {
  std::string text;
  for (char c : value.dump()) {
    if (c == '/') text += '\\';
    text += c;
  }
  return {200, text, "application/json"};
}

void speak_securely(const Security& with) { security = &with; }

Response post(const std::string& ip, int port, const std::string& path, const nlohmann::json& body) {
  return ask("POST", ip, port, path, body.dump());
}

Response ask(const std::string& method, const std::string& ip, int port, const std::string& path,
             const std::string& body) {
  std::string where = ip + ":" + std::to_string(port);
  auto connection_to = connected(where, address_for(ip, port));
  Connection& connection = *connection_to;
  std::string head = method + " " + path + " HTTP/1.1\r\nHost: " + where + "\r\nContent-Type: application/json\r\n" +
                     "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
  std::string answer;
  if (connection.send(head + body)) {
    while (answer.size() < answer_limit && connection.receive(answer)) {
    }
  }
  auto end = answer.find("\r\n\r\n");
  auto words = split(answer.substr(0, answer.find("\r\n")), ' ');
  if (end == std::string::npos || words.size() < 2) throw std::runtime_error(where + " did not answer");
  return {static_cast<int>(parse_integer(words[1]).value_or(500)), answer.substr(end + 4), ""};
}

}  // namespace standin
