#include "link.hpp"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "address.hpp"

namespace standin {

namespace {

// What is known of an interface.
struct Seen {
  int number = 0;
  std::string mac;
};

Seen look(const Netlink& kernel, const std::string& name) {
  Seen seen;
  kernel.each(Request(RTM_GETLINK, NLM_F_DUMP).part(ifinfomsg{}), [&](const nlmsghdr& message) {
    const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
    int left = static_cast<int>(IFLA_PAYLOAD(&message));
    std::string called, mac;
    for (const rtattr* part = IFLA_RTA(link); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
      const auto* data = static_cast<const unsigned char*>(RTA_DATA(part));
      if (part->rta_type == IFLA_IFNAME) called = reinterpret_cast<const char*>(data);
      if (part->rta_type == IFLA_ADDRESS && RTA_PAYLOAD(part) == 6) {
        char text[18];
        std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", data[0], data[1], data[2], data[3], data[4],
                      data[5]);
        mac = text;
      }
    }
    if (called == name) seen = {link->ifi_index, mac};
  });
  return seen;
}

std::array<unsigned char, 6> bytes_of(const std::string& mac) {
  std::array<unsigned, 6> read{};
  std::sscanf(mac.c_str(), "%x:%x:%x:%x:%x:%x", &read[0], &read[1], &read[2], &read[3], &read[4], &read[5]);
  std::array<unsigned char, 6> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(read[i]);
  return bytes;
}

int number_of(const Netlink& kernel, const std::string& name) {
  int number = interface_number(kernel, name);
  if (number == 0) throw Failed("there is no interface " + name);
  return number;
}

}  // namespace

int interface_number(const Netlink& kernel, const std::string& name) { return look(kernel, name).number; }

std::string mac_of(const Netlink& kernel, const std::string& name) { return look(kernel, name).mac; }

void make_pair(const Netlink& host, const std::string& name, const Netlink& inside, const std::string& other,
               const std::string& mac) {
  Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg up{};
  up.ifi_flags = up.ifi_change = IFF_UP;
  request.part(up).text(IFLA_IFNAME, name);
  std::size_t info = request.open(IFLA_LINKINFO);
  request.text(IFLA_INFO_KIND, "veth");
  std::size_t data = request.open(IFLA_INFO_DATA), peer = request.open(VETH_INFO_PEER);
  request.part(ifinfomsg{}).text(IFLA_IFNAME, other).number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(inside.space()));
  if (!mac.empty()) request.attribute(IFLA_ADDRESS, bytes_of(mac).data(), 6);
  request.close(peer);
  request.close(data);
  request.close(info);
  host.ask(request, "cannot make the interfaces " + name + " and " + other);
}

bool remove_interface(const Netlink& kernel, const std::string& name) {
  ifinfomsg link{};
  link.ifi_index = interface_number(kernel, name);
  if (link.ifi_index == 0) return false;
  try {
    kernel.ask(Request(RTM_DELLINK, 0).part(link), "cannot take away the interface " + name);
  } catch (const Refused& refused) {
    // It went with its container meanwhile.
    if (refused.number != ENODEV) throw;
  }
  return true;
}

void set_up(const Netlink& kernel, const std::string& name) {
  ifinfomsg link{};
  link.ifi_index = number_of(kernel, name);
  link.ifi_flags = link.ifi_change = IFF_UP;
  kernel.ask(Request(RTM_NEWLINK, 0).part(link), "cannot set up the interface " + name);
}

void add_address(const Netlink& kernel, const std::string& name, const std::string& address) {
  ifaddrmsg own{};
  own.ifa_family = AF_INET;
  own.ifa_prefixlen = 32;
  own.ifa_index = static_cast<std::uint32_t>(number_of(kernel, name));
  std::uint32_t number = address_of(address).value();
  Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  request.part(own).address(IFA_LOCAL, number).address(IFA_ADDRESS, number);
  kernel.ask(request, "cannot give " + name + " the address " + address);
}

void answer_for_all(const std::string& name) {
  std::ofstream("/proc/sys/net/ipv4/conf/" + name + "/proxy_arp") << 1 << std::endl;
}

}  // namespace standin
