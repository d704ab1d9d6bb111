// Profiles: the groups that containers are in, and what may reach them and what they may reach.
#pragma once

#include <string>
#include <vector>

#include "etcd.hpp"

namespace standin {

using Rules = std::vector<nlohmann::json>;

struct Profile {
  std::string name;
  std::vector<std::string> tags;
  Rules inbound, outbound;
};

// A new profile's usual rules: it lets those with its own tag in, and everything out.
Profile closed_profile(const std::string& name);
// It lets everyone in, and everything out.
Profile open_profile(const std::string& name);
// It lets one address in, and out to it.
Profile profile_of_host(const std::string& name, const std::string& address);

std::vector<Profile> profiles(const Etcd& etcd);
// The profile of this name; nothing where there is none.
std::optional<Profile> profile_at(const Etcd& etcd, const std::string& name);
void put_profile(const Etcd& etcd, const Profile& profile);
// Makes it unless there is one of its name. Of several who try, one succeeds, and its rules are there before its tags.
void create_profile(const Etcd& etcd, const Profile& profile);
// Whether there was one.
bool remove_profile(const Etcd& etcd, const std::string& name);

}  // namespace standin
