// Pairs of interfaces: one end on the host, the other in a container.
#pragma once

#include <string>

#include "netlink.hpp"

namespace standin {

// The number of an interface; 0 where there is none of the name.
int interface_number(const Netlink& kernel, const std::string& name);

// Makes a pair and sets the host's end up. The other end is made in the namespace of `inside`, by this name and, unless
// it is empty, this hardware address.
void make_pair(const Netlink& host, const std::string& name, const Netlink& inside, const std::string& other,
               const std::string& mac);

// Takes an interface away, with its other end. Whether there was one.
bool remove_interface(const Netlink& kernel, const std::string& name);

void set_up(const Netlink& kernel, const std::string& name);
void add_address(const Netlink& kernel, const std::string& name, const std::string& address);

// The hardware address of an interface.
std::string mac_of(const Netlink& kernel, const std::string& name);

// Has the host answer for everybody at its end of a pair, as Felix does.
void answer_for_all(const std::string& name);

}  // namespace standin
