// What is told of the tasks of an agent.

#include "tasks.hpp"

namespace standin {

using nlohmann::json;

json Tasks::used_resources() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return used();
}

std::size_t Tasks::running() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, task] : tasks_) count += task->state == "TASK_RUNNING" ? 1 : 0;
  return count;
}

json Tasks::report() const {
  std::lock_guard<std::mutex> lock(mutex_);
  json report = {{"tasks", json::array()}, {"ended", ended_}, {"used_resources", used()}};
  for (const auto& [id, task] : tasks_) report["tasks"].push_back(task->describe(host_address_));
  return report;
}

// They are told in order, so those that were told are the first ones.
void Tasks::reported(const json& report) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (std::size_t told = report["ended"].size(); told > 0 && !ended_.empty(); --told) ended_.pop_front();
}

json Tasks::frameworks() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::map<std::string, json> all;
  auto add = [&](const json& framework, json task, const RunPlace* place) {
    json& shown = all[framework.value("id", "")];
    if (shown.is_null()) {
      shown = framework;
      shown["executors"] = shown["completed_executors"] = json::array();
    }
    json executor = {{"id", task["id"]}, {"name", "Command Executor"}, {"source", task["id"]}};
    if (place != nullptr) {
      executor["container"] = place->container;
      executor["directory"] = place->sandbox(work_dir_);
    }
    executor[place != nullptr ? "tasks" : "completed_tasks"] = json::array({task});
    shown[place != nullptr ? "executors" : "completed_executors"].push_back(executor);
  };
  for (const auto& [id, task] : tasks_) add(task->record["framework"], task->describe(host_address_), &task->place);
  for (json task : completed_) {
    json framework = task["framework"];
    task.erase("framework");
    add(framework, task, nullptr);
  }
  json list = json::array();
  for (auto& [id, framework] : all) list.push_back(framework);
  return list;
}

}  // namespace standin
