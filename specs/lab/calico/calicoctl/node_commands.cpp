#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "commands.hpp"
#include "host.hpp"

namespace standin {

using nlohmann::json;

void status() {
  const char* look =
      "docker ps --filter name=calico-node --format 'calico-node container is running. Status: {{.Status}}' | grep .";
  if (std::system(look) != 0) {
    throw Failed("calico-node container not running");
  }
  std::cout << "Running felix version none (stand-in " VERSION ")\n\nIPv4 BGP status\n";
  Etcd etcd;
  auto hosts = addresses_of_hosts(etcd);
  auto own = hosts.find(hostname());
  std::cout << "IP: " << (own == hosts.end() ? "unknown" : own->second)
            << "    AS Number: " << etcd.get("/calico/bgp/v1/global/as_num").value_or("unknown") << " (inherited)\n";
  std::ifstream file("/var/run/calico/stand-in-peers.json");
  json peers = json::parse(file, nullptr, false);
  if (!peers.is_array()) throw Failed("Couldn't connect to bird.");
  std::vector<Words> rows;
  for (const json& peer : peers) {
    bool up = peer["greeted"];
    const char *state = up ? "up" : "start", *info = up ? "Established" : "Connect";
    rows.push_back({peer["address"], "node-to-node mesh", state, peer["since"], info});
  }
  table({"Peer address", "Peer type", "State", "Since", "Info"}, rows);
  std::cout << "\nIPv6 BGP status\nNo IPv6 address configured.\n" << std::endl;
}

void node(const Line& line) {
  auto option = [&](const char* name, const char* standard) {
    auto found = line.options.find(name);
    return found == line.options.end() ? std::string(standard) : found->second;
  };
  if (line.words.size() > 1) throw Failed("the stand-in of calicoctl does not know `node " + line.words[1] + "`");
  Words words = {"docker", "run", "--name=calico-node", "--privileged", "--net=host", "-e", "HOSTNAME=" + hostname(),
                 "-e", "IP=" + option("--ip", ""), "-e", "ETCD_AUTHORITY=" + Etcd().authority(), "-v",
                 option("--log-dir", "/var/log/calico") + ":/var/log/calico", "-v", "/var/run/calico:/var/run/calico"};
  if (option("--detach", "true") == "true") words.insert(words.begin() + 2, {"-d", "--restart=always"});
  words.push_back(option("--node-image", "calico/node:v" VERSION));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  throw Failed("docker cannot be run");
}

}  // namespace standin
