// Where a task of an app goes, and asking for it there.

#include <algorithm>

#include "constraints.hpp"
#include "definition.hpp"
#include "log.hpp"
#include "scheduler.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

bool has_room(const Offer& agent, const json& app, std::size_t ports) {
  constexpr double rounding = 1e-6;
  auto enough = [&](double there, const char* key) { return there + rounding >= app.value(key, 0.0); };
  return agent.active && enough(agent.cpus, "cpus") && enough(agent.mem, "mem") && enough(agent.disk, "disk") &&
         agent.ports.size() >= ports;
}

}  // namespace

std::vector<Offer*> Scheduler::candidates(const json& app, MesosState& state) {
  std::vector<Offer> of_tasks;
  std::map<std::string, int> counts;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const MarathonTask& task : ledger_.tasks()) {
      auto agent = state.agents.find(task.agent);
      if (task.app != app["id"] || !is_current(task, app) || agent == state.agents.end()) continue;
      of_tasks.push_back(agent->second);
      ++counts[task.agent];
    }
  }
  std::vector<Offer*> fitting;
  for (auto& [id, agent] : state.agents) {
    if (has_room(agent, app, count_ports(app)) &&
        meets_constraints(app.value("constraints", json::array()), agent, of_tasks, state.agents)) {
      fitting.push_back(&agent);
    }
  }
  // Tasks are spread over the agents.
  std::stable_sort(fitting.begin(), fitting.end(), [&](const Offer* a, const Offer* b) {
    return std::make_pair(counts[a->id], -a->cpus) < std::make_pair(counts[b->id], -b->cpus);
  });
  return fitting;
}

bool Scheduler::launch(const json& app, const std::vector<Offer*>& agents) {
  for (Offer* agent : agents) {
    MarathonTask task;
    task.id = new_task_id(app["id"]);
    task.app = app["id"];
    task.agent = agent->id;
    task.host = agent->hostname;
    task.state = "TASK_STAGING";
    task.version = app["version"];
    task.staged = task.changed = seconds_since_epoch();
    const auto ports = static_cast<long>(count_ports(app));
    task.ports.assign(agent->ports.begin(), agent->ports.begin() + ports);
    json request = {{"agent_id", agent->id}, {"task", task_definition(app, task.id, *agent, task.ports)}};
    request["framework"] = framework_;
    request["framework"]["id"] = *framework_id();
    std::string why;
    try {
      why = MesosMaster::launch(*agent, request);
    } catch (const std::runtime_error& failure) {
      why = failure.what();
    }
    if (!why.empty()) {
      refused(task, why);
      continue;
    }
    info() << "Launched task " << task.id << " on " << task.host;
    agent->cpus -= app.value("cpus", 0.0);
    agent->mem -= app.value("mem", 0.0);
    agent->disk -= app.value("disk", 0.0);
    agent->ports.erase(agent->ports.begin(), agent->ports.begin() + ports);
    std::lock_guard<std::mutex> lock(mutex_);
    ledger_.launched(task);
    return true;
  }
  return false;
}

void Scheduler::refused(const MarathonTask& task, const std::string& why) {
  warning() << "A task of " << task.app << " cannot be launched on " << task.host << ": " << why;
  MarathonTask failed = task;
  failed.state = "TASK_ERROR";
  failed.message = why;
  std::lock_guard<std::mutex> lock(mutex_);
  ledger_.failed(failed);
}

}  // namespace standin
