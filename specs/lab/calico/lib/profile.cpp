#include "profile.hpp"

namespace standin {

using nlohmann::json;

namespace {

const std::string profile_folder = "/calico/v1/policy/profile";

const json allow_all = {{"action", "allow"}};

std::string profile_key(const std::string& name) { return profile_folder + "/" + name; }

std::string rules_of(const Profile& profile) {
  return json{{"id", profile.name}, {"inbound_rules", profile.inbound}, {"outbound_rules", profile.outbound}}.dump();
}

// What is damaged is as if it were not there: nothing is let through.
void parse_rules(const std::string& text, Profile& profile) {
  json rules = json::parse(text, nullptr, false);
  if (!rules.is_object()) return;
  for (const json& rule : rules.value("inbound_rules", json::array())) profile.inbound.push_back(rule);
  for (const json& rule : rules.value("outbound_rules", json::array())) profile.outbound.push_back(rule);
}

void parse_tags(const std::string& text, Profile& profile) {
  json tags = json::parse(text, nullptr, false);
  for (const json& tag : tags.is_array() ? tags : json::array()) {
    if (tag.is_string()) profile.tags.push_back(tag);
  }
}

}  // namespace

Profile closed_profile(const std::string& name) {
  json own = {{"action", "allow"}, {"src_tag", name}};
  return {name, {name}, Rules(1, own), Rules(1, allow_all)};
}

Profile open_profile(const std::string& name) { return {name, {name}, Rules(1, allow_all), Rules(1, allow_all)}; }

Profile profile_of_host(const std::string& name, const std::string& address) {
  json from = {{"action", "allow"}, {"src_net", address + "/32"}};
  json to = {{"action", "allow"}, {"dst_net", address + "/32"}};
  return {name, {name}, Rules(1, from), Rules(1, to)};
}

std::vector<Profile> profiles(const Etcd& etcd) {
  std::map<std::string, Profile> found;
  for (const auto& [key, value] : etcd.below(profile_folder)) {
    std::size_t slash = key.rfind('/');
    if (slash == std::string::npos) continue;
    Profile& profile = found[key.substr(0, slash)];
    profile.name = key.substr(0, slash);
    std::string kind = key.substr(slash + 1);
    if (kind == "rules") parse_rules(value, profile);
    if (kind == "tags") parse_tags(value, profile);
  }
  std::vector<Profile> all;
  for (auto& [name, profile] : found) all.push_back(profile);
  return all;
}

std::optional<Profile> profile_at(const Etcd& etcd, const std::string& name) {
  auto tags = etcd.get(profile_key(name) + "/tags"), rules = etcd.get(profile_key(name) + "/rules");
  if (!tags || !rules) return std::nullopt;
  Profile profile{name, {}, {}, {}};
  parse_tags(*tags, profile);
  parse_rules(*rules, profile);
  return profile;
}

void put_profile(const Etcd& etcd, const Profile& profile) {
  etcd.put(profile_key(profile.name) + "/rules", rules_of(profile));
  etcd.put(profile_key(profile.name) + "/tags", json(profile.tags).dump());
}

void create_profile(const Etcd& etcd, const Profile& profile) {
  etcd.create(profile_key(profile.name) + "/rules", rules_of(profile));
  etcd.create(profile_key(profile.name) + "/tags", json(profile.tags).dump());
}

bool remove_profile(const Etcd& etcd, const std::string& name) { return etcd.remove(profile_key(name)); }

}  // namespace standin
