#pragma once

#include <string>
#include <vector>

namespace standin {

// Where a run of a task is kept, as Mesos lays it out below the work folder.
struct RunPlace {
  std::string agent, framework, task, container;

  // What the task sees: stdout, stderr and what it writes.
  std::string sandbox(const std::string& work_dir) const;
  // What the agent notes of it, beside the agent's own.
  std::string meta(const std::string& work_dir) const;
  // Makes both folders, and the link `latest` beside the sandbox. Throws a Mistake or std::runtime_error.
  void make(const std::string& work_dir) const;
};

// Those that agents with this work folder have noted and not yet forgotten.
std::vector<RunPlace> find_runs(const std::string& work_dir);
// Forgets what was noted of a run; the sandbox stays.
void forget_run(const std::string& work_dir, const RunPlace& place);

}  // namespace standin
