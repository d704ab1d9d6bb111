#include <algorithm>
#include <functional>

#include "marathon-lb.hpp"
#include "text.hpp"

namespace standin {

namespace {

using nlohmann::json;

bool is_served(const json& labels, const std::set<std::string>& groups) {
  if (groups.count("*") != 0) return true;
  // What is said of the first port comes before what is said of the app.
  const char* key = labels.contains("HAPROXY_0_GROUP") ? "HAPROXY_0_GROUP" : "HAPROXY_GROUP";
  auto of_app = split(labels.value(key, ""), ',');
  return std::any_of(of_app.begin(), of_app.end(), [&](const auto& group) { return groups.count(group) != 0; });
}

// The ports on which an app is found.
std::vector<int> service_ports(const json& app, const Options& options) {
  std::vector<int> ports;
  for (const json& port : app.value("portDefinitions", json::array())) {
    if (port.contains("port")) ports.push_back(port["port"].get<int>());
  }
  if (!ports.empty() || app.value("ipAddress", json()).is_null()) return ports;
  for (const json& port : app.value("/ipAddress/discovery/ports"_json_pointer, json::array())) {
    std::string name = app.value("id", "") + "-" + std::to_string(port.value("number", 0));
    std::size_t range = static_cast<std::size_t>(options.last_port - options.first_port + 1);
    ports.push_back(options.first_port + static_cast<int>(std::hash<std::string>{}(name) % range));
  }
  return ports;
}

// `server` lines: where the tasks behind the port at `index` are.
std::string servers(const json& app, std::size_t index) {
  std::string lines;
  bool own_address = !app.value("ipAddress", json()).is_null();
  for (const json& task : app.value("tasks", json::array())) {
    std::string address = own_address ? "" : task.value("host", "");
    int port = 0;
    if (own_address) {
      address = task.value("/ipAddresses/0/ipAddress"_json_pointer, "");
      port = app.value(json::json_pointer("/ipAddress/discovery/ports/" + std::to_string(index) + "/number"), 0);
    } else {
      port = task.value(json::json_pointer("/ports/" + std::to_string(index)), 0);
    }
    if (address.empty() || port == 0) continue;
    std::string name = address + "_" + std::to_string(port);
    std::replace(name.begin(), name.end(), '.', '_');
    lines += "  server " + name + " " + address + ":" + std::to_string(port) + "\n";
  }
  return lines;
}

}  // namespace

std::string configuration(const json& apps, const Options& options) {
  std::string frontends, backends;
  for (const json& app : apps.value("apps", json::array())) {
    if (!is_served(app.value("labels", json::object()), options.groups)) continue;
    auto ports = service_ports(app, options);
    for (std::size_t index = 0; index < ports.size(); ++index) {
      std::string behind = servers(app, index);
      if (behind.empty()) continue;
      std::string name = app.value("id", "/").substr(1) + "_" + std::to_string(ports[index]);
      std::replace(name.begin(), name.end(), '/', '_');
      frontends += "\nfrontend " + name + "\n  bind *:" + std::to_string(ports[index]) + "\n  use_backend " + name + "\n";
      backends += "\nbackend " + name + "\n  balance roundrobin\n" + behind;
    }
  }
  return frontends + backends;
}

}  // namespace standin
