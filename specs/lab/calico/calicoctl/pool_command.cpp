#include <iostream>

#include "commands.hpp"
#include "pool.hpp"

namespace standin {

namespace {

Network pool_network(const std::string& cidr) {
  auto network = Network::of(cidr);
  if (!network || cidr.find('/') == std::string::npos) throw Failed("Invalid CIDR specified " + cidr);
  // Calico hands out blocks of 64 addresses.
  if (network->bits > 26) throw Failed("An IPv4 pool must have a prefix length of 26 or lower.\nGiven: " + cidr);
  return *network;
}

}  // namespace

void pool(const Line& line) {
  Etcd etcd;
  std::string verb = line.words.size() > 1 ? line.words[1] : "";
  if (verb == "show") {
    std::vector<Words> rows;
    for (const Pool& pool : pools(etcd)) {
      std::string options = pool.ipip ? "ipip" : "";
      if (pool.nat_outgoing) options += std::string(options.empty() ? "" : ",") + "nat-outgoing";
      rows.push_back({pool.cidr, options});
    }
    table({"IPv4 CIDR", "Options"}, rows);
    return;
  }
  if (line.words.size() < 3 || (verb != "add" && verb != "remove")) {
    throw Failed("Usage: calicoctl pool (add|remove) <CIDRS>... | show");
  }
  for (const std::string& cidr : Words(line.words.begin() + 2, line.words.end())) {
    Network wanted = pool_network(cidr);
    if (verb == "remove") {
      if (!remove_pool(etcd, cidr)) throw Failed(cidr + " is not a configured pool.");
      std::cout << "Deleted IP Pool" << std::endl;
      continue;
    }
    for (const Pool& other : pools(etcd)) {
      if (other.cidr != cidr && other.network.overlaps(wanted)) {
        throw Failed("Cannot add IP pool " + cidr + " - pool overlaps with an existing pool " + other.cidr);
      }
    }
    put_pool(etcd, {cidr, wanted, line.has("--ipip"), line.has("--nat-outgoing")});
  }
}

}  // namespace standin
