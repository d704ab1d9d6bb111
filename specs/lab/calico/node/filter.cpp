#include "filter.hpp"

#include <algorithm>

#include "rule.hpp"

namespace standin {

namespace {

const std::string table = "ip calico";

Tags tags_of(const State& state) {
  Tags tags;
  for (const Endpoint& endpoint : state.endpoints) {
    for (const std::string& name : endpoint.profiles) {
      auto profile = state.profiles.find(name);
      if (profile == state.profiles.end()) continue;
      for (const std::string& tag : profile->second.tags) {
        tags[tag].insert(endpoint.addresses.begin(), endpoint.addresses.end());
      }
    }
  }
  for (auto tag = tags.begin(); tag != tags.end();) tag = tag->second.empty() ? tags.erase(tag) : std::next(tag);
  return tags;
}

std::string chain(const std::string& name, const std::string& lines) {
  return "  chain " + name + " {\n" + lines + "  }\n";
}

// Names of profiles are other people's: a comment says which it is.
std::string comment(const std::string& text) {
  std::string safe = text.substr(0, 120);
  auto unsafe = [](unsigned char c) { return c < ' ' || c > '~' || c == '"' || c == '\\'; };
  std::replace_if(safe.begin(), safe.end(), unsafe, '?');
  return " comment \"" + safe + "\"";
}

std::string base(const std::string& hook, int priority) {
  return "    type filter hook " + hook + " priority " + std::to_string(priority) + "; policy accept;\n";
}

// The chains of this host's endpoints, and which of them packets take, by interface.
struct Chains {
  std::string text, from, to;
};

Chains chains_of(const State& state, const std::string& host) {
  Chains chains;
  std::map<std::string, std::size_t> numbers;
  for (const Endpoint& endpoint : state.endpoints) {
    std::string name = endpoint.interface;
    bool good = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos && name.size() > 4;
    if (endpoint.host != host || !good || endpoint.addresses.empty()) continue;
    std::set<std::string> own(endpoint.addresses.begin(), endpoint.addresses.end());
    // Nobody speaks for another.
    std::string from = "    ip saddr != " + set_text(own) + " drop\n", to;
    for (const std::string& profile : endpoint.profiles) {
      if (state.profiles.count(profile) == 0) continue;
      std::string number = std::to_string(numbers.emplace(profile, numbers.size()).first->second);
      from += "    jump profile-" + number + "-out" + comment(profile) + "\n";
      to += "    jump profile-" + number + "-in" + comment(profile) + "\n";
    }
    chains.text += chain("from-" + name, from + "    drop\n") + chain("to-" + name, to + "    drop\n");
    chains.from += "    iifname " + name + " goto from-" + name + "\n";
    chains.to += "    oifname " + name + " goto to-" + name + "\n";
  }
  Tags tags = tags_of(state);
  std::string profiles;
  for (const auto& [profile, number] : numbers) {
    auto lines = [&](const Rules& rules) {
      std::string all;
      for (const auto& rule : rules) {
        std::string text = rule_text(rule, tags);
        if (!text.empty()) all += "    " + text + "\n";
      }
      return all;
    };
    std::string name = "profile-" + std::to_string(number);
    profiles += chain(name + "-in", lines(state.profiles.at(profile).inbound));
    profiles += chain(name + "-out", lines(state.profiles.at(profile).outbound));
  }
  chains.text = profiles + chains.text;
  return chains;
}

std::string masquerade(const State& state) {
  std::set<std::string> all, masked;
  for (const Pool& pool : state.pools) {
    all.insert(pool.network.text());
    if (pool.nat_outgoing) masked.insert(pool.network.text());
  }
  if (masked.empty()) return "";
  return chain("outgoing", "    type nat hook postrouting priority 100; policy accept;\n    ip saddr " +
                               set_text(masked) + " ip daddr != " + set_text(all) + " masquerade\n");
}

}  // namespace

std::string filter_text(const State& state, const std::string& host) {
  Chains chains = chains_of(state, host);
  std::string known = "    ct state established,related accept\n";
  // What comes from a container and what goes to one are looked at one after the other: `accept` ends one look only.
  // What the host itself sends is not looked at.
  std::string from = "    iifname != \"cali*\" accept\n" + known + chains.from + "    drop\n";
  std::string to = "    oifname != \"cali*\" accept\n" + known + chains.to + "    drop\n";
  // Of a table that is not there, nothing can be deleted.
  return "table " + table + "\ndelete table " + table + "\ntable " + table + " {\n" + chains.text +
         chain("from-forwarded", base("forward", 0) + from) + chain("to-forwarded", base("forward", 1) + to) +
         chain("from-to-host", base("input", 0) + from) + masquerade(state) + "}\n";
}

}  // namespace standin
