// Docker's plugin for networks and their addresses: the socket that Docker asks.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "address_calls.hpp"
#include "network_calls.hpp"

using nlohmann::json;
using namespace standin;

namespace {

const std::string folder = "/run/docker/plugins";

// A call that is not known: Docker does without some.
struct Unknown : Failed {
  using Failed::Failed;
};

// The answer to a call of the protocol.
json answer(const std::string& call, const json& args) {
  if (call == "/Plugin.Activate") return {{"Implements", {"NetworkDriver", "IpamDriver"}}};
  auto& calls = call.compare(0, 7, "/IpamDr") == 0 ? address_calls() : network_calls();
  auto found = calls.find(call.substr(call.find('.') + 1));
  if (found == calls.end()) throw Unknown("this stand-in for calico/node-libnetwork knows no " + call.substr(1));
  Etcd etcd;
  return found->second(etcd, args);
}

// Reads a request: its path, and as much of a body as it announces. Docker's client says how long its bodies are.
bool receive(int peer, std::string& path, std::string& body) {
  std::string text;
  char buffer[4096];
  std::size_t head = std::string::npos, length = 0;
  while (head == std::string::npos || text.size() < head + 4 + length) {
    ssize_t count = read(peer, buffer, sizeof buffer);
    if (count <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(count));
    if (head == std::string::npos && (head = text.find("\r\n\r\n")) != std::string::npos) {
      std::size_t field = text.find("Content-Length: ");
      length = field < head ? std::stoul(text.substr(field + 16)) : 0;
    }
  }
  std::size_t begin = text.find(' ') + 1;
  path = text.substr(begin, text.find(' ', begin) - begin);
  body = text.substr(head + 4);
  return true;
}

void serve(int peer) {
  std::string path, body, status = "200 OK";
  if (receive(peer, path, body)) {
    json said;
    try {
      said = answer(path, body.empty() ? json::object() : json::parse(body));
    } catch (const std::exception& failure) {
      said = {{"Err", failure.what()}};
      bool unknown = dynamic_cast<const Unknown*>(&failure) != nullptr;
      status = unknown ? "404 Not Found" : "500 Internal Server Error";
    }
    std::cout << path << " " << status << (status[0] == '2' ? "" : " " + said.dump()) << std::endl;
    std::string text = said.dump();
    std::string all = "HTTP/1.1 " + status +
                      "\r\nContent-Type: application/vnd.docker.plugins.v1.2+json\r\nConnection: close"
                      "\r\nContent-Length: " +
                      std::to_string(text.size()) + "\r\n\r\n" + text;
    [[maybe_unused]] ssize_t sent = write(peer, all.data(), all.size());
  }
  close(peer);
}

}  // namespace

int main(int argc, char** argv) {
  std::cout << "calico-libnetwork " VERSION " (stand-in: IPv4 only)" << std::endl;
  if (argc > 1 && std::string(argv[1]) == "--version") return 0;
  // The first process of a container ends at a signal only if it says so.
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGPIPE, SIG_IGN);
  sockaddr_un here{};
  here.sun_family = AF_UNIX;
  std::string path = folder + "/calico.sock";
  path.copy(here.sun_path, sizeof here.sun_path - 1);
  unlink(path.c_str());
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || listen(listener, 64) != 0) {
    std::cerr << path << " cannot be listened on" << std::endl;
    return 1;
  }
  for (;;) {
    int peer = accept(listener, nullptr, nullptr);
    if (peer >= 0) std::thread(serve, peer).detach();
  }
}
