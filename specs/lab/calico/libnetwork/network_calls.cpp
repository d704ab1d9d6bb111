#include "network_calls.hpp"

#include "endpoint.hpp"
#include "host.hpp"
#include "link.hpp"
#include "profile.hpp"
#include "wire.hpp"

namespace standin {

using nlohmann::json;

namespace {

const std::string orchestrator = "libnetwork";
// All containers have the same: nobody but their host ever sees it.
const std::string fixed_mac = "ee:ee:ee:ee:ee:ee";

// The endpoint that a call is about. Its workload is the network: Docker names the container only when it joins.
Endpoint endpoint_at(const json& args) {
  std::string id = args.at("EndpointID"), network = args.at("NetworkID");
  return {hostname(), orchestrator, network, id, interface_name("cali", id), fixed_mac, {network}, {}};
}

// The profile of a network has the network's id for its name; calicoctl knows it by the network's own.
json create_network(const Etcd& etcd, const json& args) {
  create_profile(etcd, closed_profile(args.at("NetworkID")));
  return json::object();
}

json delete_network(const Etcd& etcd, const json& args) {
  remove_profile(etcd, args.at("NetworkID"));
  return json::object();
}

json create_endpoint(const Etcd& etcd, const json& args) {
  Endpoint endpoint = endpoint_at(args);
  std::string address = args.at("Interface").value("Address", "");
  if (address.empty()) throw Failed("No address assigned for endpoint");
  endpoint.addresses = {address.substr(0, address.find('/'))};
  put_endpoint(etcd, endpoint);
  return {{"Interface", {{"MacAddress", fixed_mac}}}};
}

json delete_endpoint(const Etcd& etcd, const json& args) {
  remove_endpoint(etcd, endpoint_at(args));
  return json::object();
}

json join(const Etcd& etcd, const json& args) {
  Endpoint wanted = endpoint_at(args);
  for (const Endpoint& endpoint : endpoints_of(etcd, wanted.host, orchestrator, wanted.workload)) {
    if (endpoint.id != wanted.id) continue;
    // Docker moves it into the container and names it anew.
    std::string inside = interface_name("tmp", endpoint.id), gateway = own_address(etcd, endpoint.host);
    Netlink kernel;
    make_pair(kernel, endpoint.interface, kernel, inside, endpoint.mac);
    try {
      put_ways(kernel, endpoint);
    } catch (...) {
      remove_interface(kernel, endpoint.interface);
      throw;
    }
    json connected = {{"Destination", gateway + "/32"}, {"RouteType", 1}, {"NextHop", ""}};
    return {{"InterfaceName", {{"SrcName", inside}, {"DstPrefix", "cali"}}},
            {"Gateway", gateway},
            {"StaticRoutes", json::array({connected})}};
  }
  throw Failed("there is no endpoint " + wanted.id);
}

json leave(const Etcd&, const json& args) {
  remove_interface(Netlink(), endpoint_at(args).interface);
  return json::object();
}

json nothing(const Etcd&, const json&) { return json::object(); }

}  // namespace

const Calls& network_calls() {
  static const Calls calls = {
      {"GetCapabilities", [](const Etcd&, const json&) { return json{{"Scope", "global"}}; }},
      {"CreateNetwork", create_network},
      {"DeleteNetwork", delete_network},
      {"CreateEndpoint", create_endpoint},
      {"EndpointOperInfo", [](const Etcd&, const json&) { return json{{"Value", json::object()}}; }},
      {"DeleteEndpoint", delete_endpoint},
      {"Join", join},
      {"Leave", leave},
      {"DiscoverNew", nothing},
      {"DiscoverDelete", nothing},
  };
  return calls;
}

}  // namespace standin
