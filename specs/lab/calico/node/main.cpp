// A host's node: registers it in etcd, greets the other nodes, and keeps the host's routes and its filter as etcd says.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>

#include "filter.hpp"
#include "host.hpp"
#include "mesh.hpp"
#include "nft.hpp"
#include "ways.hpp"

using namespace standin;

namespace {

// The filter is also put in place anew when nothing changed: somebody may have flushed all tables.
constexpr std::chrono::seconds renewal(30);

// What a node does when it starts: a pool where there is none, what all nodes share, and this host.
void enlist(const Etcd& etcd, const std::string& host, const std::string& address) {
  for (const auto& [other, taken] : addresses_of_hosts(etcd)) {
    if (taken == address && other != host) {
      throw Failed("ERROR: IP address " + address + " is already in use by host " + other + ".");
    }
  }
  if (variable("NO_DEFAULT_POOLS", "") != "true" && pools(etcd).empty()) {
    put_pool(etcd, {"192.168.0.0/16", *Network::of("192.168.0.0/16")});
  }
  etcd.create("/calico/bgp/v1/global/as_num", "64511");
  etcd.create("/calico/bgp/v1/global/node_mesh", R"({"enabled": true})");
  etcd.put("/calico/v1/Ready", "true");
  put_address_of_host(etcd, host, address);
  std::cout << "Calico node registered as " << host << " with " << address << std::endl;
}

// The routes and the filter, from one look at etcd to the next.
void keep(const Etcd& etcd, const std::string& host) {
  Netlink kernel;
  std::string in_place;
  auto placed = std::chrono::steady_clock::now();
  for (;; sleep(1)) {
    try {
      auto before = routes(kernel);
      State state = read_state(etcd);
      // First who may, then how to get there.
      std::string wanted = filter_text(state, host);
      if (wanted != in_place || std::chrono::steady_clock::now() - placed > renewal) {
        run_nft(wanted);
        in_place = wanted;
        placed = std::chrono::steady_clock::now();
      }
      keep_ways(kernel, before, state, host);
    } catch (const std::exception& failure) {
      // What was in place stays so.
      std::cerr << failure.what() << std::endl;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::cout << "calico-node " VERSION " (stand-in: routes and filters without BGP and ip-in-ip, IPv4 only)"
            << std::endl;
  if (argc > 1 && std::string(argv[1]) == "--version") return 0;
  // The first process of a container ends at a signal only if it says so.
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGPIPE, SIG_IGN);
  try {
    std::string host = variable("HOSTNAME", ""), address = variable("IP", "");
    if (host.empty() || address.empty()) throw Failed("HOSTNAME and IP must be given");
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1 << std::endl;
    Etcd etcd;
    enlist(etcd, host, address);
    begin_greeting();
    begin_looking_round(address);
    keep(etcd, host);
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
