#include "wire.hpp"

#include "address.hpp"
#include "link.hpp"
#include "route.hpp"

namespace standin {

void set_inside(const Netlink& inside, const std::string& interface, const std::vector<std::string>& addresses,
                const std::string& gateway) {
  set_up(inside, "lo");
  set_up(inside, interface);
  for (const std::string& address : addresses) add_address(inside, interface, address);
  Route host, everywhere;
  host.to = everywhere.gateway = address_of(gateway).value();
  host.interface = everywhere.interface = interface_number(inside, interface);
  everywhere.bits = 0;
  // The host answers for its address at its end of the pair, though it has the address elsewhere.
  put_route(inside, host);
  put_route(inside, everywhere);
}

void put_ways(const Netlink& host, const Endpoint& endpoint) {
  Route way;
  way.interface = interface_number(host, endpoint.interface);
  if (way.interface == 0) throw Failed("there is no interface " + endpoint.interface);
  answer_for_all(endpoint.interface);
  for (const std::string& address : endpoint.addresses) {
    way.to = address_of(address).value();
    put_route(host, way);
  }
}

}  // namespace standin
