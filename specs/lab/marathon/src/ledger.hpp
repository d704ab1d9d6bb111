#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "master.hpp"

namespace standin {

// The tasks that there are, by what the master says and what was launched since. A master that has just been elected
// knows the tasks of agents only once these have registered, so a task whose agent is not there is kept for a while.
class Ledger {
 public:
  void launched(const MarathonTask& task);
  // Takes up a master's state. Returns the tasks that are found to be over, each once; none the first time.
  std::vector<MarathonTask> take(const MesosState& state);

  std::vector<MarathonTask> tasks() const;
  // The last failure of an app's tasks, by app.
  const std::map<std::string, MarathonTask>& failures() const { return failures_; }
  void failed(const MarathonTask& task) { failures_[task.app] = task; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Known {
    MarathonTask task;
    Clock::time_point seen;
  };

  std::map<std::string, Known> known_;
  std::set<std::string> ended_;
  bool primed_ = false;
  std::map<std::string, MarathonTask> failures_;
};

}  // namespace standin
