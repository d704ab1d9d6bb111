#include "task.hpp"

#include "executor.hpp"
#include "ranges.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

Task Task::of(const json& request, const std::string& agent, const std::string& work_dir) {
  Task task;
  const json& asked = request.at("task");
  task.place = {agent, request.at("framework").at("id"), asked.at("id"), random_id()};
  task.changed = seconds_since_epoch();
  json environment = asked.value("environment", json::object());
  environment["MESOS_SLAVE_ID"] = agent;
  environment["MESOS_FRAMEWORK_ID"] = task.place.framework;
  environment["MESOS_EXECUTOR_ID"] = task.place.task;
  environment["MESOS_CONTAINER_NAME"] = "mesos-" + agent + "." + task.place.container;
  environment["MESOS_DIRECTORY"] = environment["MESOS_SANDBOX"] = task.place.sandbox(work_dir);
  task.record = {{"task", asked},
                 {"framework", request["framework"]},
                 {"environment", environment},
                 {"sandbox", task.place.sandbox(work_dir)},
                 {"container_name", environment["MESOS_CONTAINER_NAME"]},
                 {"addresses", json::array()},
                 {"staged", task.changed}};
  return task;
}

Task Task::recovered(const RunPlace& place, const std::string& work_dir) {
  Task task;
  task.place = place;
  task.record = json::parse(read_file(place.meta(work_dir) + task_file));
  task.executor = ProcessId::from(task.record.value("executor", json()));
  task.changed = task.record.value("staged", 0.0);
  task.started = true;
  task.follow(work_dir);
  return task;
}

void Task::become(const std::string& now, const std::string& why) {
  state = now;
  message = why;
  changed = seconds_since_epoch();
}

bool Task::follow(const std::string& work_dir) {
  json said;
  try {
    said = json::parse(read_file(place.meta(work_dir) + status_file), nullptr, false);
  } catch (const Mistake&) {
    return false;  // nothing yet
  }
  if (!said.is_object() || said == status) return false;
  status = said;
  state = said.value("state", state);
  message = said.value("message", "");
  changed = said.value("timestamp", changed);
  if (state == "TASK_RUNNING") record["addresses"] = said.value("addresses", json::array());
  return true;
}

void Task::checkpoint(const std::string& work_dir) const {
  json noted = record;
  noted["executor"] = executor.to_json();
  write_file(place.meta(work_dir) + task_file, noted.dump());
}

json Task::describe(const std::string& host_address) const {
  const json& asked = record["task"];
  json resources = asked.value("resources", json::object());
  std::set<int> ports;
  for (const json& port : asked.value("ports", json::array())) ports.insert(port.get<int>());
  resources["ports"] = format_ranges(ports);

  json addresses = json::array();
  for (const json& address : record["addresses"]) addresses.push_back({{"ip_address", address}});
  if (addresses.empty()) addresses.push_back({{"ip_address", host_address}});
  json network = {{"ip_addresses", addresses}, {"ip_address", addresses[0]["ip_address"]}};
  for (const json& info : asked.value("network_infos", json::array())) {
    for (const char* key : {"groups", "labels", "name"}) {
      if (info.contains(key)) network[key] = info[key];
    }
  }
  json statuses = json::array({{{"state", "TASK_STAGING"}, {"timestamp", record.value("staged", 0.0)}}});
  if (state != "TASK_STAGING") {
    json last = {{"state", state}, {"timestamp", changed}};
    if (!message.empty()) last["message"] = message;
    if (state == "TASK_RUNNING") last["container_status"] = {{"network_infos", json::array({network})}};
    statuses.push_back(last);
  }
  return {{"id", place.task},
          {"name", asked.value("name", place.task)},
          {"framework_id", place.framework},
          {"executor_id", ""},
          {"slave_id", place.agent},
          {"state", state},
          {"resources", resources},
          {"statuses", statuses},
          {"labels", asked.value("labels", json::array())},
          {"discovery", asked.value("discovery", json::object())}};
}

}  // namespace standin
