// What Calico keeps of a profile: a group of containers and what may reach them.
#pragma once

#include "etcd.hpp"

inline std::string profile_key(const std::string& name) { return "/calico/v1/policy/profile/" + name; }

// A new profile lets its own members in and everything out.
inline void create_profile(const Etcd& etcd, const std::string& name) {
  using nlohmann::json;
  json rules = {{"id", name},
                {"inbound_rules", {{{"action", "allow"}, {"src_tag", name}}}},
                {"outbound_rules", {{{"action", "allow"}}}}};
  etcd.put(profile_key(name) + "/tags", json::array({name}).dump());
  etcd.put(profile_key(name) + "/rules", rules.dump());
}

inline std::string pool_key(std::string cidr) {
  std::size_t slash = cidr.find('/');
  if (slash != std::string::npos) cidr[slash] = '-';
  return "/calico/v1/ipam/v4/pool/" + cidr;
}

inline nlohmann::json pool_of(const std::string& cidr, bool ipip, bool nat_outgoing) {
  nlohmann::json pool = {{"cidr", cidr}};
  if (ipip) pool["ipip"] = "tunl0";
  if (nat_outgoing) pool["masquerade"] = true;
  return pool;
}
