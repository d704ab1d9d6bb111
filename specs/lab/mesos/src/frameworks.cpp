#include "frameworks.hpp"

#include <algorithm>

#include "log.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {
// A framework that is silent for so long is inactive; its tasks go on.
constexpr auto longest_silence_of_framework = std::chrono::seconds(10);
}  // namespace

bool Frameworks::Framework::active() const { return Clock::now() - heard < longest_silence_of_framework; }

std::string Frameworks::hear(const json& framework, const std::string& new_id) {
  std::string id = framework.value("id", "");
  if (id.empty()) id = new_id;
  auto known = frameworks_.find(id);
  double since = known == frameworks_.end() ? seconds_since_epoch() : known->second.registered_time;
  if (known == frameworks_.end() || !known->second.active()) {
    info() << "Registered framework " << id << " (" << framework.value("name", "") << ") at "
           << framework.value("hostname", "");
  }
  json noted = framework;
  noted["id"] = id;
  frameworks_[id] = {noted, since, Clock::now()};
  return id;
}

void Frameworks::complete(json task) {
  auto& completed = completed_[task.value("framework_id", "")];
  for (const json& known : completed) {
    if (known["id"] == task["id"]) return;
  }
  ++ended_[task.value("state", "")];
  completed.push_back(std::move(task));
  if (completed.size() > most_completed_) completed.pop_front();
}

void Frameworks::revive(const std::string& task) {
  for (auto& [framework, completed] : completed_) {
    auto is_it = [&](const json& known) { return known["id"] == task; };
    completed.erase(std::remove_if(completed.begin(), completed.end(), is_it), completed.end());
  }
}

void Frameworks::describe(json& state, const json& tasks) const {
  state["frameworks"] = state["orphan_tasks"] = state["unregistered_frameworks"] = json::array();
  std::map<std::string, json> of_frameworks;
  for (const json& task : tasks) {
    std::string id = task.value("framework_id", "");
    if (frameworks_.count(id) != 0) {
      of_frameworks[id].push_back(task);
      continue;
    }
    state["orphan_tasks"].push_back(task);
    json& unregistered = state["unregistered_frameworks"];
    if (std::find(unregistered.begin(), unregistered.end(), id) == unregistered.end()) unregistered.push_back(id);
  }
  for (const auto& [id, framework] : frameworks_) {
    auto completed = completed_.find(id);
    json shown = framework.info;
    shown["active"] = framework.active();
    shown["registered_time"] = framework.registered_time;
    shown["tasks"] = of_frameworks.count(id) != 0 ? of_frameworks[id] : json::array();
    shown["completed_tasks"] = json::array();
    if (completed != completed_.end()) shown["completed_tasks"] = completed->second;
    shown["executors"] = shown["offers"] = json::array();
    state["frameworks"].push_back(shown);
  }
}

void Frameworks::measure(json& metrics) const {
  auto active = std::count_if(frameworks_.begin(), frameworks_.end(),
                              [](const auto& framework) { return framework.second.active(); });
  metrics["master/frameworks_active"] = active;
  metrics["master/frameworks_inactive"] = static_cast<long>(frameworks_.size()) - active;
  for (const char* word : {"finished", "failed", "killed", "lost"}) {
    std::string state = std::string("TASK_") + word;
    std::transform(state.begin(), state.end(), state.begin(), [](unsigned char c) { return std::toupper(c); });
    auto count = ended_.find(state);
    metrics[std::string("master/tasks_") + word] = count == ended_.end() ? 0UL : count->second;
  }
}

}  // namespace standin
