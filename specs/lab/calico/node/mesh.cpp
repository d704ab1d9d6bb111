#include "mesh.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>

#include "host.hpp"

namespace standin {

using nlohmann::json;

namespace {

constexpr int bgp_port = 179;
const std::string greeting = "calico-node stand-in " VERSION "\n";

void serve(int listener) {
  for (;;) {
    int peer = accept(listener, nullptr, nullptr);
    if (peer < 0) continue;
    [[maybe_unused]] ssize_t sent = write(peer, greeting.data(), greeting.size());
    shutdown(peer, SHUT_WR);
    close(peer);
  }
}

// Whether a node at the address greets within a second.
bool greets(const std::string& address) {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(bgp_port);
  if (inet_pton(AF_INET, address.c_str(), &there.sin_addr) != 1) return false;
  int peer = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  connect(peer, reinterpret_cast<sockaddr*>(&there), sizeof there);
  pollfd waiting{peer, POLLIN, 0};
  std::string said(greeting.size(), '\0');
  bool good = poll(&waiting, 1, 1000) == 1 && read(peer, said.data(), said.size()) > 0 &&
              said.compare(0, 20, greeting, 0, 20) == 0;
  close(peer);
  return good;
}

void look_round(const Etcd& etcd, const std::string& own, std::map<std::string, json>& peers) {
  std::map<std::string, json> now;
  for (const auto& [host, address] : addresses_of_hosts(etcd)) {
    if (address == own) continue;
    bool good = greets(address);
    auto before = peers.find(address);
    bool same = before != peers.end() && before->second["greeted"] == good;
    char clock[16];
    std::time_t seconds = std::time(nullptr);
    std::strftime(clock, sizeof clock, "%H:%M:%S", std::gmtime(&seconds));
    json since = same ? before->second["since"] : json(clock);
    now[address] = {{"address", address}, {"greeted", good}, {"since", since}};
  }
  peers = now;
  json all = json::array();
  for (const auto& [address, peer] : peers) all.push_back(peer);
  std::ofstream("/var/run/calico/.stand-in-peers") << all.dump() << std::endl;
  std::rename("/var/run/calico/.stand-in-peers", "/var/run/calico/stand-in-peers.json");
}

}  // namespace

void begin_greeting() {
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = htons(bgp_port);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || listen(listener, 64) != 0) {
    throw Failed("port 179 cannot be listened on");
  }
  std::thread(serve, listener).detach();
}

void begin_looking_round(const std::string& own_address) {
  std::thread([own_address] {
    Etcd etcd;
    std::map<std::string, json> peers;
    for (;; sleep(2)) {
      try {
        look_round(etcd, own_address, peers);
      } catch (const std::exception& failure) {
        std::cerr << failure.what() << std::endl;
      }
    }
  }).detach();
}

}  // namespace standin
