#include "rule_words.hpp"

#include <algorithm>

#include "environment.hpp"

namespace standin {

using nlohmann::json;

namespace {

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
        if (port.empty() || port.size() > 11 || port.find_first_not_of("0123456789:-") != std::string::npos) {
          throw Failed("`" + port + "` is neither a port nor a range of ports");
        }
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

}  // namespace

json rule_of(const Words& words) {
  json rule;
  std::size_t at = 0;
  if (words.empty() || (words[0] != "allow" && words[0] != "deny")) throw Failed("a rule begins with allow or deny");
  rule["action"] = words[at++];
  bool has_protocol = at < words.size() && (words[at] == "tcp" || words[at] == "udp" || words[at] == "icmp");
  if (has_protocol) rule["protocol"] = words[at++];
  while (at < words.size()) {
    std::string word = words[at++];
    if (word != "from" && word != "to") throw Failed("unknown part of a rule: " + word);
    side(words, at, word == "from" ? "src" : "dst", rule);
  }
  return rule;
}

}  // namespace standin
