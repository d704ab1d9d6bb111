// What etcd says of the whole network, as a node needs it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "endpoint.hpp"
#include "pool.hpp"
#include "profile.hpp"

namespace standin {

struct State {
  std::map<std::string, std::string> hosts;
  std::vector<Endpoint> endpoints;
  std::map<std::string, Profile> profiles;
  std::vector<Pool> pools;
};

State read_state(const Etcd& etcd);

}  // namespace standin
