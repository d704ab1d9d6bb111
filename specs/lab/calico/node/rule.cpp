#include "rule.hpp"

#include <algorithm>
#include <optional>

#include "address.hpp"

namespace standin {

using nlohmann::json;

namespace {

// A part of a rule; nothing where the rule cannot fit, an empty text where it says nothing.
using Part = std::optional<std::string>;

bool is_byte(const json& value) { return value.is_number_unsigned() && value.get<unsigned long>() < 256; }

Part protocol_part(const json& rule) {
  if (!rule.contains("protocol")) return "";
  if (is_byte(rule["protocol"])) return "ip protocol " + rule["protocol"].dump() + " ";
  if (!rule["protocol"].is_string()) return std::nullopt;
  std::string name = rule["protocol"];
  static const std::set<std::string> known = {"tcp", "udp", "icmp", "sctp", "udplite"};
  if (known.count(name) == 0) return std::nullopt;
  return "ip protocol " + name + " ";
}

// `8000:8010`, `8000-8010` or a number.
Part port_text(const json& port) {
  std::string text = port.is_string() ? port.get<std::string>() : port.dump();
  std::replace(text.begin(), text.end(), ':', '-');
  auto port_of = [](const std::string& digits) {
    bool number = !digits.empty() && digits.size() < 6 && digits.find_first_not_of("0123456789") == std::string::npos;
    return number ? std::stoi(digits) : -1;
  };
  std::size_t dash = text.find('-');
  int first = port_of(text.substr(0, dash)), last = dash == std::string::npos ? first : port_of(text.substr(dash + 1));
  // nft would refuse all rules for the sake of one.
  return 0 <= first && first <= last && last <= 65535 ? Part(text) : std::nullopt;
}

Part ports_part(const json& rule, const std::string& side) {
  auto ports = rule.find(side + "_ports");
  if (ports == rule.end()) return "";
  std::string protocol = rule.value("protocol", "");
  if (protocol != "tcp" && protocol != "udp") return std::nullopt;
  std::set<std::string> members;
  for (const json& port : *ports) {
    auto text = port_text(port);
    if (!text) return std::nullopt;
    members.insert(*text);
  }
  if (members.empty()) return std::nullopt;
  return protocol + " " + (side == "src" ? "sport " : "dport ") + set_text(members) + " ";
}

Part net_part(const json& rule, const std::string& side) {
  auto net = rule.find(side + "_net");
  if (net == rule.end()) return "";
  auto network = Network::of(net->get<std::string>());
  if (!network) return std::nullopt;
  return "ip " + std::string(side == "src" ? "saddr " : "daddr ") + network->text() + " ";
}

Part tag_part(const json& rule, const std::string& side, const Tags& tags) {
  auto tag = rule.find(side + "_tag");
  if (tag == rule.end()) return "";
  auto members = tags.find(tag->get<std::string>());
  if (members == tags.end()) return std::nullopt;
  return "ip " + std::string(side == "src" ? "saddr " : "daddr ") + set_text(members->second) + " ";
}

Part type_part(const json& rule) {
  std::string text;
  for (const char* what : {"type", "code"}) {
    auto found = rule.find(std::string("icmp_") + what);
    if (found == rule.end()) continue;
    if (!is_byte(*found)) return std::nullopt;
    text += std::string("icmp ") + what + " " + found->dump() + " ";
  }
  return text;
}

}  // namespace

std::string set_text(const std::set<std::string>& members) {
  std::string text;
  for (const std::string& member : members) text += (text.empty() ? "{ " : ", ") + member;
  return text + " }";
}

std::string rule_text(const json& rule, const Tags& tags) {
  try {
    static const std::set<std::string> known = {"action",  "protocol", "src_tag",   "src_net",  "src_ports",
                                                "dst_tag", "dst_net",  "dst_ports", "icmp_type", "icmp_code"};
    for (const auto& [key, value] : rule.items()) {
      if (known.count(key) == 0) return "";
    }
    std::string action = rule.value("action", "allow");
    if (action != "allow" && action != "deny") return "";
    std::string text;
    for (const Part& part : {protocol_part(rule), tag_part(rule, "src", tags), net_part(rule, "src"),
                             ports_part(rule, "src"), tag_part(rule, "dst", tags), net_part(rule, "dst"),
                             ports_part(rule, "dst"), type_part(rule)}) {
      if (!part) return "";
      text += *part;
    }
    return text + (action == "allow" ? "accept" : "drop");
  } catch (const json::exception&) {
    return "";
  }
}

}  // namespace standin
