// The hosts of the cluster and their addresses.
#pragma once

#include <map>
#include <string>

#include "etcd.hpp"

namespace standin {

// The addresses by which nodes registered their hosts, by the hosts' names.
std::map<std::string, std::string> addresses_of_hosts(const Etcd& etcd);
// Has the others know a host by an address.
void put_address_of_host(const Etcd& etcd, const std::string& host, const std::string& address);

// The address of this host: the one that its node registered, else the first that it has for the outside.
std::string own_address(const Etcd& etcd, const std::string& host);

}  // namespace standin
