// Routes of the kernel's main table.
#pragma once

#include <linux/rtnetlink.h>

#include <cstdint>
#include <vector>

#include "netlink.hpp"

namespace standin {

struct Route {
  // Where to: an address, or everywhere where `bits` is 0.
  std::uint32_t to = 0;
  int bits = 32;
  // By whom; 0 where it is reached by the interface itself.
  std::uint32_t gateway = 0;
  // The number of the interface; the kernel finds it by the gateway where it is 0.
  int interface = 0;
  // Who made it, by the kernel's numbers.
  unsigned char maker = RTPROT_BOOT;
};

// All routes of the main table.
std::vector<Route> routes(const Netlink& kernel);
// Has the kernel know a route, in place of another one to the same.
void put_route(const Netlink& kernel, const Route& route);
void remove_route(const Netlink& kernel, const Route& route);

}  // namespace standin
