#include <algorithm>
#include <iostream>

#include "commands.hpp"
#include "networks.hpp"
#include "rule_words.hpp"

namespace standin {

using nlohmann::json;

namespace {

const std::string usage = "Usage: calicoctl profile add|remove <PROFILES>... | show | <PROFILE> rule|tag …";
const std::string rule_usage =
    "Usage: calicoctl profile <PROFILE> rule add (inbound|outbound) … | rule remove … | rule show | rule json";

// How a tag is called in etcd: by the id of the network, where it is one's name.
std::string tag_called(const Etcd& etcd, const std::string& name) {
  auto profile = profile_called(etcd, name);
  return profile ? profile->name : name;
}

json rule_with_tags(const Etcd& etcd, const Words& words) {
  json rule = rule_of(words);
  for (const char* key : {"src_tag", "dst_tag"}) {
    if (rule.contains(key)) rule[key] = tag_called(etcd, rule[key]);
  }
  return rule;
}

// For people: networks by their names.
void show_rules(const char* way, const Rules& rules, const std::map<std::string, std::string>& names) {
  std::cout << way << " rules:\n";
  int number = 1;
  for (json rule : rules) {
    for (const char* key : {"src_tag", "dst_tag"}) {
      auto name = rule.contains(key) ? names.find(rule[key]) : names.end();
      if (name != names.end()) rule[key] = name->second;
    }
    std::cout << "   " << number++ << " " << rule.dump() << "\n";
  }
}

std::size_t place_of(const Line& line, const Words& words) {
  auto at = line.options.find("--at");
  if (at == line.options.end() && words.size() != 3) throw Failed(rule_usage);
  std::string text = at == line.options.end() ? words[2] : at->second;
  bool is_number = !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) throw Failed(rule_usage);
  return std::stoul(text);
}

void rules(const Etcd& etcd, Profile profile, const Line& line, const Words& words) {
  if (words.size() == 1 && words[0] == "json") {
    json all = {{"id", profile.name}, {"inbound_rules", profile.inbound}, {"outbound_rules", profile.outbound}};
    std::cout << all.dump(2) << std::endl;
    return;
  }
  if (words.size() == 1 && words[0] == "show") {
    auto names = network_names();
    show_rules("Inbound", profile.inbound, names);
    show_rules("Outbound", profile.outbound, names);
    std::cout << std::flush;
    return;
  }
  if (words.size() < 2 || (words[1] != "inbound" && words[1] != "outbound")) throw Failed(rule_usage);
  Rules& side = words[1] == "inbound" ? profile.inbound : profile.outbound;
  if (words[0] == "add" && words.size() > 2) {
    json rule = rule_with_tags(etcd, Words(words.begin() + 2, words.end()));
    std::size_t place = line.has("--at") ? std::max<std::size_t>(place_of(line, words), 1) - 1 : side.size();
    side.insert(side.begin() + static_cast<std::ptrdiff_t>(std::min(place, side.size())), rule);
  } else if (words[0] == "remove" && words.size() > 2 && (words[2] == "allow" || words[2] == "deny")) {
    auto found = std::find(side.begin(), side.end(), rule_with_tags(etcd, Words(words.begin() + 2, words.end())));
    if (found == side.end()) throw Failed("there is no such rule");
    side.erase(found);
  } else if (words[0] == "remove") {
    std::size_t number = place_of(line, words);
    if (number < 1 || number > side.size()) throw Failed("there is no such rule");
    side.erase(side.begin() + static_cast<std::ptrdiff_t>(number - 1));
  } else {
    throw Failed(rule_usage);
  }
  put_profile(etcd, profile);
}

void tags(const Etcd& etcd, Profile profile, const Words& words) {
  if (words.size() == 1 && words[0] == "show") {
    for (const std::string& tag : profile.tags) std::cout << tag << std::endl;
    return;
  }
  if (words.size() != 2 || (words[0] != "add" && words[0] != "remove")) {
    throw Failed("Usage: calicoctl profile <PROFILE> tag (add|remove) <TAG>");
  }
  profile.tags.erase(std::remove(profile.tags.begin(), profile.tags.end(), words[1]), profile.tags.end());
  if (words[0] == "add") profile.tags.push_back(words[1]);
  put_profile(etcd, profile);
}

void show(const Etcd& etcd) {
  auto names = network_names();
  std::vector<Words> rows;
  for (const Profile& profile : profiles(etcd)) {
    auto name = names.find(profile.name);
    rows.push_back({name == names.end() ? profile.name : name->second});
  }
  table({"Name"}, rows);
}

void add_or_remove(const Etcd& etcd, bool remove, const Words& names) {
  for (const std::string& name : names) {
    if (remove) {
      if (!remove_profile(etcd, name)) throw Failed("Couldn't find profile with name " + name);
      std::cout << "Deleted profile " << name << std::endl;
    } else if (profile_at(etcd, name)) {
      std::cout << "Profile " << name << " already exists." << std::endl;
    } else {
      create_profile(etcd, closed_profile(name));
      std::cout << "Created profile " << name << std::endl;
    }
  }
}

}  // namespace

void profile(const Line& line) {
  Etcd etcd;
  const Words& words = line.words;
  if (words.size() == 2 && words[1] == "show") return show(etcd);
  if (words.size() < 3) throw Failed(usage);
  Words rest(words.begin() + 2, words.end());
  if (words[1] == "add" || words[1] == "remove") return add_or_remove(etcd, words[1] == "remove", rest);
  auto profile = profile_called(etcd, words[1]);
  if (!profile) throw Failed("Profile " + words[1] + " not found.");
  rest.erase(rest.begin());
  if (words[2] == "rule") return rules(etcd, *profile, line, rest);
  if (words[2] == "tag") return tags(etcd, *profile, rest);
  throw Failed("the stand-in of calicoctl does not know `profile " + words[1] + " " + words[2] + "`");
}

}  // namespace standin
