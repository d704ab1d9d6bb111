#include "ledger.hpp"

namespace standin {

namespace {
// An agent tells of a task that it was asked to launch much sooner.
constexpr auto patience_with_agent = std::chrono::seconds(5);
// By then a master has removed an agent that is silent.
constexpr auto patience_without_agent = std::chrono::seconds(80);
}  // namespace

void Ledger::launched(const MarathonTask& task) { known_[task.id] = {task, Clock::now()}; }

std::vector<MarathonTask> Ledger::take(const MesosState& state) {
  const auto now = Clock::now();
  for (const MarathonTask& task : state.tasks) known_[task.id] = {task, now};
  std::vector<MarathonTask> over;
  std::set<std::string> ended;
  for (const MarathonTask& task : state.ended) {
    ended.insert(task.id);
    bool fresh = ended_.count(task.id) == 0;
    auto known = known_.find(task.id);
    MarathonTask told = task;
    if (known != known_.end() && told.host.empty()) told.host = known->second.task.host;
    known_.erase(task.id);
    if (fresh && told.state != "TASK_KILLED" && told.state != "TASK_FINISHED") failures_[told.app] = told;
    if (fresh && primed_) over.push_back(told);
  }
  ended_ = std::move(ended);
  primed_ = true;
  for (auto entry = known_.begin(); entry != known_.end();) {
    auto agent = state.agents.find(entry->second.task.agent);
    bool there = agent != state.agents.end() && agent->second.active;
    bool gone = now - entry->second.seen > (there ? patience_with_agent : patience_without_agent);
    entry = gone ? known_.erase(entry) : std::next(entry);
  }
  return over;
}

std::vector<MarathonTask> Ledger::tasks() const {
  std::vector<MarathonTask> all;
  for (const auto& [id, known] : known_) all.push_back(known.task);
  return all;
}

}  // namespace standin
