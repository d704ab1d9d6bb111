#include "endpoint.hpp"

#include <algorithm>

namespace standin {

using nlohmann::json;

namespace {

const std::string workloads_folder = "/calico/v1/host";

std::string workload_key(const std::string& host, const std::string& orchestrator, const std::string& workload) {
  return workloads_folder + "/" + host + "/workload/" + orchestrator + "/" + workload;
}

std::string endpoint_key(const Endpoint& endpoint) {
  return workload_key(endpoint.host, endpoint.orchestrator, endpoint.workload) + "/endpoint/" + endpoint.id;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    std::size_t end = std::min(text.find('/', start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// `key` is what comes after the folder: HOST/workload/ORCHESTRATOR/WORKLOAD/endpoint/ID.
std::optional<Endpoint> parse_endpoint(const std::string& key, const std::string& text) {
  auto parts = split(key);
  json value = json::parse(text, nullptr, false);
  if (parts.size() != 6 || parts[1] != "workload" || parts[4] != "endpoint" || !value.is_object()) return std::nullopt;
  Endpoint endpoint{parts[0], parts[2], parts[3], parts[5], value.value("name", ""), "", {}, {}};
  if (value.contains("mac") && value["mac"].is_string()) endpoint.mac = value["mac"];
  for (const json& profile : value.value("profile_ids", json::array())) endpoint.profiles.push_back(profile);
  for (const json& net : value.value("ipv4_nets", json::array())) {
    std::string address = net;
    endpoint.addresses.push_back(address.substr(0, address.find('/')));
  }
  return endpoint;
}

std::vector<Endpoint> endpoints_below(const Etcd& etcd, const std::string& start) {
  std::vector<Endpoint> all;
  std::string inner = start.size() > workloads_folder.size() ? start.substr(workloads_folder.size() + 1) + "/" : "";
  for (const auto& [key, value] : etcd.below(start)) {
    if (auto endpoint = parse_endpoint(inner + key, value)) all.push_back(*endpoint);
  }
  return all;
}

}  // namespace

std::string interface_name(const std::string& prefix, const std::string& id) { return prefix + id.substr(0, 11); }

std::vector<Endpoint> endpoints(const Etcd& etcd) { return endpoints_below(etcd, workloads_folder); }

std::vector<Endpoint> endpoints_of(const Etcd& etcd, const std::string& host, const std::string& orchestrator,
                                   const std::string& workload) {
  return endpoints_below(etcd, workload_key(host, orchestrator, workload));
}

void put_endpoint(const Etcd& etcd, const Endpoint& endpoint) {
  json nets = json::array();
  for (const std::string& address : endpoint.addresses) nets.push_back(address + "/32");
  json value = {{"state", "active"},
                {"name", endpoint.interface},
                {"mac", endpoint.mac},
                {"profile_ids", endpoint.profiles},
                {"labels", json::object()},
                {"ipv4_nets", nets},
                {"ipv6_nets", json::array()}};
  etcd.put(endpoint_key(endpoint), value.dump());
}

bool remove_endpoint(const Etcd& etcd, const Endpoint& endpoint) { return etcd.remove(endpoint_key(endpoint)); }

void remove_workload(const Etcd& etcd, const std::string& host, const std::string& orchestrator,
                     const std::string& workload) {
  etcd.remove(workload_key(host, orchestrator, workload));
}

}  // namespace standin
