// calicoctl's commands about pools, profiles and this host's node.

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "profile.hpp"

using nlohmann::json;

namespace {

using Words = std::vector<std::string>;

// The words of a command line that are no options, and the options among them.
struct Line {
  Words words;
  std::map<std::string, std::string> options;

  bool has(const std::string& option) const { return options.count(option) > 0; }
};

Line split(int argc, char** argv) {
  Line line;
  for (const std::string& word : Words(argv + 1, argv + argc)) {
    std::size_t equals = word.find('=');
    if (word.compare(0, 2, "--") != 0) {
      line.words.push_back(word);
    } else {
      line.options[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
  }
  return line;
}

std::string hostname() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return variable("HOSTNAME", name);
}

struct Network {
  std::uint32_t first;
  std::uint32_t last;

  static Network of(const std::string& cidr) {
    std::size_t slash = cidr.find('/');
    in_addr address{};
    char* end = nullptr;
    long bits = slash == std::string::npos ? -1 : std::strtol(cidr.c_str() + slash + 1, &end, 10);
    if (bits < 0 || bits > 32 || *end != '\0' || inet_pton(AF_INET, cidr.substr(0, slash).c_str(), &address) != 1) {
      throw Failed("Invalid CIDR specified " + cidr);
    }
    // Calico hands out blocks of 64 addresses.
    if (bits > 26) throw Failed("An IPv4 pool must have a prefix length of 26 or lower.\nGiven: " + cidr);
    std::uint32_t mask = bits == 0 ? 0 : ~0U << (32 - bits);
    std::uint32_t first = ntohl(address.s_addr) & mask;
    return {first, first | ~mask};
  }
};

void table(const Words& heads, const std::vector<Words>& rows) {
  std::vector<std::size_t> widths(heads.size());
  for (std::size_t i = 0; i < heads.size(); ++i) {
    widths[i] = heads[i].size();
    for (const Words& row : rows) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string rule = "+";
  for (std::size_t width : widths) rule += std::string(width + 2, '-') + "+";
  auto show = [&](const Words& row) {
    std::cout << "|";
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::size_t space = widths[i] - row[i].size();
      std::cout << ' ' << std::string(space / 2, ' ') << row[i] << std::string(space - space / 2, ' ') << " |";
    }
    std::cout << "\n";
  };
  std::cout << rule << "\n";
  show(heads);
  std::cout << rule << "\n";
  for (const Words& row : rows) show(row);
  std::cout << rule << std::endl;
}

void pool(const Line& line) {
  Etcd etcd;
  std::string verb = line.words.size() > 1 ? line.words[1] : "";
  if (verb == "show") {
    std::vector<Words> rows;
    for (const auto& [key, value] : etcd.below("/calico/v1/ipam/v4/pool")) {
      json pool = json::parse(value);
      std::string options = pool.contains("ipip") ? "ipip" : "";
      if (pool.value("masquerade", false)) options += std::string(options.empty() ? "" : ",") + "nat-outgoing";
      rows.push_back({pool["cidr"], options});
    }
    table({"IPv4 CIDR", "Options"}, rows);
    return;
  }
  if (line.words.size() < 3 || (verb != "add" && verb != "remove")) throw Failed("Usage: calicoctl pool (add|remove) <CIDRS>... | show");
  for (const std::string& cidr : Words(line.words.begin() + 2, line.words.end())) {
    Network wanted = Network::of(cidr);
    if (verb == "remove") {
      if (!etcd.remove(pool_key(cidr))) throw Failed(cidr + " is not a configured pool.");
      std::cout << "Deleted IP Pool" << std::endl;
      continue;
    }
    for (const auto& [key, value] : etcd.below("/calico/v1/ipam/v4/pool")) {
      std::string other = json::parse(value)["cidr"];
      Network there = Network::of(other);
      if (other != cidr && there.first <= wanted.last && wanted.first <= there.last) {
        throw Failed("Cannot add IP pool " + cidr + " - pool overlaps with an existing pool " + other);
      }
    }
    etcd.put(pool_key(cidr), pool_of(cidr, line.has("--ipip"), line.has("--nat-outgoing")).dump());
  }
}

// `from tag web cidr 10.0.0.0/8 ports 80,443`, up to `to` or the end.
void side(const Words& words, std::size_t& at, const std::string& prefix, json& rule) {
  while (at + 1 < words.size() && words[at] != "to" && words[at] != "from") {
    const std::string& kind = words[at];
    const std::string& value = words[at + 1];
    if (kind == "tag") {
      rule[prefix + "_tag"] = value;
    } else if (kind == "cidr" || kind == "net") {
      rule[prefix + "_net"] = value;
    } else if (kind == "ports") {
      json ports = json::array();
      for (std::size_t start = 0; start <= value.size();) {
        std::size_t end = std::min(value.find(',', start), value.size());
        std::string port = value.substr(start, end - start);
        bool is_range = port.find_first_not_of("0123456789") != std::string::npos;
        ports.push_back(is_range ? json(port) : json(std::stoi(port)));
        start = end + 1;
      }
      rule[prefix + "_ports"] = ports;
    } else {
      throw Failed("unknown part of a rule: " + kind);
    }
    at += 2;
  }
}

json rule_of(const Words& words) {
  json rule;
  std::size_t at = 0;
  if (words.empty() || (words[0] != "allow" && words[0] != "deny")) throw Failed("a rule begins with allow or deny");
  rule["action"] = words[at++];
  if (at < words.size() && (words[at] == "tcp" || words[at] == "udp" || words[at] == "icmp")) rule["protocol"] = words[at++];
  while (at < words.size()) {
    std::string word = words[at++];
    if (word != "from" && word != "to") throw Failed("unknown part of a rule: " + word);
    side(words, at, word == "from" ? "src" : "dst", rule);
  }
  return rule;
}

void rules(const Etcd& etcd, const std::string& name, const Words& words) {
  json all = json::parse(*etcd.get(profile_key(name) + "/rules"));
  if (words.size() == 1 && words[0] == "json") {
    std::cout << all.dump(2) << std::endl;
  } else if (words.size() == 1 && words[0] == "show") {
    for (const char* way : {"inbound", "outbound"}) {
      std::cout << (*way == 'i' ? "Inbound" : "Outbound") << " rules:\n";
      int number = 1;
      for (const json& rule : all[std::string(way) + "_rules"]) std::cout << "   " << number++ << " " << rule.dump() << "\n";
    }
    std::cout << std::flush;
  } else if (words.size() > 2 && words[0] == "add" && (words[1] == "inbound" || words[1] == "outbound")) {
    all[words[1] + "_rules"].push_back(rule_of(Words(words.begin() + 2, words.end())));
    etcd.put(profile_key(name) + "/rules", all.dump());
  } else if (words.size() == 3 && words[0] == "remove" && (words[1] == "inbound" || words[1] == "outbound")) {
    json& side = all[words[1] + "_rules"];
    std::size_t number = std::stoul(words[2].compare(0, 5, "--at=") == 0 ? words[2].substr(5) : words[2]);
    if (number < 1 || number > side.size()) throw Failed("there is no such rule");
    side.erase(number - 1);
    etcd.put(profile_key(name) + "/rules", all.dump());
  } else {
    throw Failed("Usage: calicoctl profile <PROFILE> rule add (inbound|outbound) … | rule remove … | rule show | rule json");
  }
}

void tags(const Etcd& etcd, const std::string& name, const Words& words) {
  json all = json::parse(*etcd.get(profile_key(name) + "/tags"));
  if (words.size() == 1 && words[0] == "show") {
    for (const json& tag : all) std::cout << tag.get<std::string>() << std::endl;
    return;
  }
  if (words.size() != 2 || (words[0] != "add" && words[0] != "remove")) throw Failed("Usage: calicoctl profile <PROFILE> tag (add|remove) <TAG>");
  all.erase(std::remove(all.begin(), all.end(), json(words[1])), all.end());
  if (words[0] == "add") all.push_back(words[1]);
  etcd.put(profile_key(name) + "/tags", all.dump());
}

void profile(const Line& line) {
  Etcd etcd;
  const Words& words = line.words;
  if (words.size() == 2 && words[1] == "show") {
    std::vector<Words> rows;
    for (const auto& [key, value] : etcd.below("/calico/v1/policy/profile")) {
      if (key.size() > 5 && key.substr(key.size() - 5) == "/tags") rows.push_back({key.substr(0, key.size() - 5)});
    }
    return table({"Name"}, rows);
  }
  if (words.size() < 3) throw Failed("Usage: calicoctl profile add|remove <PROFILES>... | show | <PROFILE> rule|tag …");
  if (words[1] == "add" || words[1] == "remove") {
    for (const std::string& name : Words(words.begin() + 2, words.end())) {
      bool exists = etcd.get(profile_key(name) + "/tags").has_value();
      if (words[1] == "remove") {
        if (!etcd.remove(profile_key(name))) throw Failed("Couldn't find profile with name " + name);
        std::cout << "Deleted profile " << name << std::endl;
      } else if (exists) {
        std::cout << "Profile " << name << " already exists." << std::endl;
      } else {
        create_profile(etcd, name);
        std::cout << "Created profile " << name << std::endl;
      }
    }
    return;
  }
  if (!etcd.get(profile_key(words[1]) + "/rules")) throw Failed("Profile " + words[1] + " not found.");
  Words rest(words.begin() + 3, words.end());
  if (words[2] == "rule") return rules(etcd, words[1], rest);
  if (words[2] == "tag") return tags(etcd, words[1], rest);
  throw Failed("the stand-in of calicoctl does not know `profile " + words[1] + " " + words[2] + "`");
}

void status() {
  if (std::system("docker ps --filter name=calico-node --format 'calico-node container is running. Status: {{.Status}}' | grep .") != 0) {
    throw Failed("calico-node container not running");
  }
  std::cout << "Running felix version none (stand-in " VERSION ")\n\nIPv4 BGP status\n";
  Etcd etcd;
  std::string host = "/calico/bgp/v1/host/" + hostname();
  std::cout << "IP: " << etcd.get(host + "/ip_addr_v4").value_or("unknown")
            << "    AS Number: " << etcd.get("/calico/bgp/v1/global/as_num").value_or("unknown") << " (inherited)\n";
  std::ifstream file("/var/run/calico/stand-in-peers.json");
  json peers = json::parse(file, nullptr, false);
  if (!peers.is_array()) throw Failed("Couldn't connect to bird.");
  std::vector<Words> rows;
  for (const json& peer : peers) {
    bool up = peer["greeted"];
    rows.push_back({peer["address"], "node-to-node mesh", up ? "up" : "start", peer["since"], up ? "Established" : "Connect"});
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

}  // namespace

int main(int argc, char** argv) {
  Line line = split(argc, argv);
  std::string command = line.words.empty() ? "" : line.words[0];
  try {
    if (command == "version" || line.has("--version")) {
      std::cout << "calicoctl " VERSION " (stand-in: nothing moves a packet)" << std::endl;
    } else if (command == "pool") {
      pool(line);
    } else if (command == "profile") {
      profile(line);
    } else if (command == "status") {
      status();
    } else if (command == "node") {
      node(line);
    } else {
      throw Failed("the stand-in of calicoctl knows `pool`, `profile`, `status`, `node` and `version`, not `" + command + "`");
    }
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
  return 0;
}
