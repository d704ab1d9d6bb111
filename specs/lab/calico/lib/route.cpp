#include "route.hpp"

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

#include "address.hpp"

namespace standin {

namespace {

Request request_of(std::uint16_t type, std::uint16_t flags, const Route& route) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = static_cast<unsigned char>(route.bits);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = route.maker;
  head.rtm_scope = route.gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  head.rtm_type = RTN_UNICAST;
  Request request(type, flags);
  request.part(head);
  if (route.bits > 0) request.address(RTA_DST, route.to);
  if (route.gateway != 0) request.address(RTA_GATEWAY, route.gateway);
  if (route.interface != 0) request.number(RTA_OIF, static_cast<std::uint32_t>(route.interface));
  return request;
}

std::string name_of(const Route& route) {
  return "the route to " + text_of(route.to) + "/" + std::to_string(route.bits);
}

}  // namespace

std::vector<Route> routes(const Netlink& kernel) {
  std::vector<Route> found;
  rtmsg wanted{};
  wanted.rtm_family = AF_INET;
  kernel.each(Request(RTM_GETROUTE, NLM_F_DUMP).part(wanted), [&](const nlmsghdr& message) {
    const auto* head = static_cast<const rtmsg*>(NLMSG_DATA(&message));
    if (head->rtm_table != RT_TABLE_MAIN || head->rtm_type != RTN_UNICAST) return;
    Route route;
    route.bits = head->rtm_dst_len;
    route.maker = head->rtm_protocol;
    int left = static_cast<int>(RTM_PAYLOAD(&message));
    for (const rtattr* part = RTM_RTA(head); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
      std::uint32_t number = 0;
      if (RTA_PAYLOAD(part) == sizeof number) std::memcpy(&number, RTA_DATA(part), sizeof number);
      if (part->rta_type == RTA_DST) route.to = ntohl(number);
      if (part->rta_type == RTA_GATEWAY) route.gateway = ntohl(number);
      if (part->rta_type == RTA_OIF) route.interface = static_cast<int>(number);
    }
    found.push_back(route);
  });
  return found;
}

void put_route(const Netlink& kernel, const Route& route) {
  kernel.ask(request_of(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route), "cannot make " + name_of(route));
}

void remove_route(const Netlink& kernel, const Route& route) {
  try {
    kernel.ask(request_of(RTM_DELROUTE, 0, route), "cannot take away " + name_of(route));
  } catch (const Refused& refused) {
    // It went with its interface meanwhile.
    if (refused.number != ESRCH) throw;
  }
}

}  // namespace standin
