// A host's node: registers it in etcd, listens on BGP's port, greets the other hosts there and notes who answers.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>

#include "profile.hpp"

using nlohmann::json;

namespace {

constexpr int bgp_port = 179;
const std::string greeting = "calico-node stand-in " VERSION "\n";
const std::string hosts = "/calico/bgp/v1/host";

// What a node does when it starts: a pool where there is none, what all nodes share, and this host.
void enlist(const Etcd& etcd, const std::string& host, const std::string& address) {
  for (const auto& [key, value] : etcd.below(hosts)) {
    if (value == address && key != host + "/ip_addr_v4") {
      throw Failed("ERROR: IP address " + address + " is already in use by host " + key.substr(0, key.find('/')) + ".");
    }
  }
  if (variable("NO_DEFAULT_POOLS", "") != "true" && etcd.below("/calico/v1/ipam/v4/pool").empty()) {
    etcd.put(pool_key("192.168.0.0/16"), pool_of("192.168.0.0/16", false, false).dump());
  }
  if (!etcd.get("/calico/bgp/v1/global/as_num")) etcd.put("/calico/bgp/v1/global/as_num", "64511");
  if (!etcd.get("/calico/bgp/v1/global/node_mesh")) etcd.put("/calico/bgp/v1/global/node_mesh", R"({"enabled": true})");
  etcd.put("/calico/v1/Ready", "true");
  etcd.put(hosts + "/" + host + "/ip_addr_v4", address);
  std::cout << "Calico node registered as " << host << " with " << address << std::endl;
}

// Greets everyone who connects.
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
  for (const auto& [key, address] : etcd.below(hosts)) {
    if (key.size() < 11 || key.substr(key.size() - 11) != "/ip_addr_v4" || address == own) continue;
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

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--version") {
    std::cout << "calico-node " VERSION " (stand-in: it routes and filters nothing)" << std::endl;
    return 0;
  }
  // The first process of a container ends at a signal only if it says so.
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGPIPE, SIG_IGN);
  try {
    std::cout << "calico-node " VERSION " (stand-in: it routes and filters nothing)" << std::endl;
    std::string host = variable("HOSTNAME", ""), address = variable("IP", "");
    if (host.empty() || address.empty()) throw Failed("HOSTNAME and IP must be given");
    Etcd etcd;
    enlist(etcd, host, address);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(bgp_port);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || listen(listener, 64) != 0) {
      throw Failed("port 179 cannot be listened on");
    }
    std::thread(serve, listener).detach();
    std::map<std::string, json> peers;
    for (;; sleep(2)) {
      try {
        look_round(etcd, address, peers);
      } catch (const std::exception& failure) {
        std::cerr << failure.what() << std::endl;
      }
    }
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
