#include "definition.hpp"

#include <algorithm>

#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

json or_else(const json& of, const char* key, json otherwise) {
  auto found = of.find(key);
  return found == of.end() || found->is_null() ? otherwise : *found;
}

json port_mappings(const json& app) {
  json docker = or_else(or_else(app, "container", json::object()), "docker", json::object());
  return or_else(docker, "portMappings", json::array());
}

// /a/b as b.a: what the task is called.
std::string host_form(const std::string& app) {
  std::string name;
  for (const std::string& part : split(app, '/')) name = part + (name.empty() ? "" : "." + name);
  return name;
}

std::string upper_name(std::string text) {
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::toupper(c)) : '_';
  return text;
}

json environment(const json& app, const std::string& id, const Offer& agent, const std::vector<int>& ports) {
  json all = or_else(app, "env", json::object());
  for (auto& value : all) {
    if (!value.is_string()) value = value.dump();
  }
  all["HOST"] = agent.hostname;
  std::string list;
  json mappings = port_mappings(app);
  for (std::size_t index = 0; index < ports.size(); ++index) {
    std::string port = std::to_string(ports[index]);
    list += (list.empty() ? "" : ",") + port;
    all["PORT" + std::to_string(index)] = port;
    int inside = index < mappings.size() ? mappings[index].value("containerPort", 0) : ports[index];
    all["PORT_" + std::to_string(inside)] = port;
  }
  if (!ports.empty()) all["PORT"] = std::to_string(ports[0]);
  if (!ports.empty()) all["PORTS"] = list;
  all["MESOS_TASK_ID"] = id;
  all["MARATHON_APP_ID"] = app["id"];
  all["MARATHON_APP_VERSION"] = app["version"];
  for (const char* key : {"cpus", "mem", "disk"}) {
    all["MARATHON_APP_RESOURCE_" + upper_name(key)] = or_else(app, key, 0.0).dump();
  }
  std::string image = app.value("/container/docker/image"_json_pointer, "");
  if (!image.empty()) all["MARATHON_APP_DOCKER_IMAGE"] = image;
  std::string names;
  const json labels = or_else(app, "labels", json::object());
  for (const auto& label : labels.items()) {
    if (!label.value().is_string()) continue;
    names += (names.empty() ? "" : " ") + upper_name(label.key());
    all["MARATHON_APP_LABEL_" + upper_name(label.key())] = label.value();
  }
  all["MARATHON_APP_LABELS"] = names;
  return all;
}

json as_labels(const json& labels) {
  json list = json::array();
  for (const auto& label : labels.items()) list.push_back({{"key", label.key()}, {"value", label.value()}});
  return list;
}

json network_infos(const json& app) {
  json address = or_else(app, "ipAddress", json());
  if (!address.is_object()) return json::array();
  json info = {{"ip_addresses", {{{"protocol", "IPv4"}}}},
               {"groups", or_else(address, "groups", json::array())},
               {"labels", {{"labels", as_labels(or_else(address, "labels", json::object()))}}}};
  if (address.contains("networkName")) info["name"] = address["networkName"];
  return json::array({info});
}

// Who finds the task, and with which ports. The version is the app's: so it can be told which tasks are of an old one.
json discovery(const json& app, const std::vector<int>& ports) {
  json list = json::array();
  for (int port : ports) list.push_back({{"number", port}, {"protocol", "tcp"}});
  if (ports.empty()) list = app.value("/ipAddress/discovery/ports"_json_pointer, json::array());
  return {{"visibility", "FRAMEWORK"},
          {"name", host_form(app["id"])},
          {"version", app["version"]},
          {"ports", {{"ports", list}}}};
}

}  // namespace

std::size_t count_ports(const json& app) {
  if (!or_else(app, "ipAddress", json()).is_null()) return 0;
  if (json mappings = port_mappings(app); !mappings.empty()) return mappings.size();
  for (const char* key : {"portDefinitions", "ports"}) {
    if (auto found = app.find(key); found != app.end() && found->is_array()) return found->size();
  }
  // An app that says nothing of ports has one.
  return 1;
}

std::string new_task_id(const std::string& app) {
  std::string name = app.substr(1);
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "." + random_id();
}

json task_definition(const json& app, const std::string& id, const Offer& agent, const std::vector<int>& ports) {
  json command = json::object();
  if (auto cmd = or_else(app, "cmd", ""); cmd != "") command["value"] = cmd;
  if (auto args = or_else(app, "args", json::array()); !args.empty()) command["arguments"] = args;
  json task = {{"id", id},
               {"name", host_form(app["id"])},
               {"command", command},
               {"environment", environment(app, id, agent, ports)},
               {"resources",
                {{"cpus", or_else(app, "cpus", 0.0)},
                 {"mem", or_else(app, "mem", 0.0)},
                 {"disk", or_else(app, "disk", 0.0)}}},
               {"ports", ports},
               {"labels", as_labels(or_else(app, "labels", json::object()))},
               {"network_infos", network_infos(app)},
               {"discovery", discovery(app, ports)}};
  if (auto container = or_else(app, "container", json()); container.is_object()) task["container"] = container;
  if (auto user = or_else(app, "user", ""); user != "") task["user"] = user;
  return task;
}

}  // namespace standin
