#include "commands.hpp"

#include "addresses.hpp"
#include "arguments.hpp"
#include "endpoint.hpp"
#include "groups.hpp"
#include "host.hpp"
#include "identity.hpp"
#include "link.hpp"
#include "wire.hpp"

namespace standin {

using nlohmann::json;

namespace {

const std::string orchestrator = "mesos";
const std::string inside_name = "eth0";

// Makes the interfaces and what belongs to them. The endpoint is told before there is a way to it: the node takes away
// ways to what it knows nothing of.
void connect(const Etcd& etcd, Endpoint& endpoint, long pid) {
  Netlink host, inside(pid);
  make_pair(host, endpoint.interface, inside, inside_name, "");
  try {
    set_inside(inside, inside_name, endpoint.addresses, own_address(etcd, endpoint.host));
    endpoint.mac = mac_of(inside, inside_name);
    put_endpoint(etcd, endpoint);
    put_ways(host, endpoint);
  } catch (...) {
    remove_interface(host, endpoint.interface);
    throw;
  }
}

}  // namespace

json allocate(const json& args) {
  text_at(args, "hostname");
  check_labels(args);
  std::string uid = text_at(args, "uid");
  if (count_at(args, "num_ipv6") > 0) throw Failed("the stand-in has no IPv6 addresses");
  auto count = static_cast<std::size_t>(count_at(args, "num_ipv4"));
  Etcd etcd;
  auto given = Addresses(etcd, kernel_hostname()).take(pools(etcd), count, uid);
  return {{"ipv4", given}, {"ipv6", json::array()}};
}

json reserve(const json& args) {
  text_at(args, "hostname");
  std::string uid = text_at(args, "uid");
  auto addresses = addresses_at(args);
  Etcd etcd;
  Addresses(etcd, kernel_hostname()).reserve(addresses, uid);
  return json::object();
}

json isolate(const json& args) {
  std::string hostname = text_at(args, "hostname"), container = text_at(args, "container_id");
  check_labels(args);
  auto pid = args.find("pid");
  if (pid == args.end() || !pid->is_number_integer()) throw Failed("Missing pid");
  auto addresses = addresses_at(args);
  auto groups = texts_at(args, "netgroups");

  Etcd etcd;
  std::string host = kernel_hostname();
  if (!endpoints_of(etcd, host, orchestrator, container).empty()) {
    throw Failed("This container has already been configured with Calico Networking.");
  }
  for (const std::string& address : addresses) {
    if (!Addresses(etcd, host).taken(address)) throw Failed("the address " + address + " was not given out");
  }
  std::string id = new_id();
  Endpoint endpoint{host, orchestrator, container, id, interface_name("cali", id), "", {}, addresses};
  endpoint.profiles = profiles_of_task(etcd, hostname, own_address(etcd, host), groups);
  try {
    connect(etcd, endpoint, pid->get<long>());
  } catch (...) {
    remove_workload(etcd, host, orchestrator, container);
    throw;
  }
  return json::object();
}

json release(const json& args) {
  bool by_uid = args.contains("uid"), by_address = args.contains("ips");
  if (by_uid == by_address) {
    throw Failed(by_uid ? "Supply either uid or ips, not both." : "Must supply either uid or ips.");
  }
  Etcd etcd;
  Addresses addresses(etcd, kernel_hostname());
  if (by_uid) {
    addresses.release_handle(text_at(args, "uid"));
  } else {
    addresses.release(texts_at(args, "ips"));
  }
  return json::object();
}

json cleanup(const json& args) {
  text_at(args, "hostname");
  std::string container = text_at(args, "container_id");
  Etcd etcd;
  std::string host = kernel_hostname();
  auto found = endpoints_of(etcd, host, orchestrator, container);
  if (found.empty()) throw Failed("No endpoint found with container-id: " + container);
  Netlink kernel;
  for (const Endpoint& endpoint : found) remove_interface(kernel, endpoint.interface);
  remove_workload(etcd, host, orchestrator, container);
  // Others may have them once nothing leads here any longer.
  for (const Endpoint& endpoint : found) Addresses(etcd, host).release(endpoint.addresses);
  return json::object();
}

}  // namespace standin
