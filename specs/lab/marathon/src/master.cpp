#include "master.hpp"

#include <algorithm>
#include <stdexcept>

#include "http.hpp"
#include "log.hpp"
#include "ranges.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

// The app of a task, from its id: /a/b of a_b.<uuid>. Ids of apps have no underscore.
std::string app_of(const std::string& task) {
  std::string app = "/" + task.substr(0, task.rfind('.'));
  std::replace(app.begin(), app.end(), '_', '/');
  return app;
}

Offer offer_of(const json& agent) {
  Offer offer;
  offer.id = agent.value("id", "");
  offer.hostname = agent.value("hostname", "");
  offer.attributes = agent.value("attributes", json::object());
  offer.active = agent.value("active", false);
  std::string pid = agent.value("pid", "");
  auto at = pid.find('@'), colon = pid.rfind(':');
  if (at != std::string::npos && colon != std::string::npos && colon > at) {
    offer.ip = pid.substr(at + 1, colon - at - 1);
    offer.port = static_cast<int>(parse_integer(pid.substr(colon + 1)).value_or(0));
  }
  json all = agent.value("resources", json::object()), used = agent.value("used_resources", json::object());
  auto left = [&](const char* key) { return all.value(key, 0.0) - used.value(key, 0.0); };
  offer.cpus = left("cpus");
  offer.mem = left("mem");
  offer.disk = left("disk");
  auto taken = parse_ranges(used.value("ports", ""));
  for (int port : parse_ranges(all.value("ports", ""))) {
    if (taken.count(port) == 0) offer.ports.push_back(port);
  }
  return offer;
}

json answered(const Response& response, const std::string& what) {
  if (response.status != 200) throw std::runtime_error(what + ": " + trim(response.body));
  json answer = json::parse(response.body, nullptr, false);
  if (!answer.is_object()) throw std::runtime_error(what + ": the answer is not JSON");
  return answer;
}

}  // namespace

MarathonTask MarathonTask::read(const json& json_task, const std::string& host) {
  MarathonTask task;
  task.id = json_task.value("id", "");
  task.app = app_of(task.id);
  task.agent = json_task.value("slave_id", "");
  task.host = host;
  task.state = json_task.value("state", "");
  task.version = json_task.value("/discovery/version"_json_pointer, "");
  // In the order in which the app has them; a task with an address of its own has none of the host's.
  bool has_ports = !parse_ranges(json_task.value("/resources/ports"_json_pointer, "")).empty();
  for (const json& port : json_task.value("/discovery/ports/ports"_json_pointer, json::array())) {
    if (has_ports) task.ports.push_back(port.value("number", 0));
  }
  for (const json& status : json_task.value("statuses", json::array())) {
    double time = status.value("timestamp", 0.0);
    std::string state = status.value("state", "");
    if (state == "TASK_STAGING") task.staged = time;
    if (state == "TASK_RUNNING") task.started = time;
    task.changed = time;
    task.message = status.value("message", "");
    task.addresses.clear();
    for (const json& info : status.value("/container_status/network_infos"_json_pointer, json::array())) {
      for (const json& address : info.value("ip_addresses", json::array())) {
        task.addresses.push_back(address.value("ip_address", ""));
      }
    }
  }
  return task;
}

void MesosMaster::see(const Masters& masters) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (leader_ == masters.leader) return;
  leader_ = masters.leader;
  info() << (leader_ ? "The leading master is " + leader_->value("pid", "") : "No master leads");
}

bool MesosMaster::known() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return leader_.has_value();
}

std::pair<std::string, int> MesosMaster::address() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!leader_) throw std::runtime_error("no master leads");
  return {leader_->value("/address/ip"_json_pointer, ""), leader_->value("/address/port"_json_pointer, 0)};
}

std::string MesosMaster::hear(const json& framework) const {
  auto [ip, port] = address();
  return answered(post(ip, port, "/stand-in/framework", framework), "registering with the master").value("id", "");
}

MesosState MesosMaster::state(const std::string& framework_id) const {
  auto [ip, port] = address();
  json told = answered(ask("GET", ip, port, "/state"), "the state of the master");
  MesosState state;
  state.elected_time = told.value("elected_time", 0.0);
  for (const json& agent : told.value("slaves", json::array())) {
    Offer offer = offer_of(agent);
    state.agents[offer.id] = offer;
  }
  for (const json& framework : told.value("frameworks", json::array())) {
    if (framework.value("id", "") != framework_id) continue;
    auto read_all = [&](const char* key, std::vector<MarathonTask>& into) {
      for (const json& task : framework.value(key, json::array())) {
        auto agent = state.agents.find(task.value("slave_id", ""));
        into.push_back(MarathonTask::read(task, agent == state.agents.end() ? "" : agent->second.hostname));
      }
    };
    read_all("tasks", state.tasks);
    read_all("completed_tasks", state.ended);
  }
  return state;
}

std::string MesosMaster::launch(const Offer& agent, const json& request) {
  Response response = post(agent.ip, agent.port, "/stand-in/launch", request);
  return response.status == 200 ? "" : trim(response.body);
}

void MesosMaster::kill(const Offer& agent, const std::string& task) {
  post(agent.ip, agent.port, "/stand-in/kill", {{"agent_id", agent.id}, {"task_id", task}});
}

}  // namespace standin
