// What connects a container to its host.
#pragma once

#include "endpoint.hpp"
#include "netlink.hpp"

namespace standin {

// Gives an interface inside of a container its addresses, and the way out by the address of its host.
void set_inside(const Netlink& inside, const std::string& interface, const std::vector<std::string>& addresses,
                const std::string& gateway);

// The host's ways to the addresses of an endpoint of its own, and that it answers at the interface.
void put_ways(const Netlink& host, const Endpoint& endpoint);

}  // namespace standin
