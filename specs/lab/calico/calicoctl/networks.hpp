// Docker's networks: a profile is called by the id of its network, and people call it by the name.
#pragma once

#include "profile.hpp"

namespace standin {

// The names of Docker's networks by their ids; none where there is no Docker to ask.
std::map<std::string, std::string> network_names();

// The profile that is called so, or that belongs to the network that is called so.
std::optional<Profile> profile_called(const Etcd& etcd, const std::string& name);

}  // namespace standin
