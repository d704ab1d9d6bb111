// Endpoints: the interfaces of containers, each with its host, its addresses and its profiles.
#pragma once

#include <string>
#include <vector>

#include "etcd.hpp"

namespace standin {

struct Endpoint {
  std::string host, orchestrator, workload, id;
  // Its interface on the host.
  std::string interface;
  std::string mac;
  std::vector<std::string> profiles;
  // Without prefix lengths: each is a network of one.
  std::vector<std::string> addresses;
};

// The name of an endpoint's interface: as much of its id as an interface's name has room for.
std::string interface_name(const std::string& prefix, const std::string& id);

// All endpoints of all hosts.
std::vector<Endpoint> endpoints(const Etcd& etcd);
// Those of one workload.
std::vector<Endpoint> endpoints_of(const Etcd& etcd, const std::string& host, const std::string& orchestrator,
                                   const std::string& workload);
void put_endpoint(const Etcd& etcd, const Endpoint& endpoint);
bool remove_endpoint(const Etcd& etcd, const Endpoint& endpoint);
// Takes away a workload with all of its endpoints.
void remove_workload(const Etcd& etcd, const std::string& host, const std::string& orchestrator,
                     const std::string& workload);

}  // namespace standin
