// What a master says of itself, its agents and its frameworks.

#include <algorithm>

#include <mesos/version.hpp>

#include "master.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

json Master::tasks() const {
  json all = json::array();
  for (const auto& [id, agent] : agents_) all.insert(all.end(), agent.tasks.begin(), agent.tasks.end());
  return all;
}

std::size_t Master::active_agents() const {
  return static_cast<std::size_t>(
      std::count_if(agents_.begin(), agents_.end(), [](const auto& entry) { return entry.second.active; }));
}

json Master::state() const {
  json slaves = json::array();
  for (const auto& [id, agent] : agents_) {
    slaves.push_back({
        {"id", id},
        {"pid", agent.info["pid"]},
        {"hostname", agent.info["hostname"]},
        {"version", agent.info["version"]},
        {"attributes", agent.info.value("attributes", json::object())},
        {"resources", agent.info.value("resources", json::object())},
        {"used_resources", agent.used},
        {"registered_time", agent.registered_time},
        {"active", agent.active},
    });
  }
  json state = {
      {"version", MESOS_VERSION},
      {"build", "stand-in"},
      {"id", id_},
      {"pid", identity_.pid("master")},
      {"hostname", identity_.hostname},
      {"start_time", started_},
      {"activated_slaves", active_agents()},
      {"deactivated_slaves", agents_.size() - active_agents()},
      {"slaves", slaves},
      {"completed_frameworks", json::array()},
      {"flags", flags_.values()},
  };
  frameworks_.describe(state, tasks());
  if (auto cluster = flags_.get("cluster")) state["cluster"] = *cluster;
  if (auto folder = flags_.get("log_dir")) state["log_dir"] = *folder;
  if (leader_) state["leader"] = leader_->value("pid", "");
  if (leads() && elected_time_) state["elected_time"] = *elected_time_;
  return state;
}

json Master::metrics() const {
  json metrics = {
      {"master/elected", leads() ? 1.0 : 0.0},
      {"master/uptime_secs", seconds_since_epoch() - started_},
      {"master/slaves_active", active_agents()},
      {"master/slaves_connected", active_agents()},
      {"master/slaves_inactive", agents_.size() - active_agents()},
      {"master/slave_registrations", registrations_},
      {"master/slave_reregistrations", reregistrations_},
      {"master/slave_removals", removals_},
  };
  std::size_t running = 0, staging = 0;
  for (const json& task : tasks()) ++(task.value("state", "") == "TASK_RUNNING" ? running : staging);
  metrics["master/tasks_running"] = running;
  metrics["master/tasks_staging"] = staging;
  frameworks_.measure(metrics);
  // Only once the registry was read, by the elected master.
  if (leads() && recovered_) metrics["registrar/registry_size_bytes"] = 451.0;
  return metrics;
}

}  // namespace standin
