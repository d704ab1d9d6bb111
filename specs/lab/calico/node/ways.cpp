#include "ways.hpp"

#include <net/if.h>

#include <iostream>
#include <set>

#include "address.hpp"
#include "wire.hpp"

namespace standin {

namespace {

// BIRD's number: these routes are what BGP would have told of.
constexpr unsigned char maker_of_remote = RTPROT_BIRD;

bool is_container(int interface) {
  char name[IF_NAMESIZE] = "";
  bool known = if_indextoname(static_cast<unsigned>(interface), name) != nullptr;
  return known && std::string(name).compare(0, 4, "cali") == 0;
}

// Tries, and says what is in the way: the other routes are not to suffer from it.
template <typename Work>
void attempt(const Work& work) {
  try {
    work();
  } catch (const Failed& failure) {
    std::cerr << failure.what() << std::endl;
  }
}

}  // namespace

void keep_ways(const Netlink& kernel, const std::vector<Route>& before, const State& state, const std::string& host) {
  std::map<std::uint32_t, const Route*> local, remote;
  for (const Route& route : before) {
    if (route.bits != 32) continue;
    if (route.maker == maker_of_remote) {
      remote[route.to] = &route;
    } else if (is_container(route.interface)) {
      local[route.to] = &route;
    }
  }
  std::set<std::uint32_t> wanted_local, wanted_remote;
  for (const Endpoint& endpoint : state.endpoints) {
    auto there = state.hosts.find(endpoint.host);
    auto gateway = there == state.hosts.end() ? std::nullopt : address_of(there->second);
    for (const std::string& text : endpoint.addresses) {
      auto to = address_of(text);
      if (!to) continue;
      if (endpoint.host == host) {
        wanted_local.insert(*to);
        if (local.count(*to) == 0 && if_nametoindex(endpoint.interface.c_str()) != 0) {
          attempt([&] { put_ways(kernel, endpoint); });
        }
      } else if (gateway) {
        wanted_remote.insert(*to);
        auto known = remote.find(*to);
        if (known != remote.end() && known->second->gateway == *gateway) continue;
        attempt([&] { put_route(kernel, {*to, 32, *gateway, 0, maker_of_remote}); });
      }
    }
  }
  for (const auto& [to, route] : local) {
    if (wanted_local.count(to) == 0) attempt([&, gone = route] { remove_route(kernel, *gone); });
  }
  for (const auto& [to, route] : remote) {
    if (wanted_remote.count(to) == 0) attempt([&, gone = route] { remove_route(kernel, *gone); });
  }
}

}  // namespace standin
