#include "apps.hpp"

#include <regex>
#include <set>

#include "constraints.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

class Judge {
 public:
  explicit Judge(const json& app) : app_(app) {}

  Violations run() {
    id();
    for (const char* key : {"cpus", "mem", "disk"}) least(app_, key, std::string("/") + key, 0);
    least(app_, "instances", "/instances", 0, true);
    bool cmd = text(app_, "cmd", "/cmd");
    bool args = app_.contains("args") && app_["args"].is_array() && !app_["args"].empty();
    bool container = app_.contains("container") && app_["container"].is_object() && !app_["container"].empty();
    if (!((cmd != args) || (!cmd && !args && container))) {
      wrong("/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.");
    }
    if (container) this->container(app_["container"]);
    if (app_.contains("ipAddress") && !app_["ipAddress"].is_null()) ip_address(app_["ipAddress"]);
    constraints();
    for (const char* key : {"env", "labels"}) {
      if (app_.contains(key) && !app_[key].is_object()) wrong(std::string("/") + key, "must be an object");
    }
    return found_;
  }

 private:
  void wrong(const std::string& path, const std::string& why) { found_[path].push_back(why); }

  void id() {
    static const std::regex segment("(([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])|(\\.|\\.\\.)");
    if (!app_.contains("id") || !app_["id"].is_string()) return wrong("/id", "error.path.missing");
    auto parts = split(app_["id"].get<std::string>(), '/');
    if (parts.empty()) wrong("/id", "must not be empty");
    for (const auto& part : parts) {
      if (!std::regex_match(part, segment)) wrong("/id", "must fully match regular expression: '" + part + "' does not");
    }
  }

  void least(const json& of, const char* key, const std::string& path, double least, bool whole = false) {
    if (!of.contains(key)) return;
    if (!of[key].is_number() || (whole && !of[key].is_number_integer())) return wrong(path, "error.expected.jsnumber");
    if (of[key].get<double>() < least) wrong(path, "got " + of[key].dump() + ", expected 0 or more");
  }

  void constraints() {
    if (!app_.contains("constraints") || app_["constraints"].is_null()) return;
    if (!app_["constraints"].is_array()) return wrong("/constraints", "error.expected.jsarray");
    for (const json& constraint : app_["constraints"]) {
      if (auto mistake = constraint_mistake(constraint); !mistake.empty()) wrong("/constraints", mistake);
    }
  }

  // Whether there is a text that is not empty.
  bool text(const json& of, const char* key, const std::string& path) {
    if (!of.contains(key) || of[key].is_null()) return false;
    if (!of[key].is_string()) wrong(path, "error.expected.jsstring");
    return of[key].is_string() && !of[key].get<std::string>().empty();
  }

  void container(const json& container) {
    std::string type = container.contains("type") && container["type"].is_string() ? container["type"] : "";
    if (type != "DOCKER" && type != "MESOS") return wrong("/container/type", "must be one of DOCKER, MESOS");
    if (type == "MESOS") {
      // A MESOS container with an image came with Marathon 1.3.
      if (container.contains("docker")) wrong("/container/docker", "must be empty");
      return;
    }
    if (!container.contains("docker") || !container["docker"].is_object()) {
      return wrong("/container/docker", "not defined");
    }
    const json& docker = container["docker"];
    if (!text(docker, "image", "/container/docker/image")) wrong("/container/docker/image", "must not be empty");
    if (text(docker, "network", "/container/docker/network")) {
      // USER came with Marathon 1.2.
      static const std::set<std::string> networks = {"BRIDGE", "HOST", "NONE"};
      if (networks.count(docker["network"]) == 0) {
        wrong("/container/docker/network", "Unknown network " + docker["network"].dump() + ": BRIDGE, HOST or NONE");
      }
    }
    if (!docker.contains("parameters")) return;
    if (!docker["parameters"].is_array()) return wrong("/container/docker/parameters", "error.expected.jsarray");
    for (const json& parameter : docker["parameters"]) {
      for (const char* key : {"key", "value"}) {
        if (!parameter.is_object() || !parameter.contains(key) || !parameter[key].is_string()) {
          wrong("/container/docker/parameters", std::string("every one needs the text '") + key + "'");
        }
      }
    }
  }

  void ip_address(const json& address) {
    if (!address.is_object()) return wrong("/ipAddress", "error.expected.jsobject");
    for (const char* key : {"ports", "portDefinitions"}) {
      if (app_.contains(key) && !app_[key].empty()) wrong("/", "You cannot specify both an IP address and ports");
    }
    if (address.contains("groups")) {
      bool texts = address["groups"].is_array();
      for (const json& group : address["groups"]) texts = texts && group.is_string();
      if (!texts) wrong("/ipAddress/groups", "must be a list of texts");
    }
    json ports = address.value("/discovery/ports"_json_pointer, json::array());
    if (!ports.is_array()) return wrong("/ipAddress/discovery/ports", "error.expected.jsarray");
    static const std::regex name("[a-z][a-z0-9-]*");
    for (const json& port : ports) {
      std::string path = "/ipAddress/discovery/ports";
      if (!port.is_object()) {
        wrong(path, "error.expected.jsobject");
        continue;
      }
      if (!port.contains("number") || !port["number"].is_number_integer()) wrong(path, "every one needs a number");
      if (!port.contains("name") || !port["name"].is_string() || !std::regex_match(port["name"].get<std::string>(), name)) {
        wrong(path, "Port name must fully match regular expression [a-z][a-z0-9-]*");
      }
      std::string protocol = port.contains("protocol") && port["protocol"].is_string() ? port["protocol"] : "";
      if (protocol != "tcp" && protocol != "udp") wrong(path, "Invalid protocol. Only 'udp' or 'tcp' are allowed.");
    }
  }

  const json& app_;
  Violations found_;
};

}  // namespace

std::string absolute_id(const std::string& id) {
  std::string absolute;
  for (const std::string& part : split(id, '/')) absolute += "/" + part;
  return absolute;
}

Violations violations(const json& app) { return Judge(app).run(); }

namespace {

// What an app is but for how many tasks it has and when it was changed.
json without_scale(json app) {
  for (const char* key : {"instances", "version", "versionInfo"}) app.erase(key);
  return app;
}

}  // namespace

json with_defaults(json app, const std::string& version, const std::optional<json>& before) {
  app["id"] = absolute_id(app.value("id", ""));
  const json standard = {{"cpus", 1.0},           {"mem", 128.0},           {"disk", 0.0},
                         {"instances", 1},        {"env", json::object()},  {"labels", json::object()},
                         {"cmd", nullptr},        {"args", nullptr},        {"constraints", json::array()},
                         {"container", nullptr},  {"ipAddress", nullptr},   {"healthChecks", json::array()},
                         {"dependencies", json::array()}};
  for (const auto& item : standard.items()) {
    if (!app.contains(item.key())) app[item.key()] = item.value();
  }
  std::string changed = version;
  if (before && without_scale(app) == without_scale(*before)) {
    if (app["instances"] == (*before)["instances"]) return *before;
    changed = before->value("/versionInfo/lastConfigChangeAt"_json_pointer, before->value("version", version));
  }
  app["version"] = version;
  app["versionInfo"] = {{"lastScalingAt", version}, {"lastConfigChangeAt", changed}};
  return app;
}

}  // namespace standin
