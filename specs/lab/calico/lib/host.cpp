#include "host.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <memory>

#include "address.hpp"

namespace standin {

namespace {

const std::string hosts_folder = "/calico/bgp/v1/host";
const std::string address_key = "/ip_addr_v4";

std::string first_address() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) throw Failed("the addresses of this host cannot be read");
  std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(all, freeifaddrs);
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    std::string name = one->ifa_name;
    bool of_containers = name.compare(0, 6, "docker") == 0 || name.compare(0, 4, "cali") == 0;
    bool inward = of_containers || (one->ifa_flags & IFF_LOOPBACK) != 0;
    if (inward || one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    return text_of(ntohl(reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr.s_addr));
  }
  throw Failed("this host has no address");
}

}  // namespace

std::map<std::string, std::string> addresses_of_hosts(const Etcd& etcd) {
  std::map<std::string, std::string> found;
  for (const auto& [key, value] : etcd.below(hosts_folder)) {
    std::size_t slash = key.find('/');
    if (slash != std::string::npos && key.substr(slash) == address_key) found[key.substr(0, slash)] = value;
  }
  return found;
}

void put_address_of_host(const Etcd& etcd, const std::string& host, const std::string& address) {
  etcd.put(hosts_folder + "/" + host + address_key, address);
}

std::string own_address(const Etcd& etcd, const std::string& host) {
  auto known = etcd.get(hosts_folder + "/" + host + address_key);
  return known ? *known : first_address();
}

}  // namespace standin
