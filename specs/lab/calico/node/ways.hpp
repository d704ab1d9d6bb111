// The routes that a node keeps: to the containers of its host, and by the other hosts to theirs.
#pragma once

#include <string>

#include "route.hpp"
#include "state.hpp"

namespace standin {

// Makes what is missing and takes away what is no longer so. `before` are the routes from before the state was read: a
// way to an endpoint that is newer than the state is in neither.
void keep_ways(const Netlink& kernel, const std::vector<Route>& before, const State& state, const std::string& host);

}  // namespace standin
