#include "groups.hpp"

namespace standin {

namespace {

// The group that lets everyone in.
const std::string open_group = "public";

}  // namespace

std::vector<std::string> profiles_of_task(const Etcd& etcd, const std::string& hostname, const std::string& address,
                                          const std::vector<std::string>& groups) {
  Profile host = profile_of_host("default_" + hostname, address);
  create_profile(etcd, host);
  std::vector<std::string> names = {host.name};
  for (const std::string& group : groups) {
    Profile profile = group == open_group ? open_profile(group) : closed_profile("ng_" + group);
    create_profile(etcd, profile);
    names.push_back(profile.name);
  }
  return names;
}

}  // namespace standin
