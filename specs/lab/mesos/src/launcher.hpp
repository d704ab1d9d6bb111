#pragma once

#include <functional>
#include <string>

#include "flags.hpp"
#include "network.hpp"
#include "task.hpp"

namespace standin {

// Brings a task from its definition to a process, and clears up after it.
class Launcher {
 public:
  Launcher(const Flags& flags, const Modules& modules);

  // Why no task can be launched that is defined so; empty where it can.
  std::string refusal(const nlohmann::json& task) const;
  // Decides what the task runs in, and makes its folders.
  void place(Task& task) const;

  // The steps of a launch. `note` is called with what must be kept before the next step, `wanted` says whether the task
  // is still wanted. Returns whether it was launched; throws std::runtime_error with what the task fails with.
  using Note = std::function<void(const std::function<void(Task&)>&)>;
  bool launch(const Task& placed, const Note& note, const std::function<bool()>& wanted) const;

  // Takes back what was made for a task that is over. What goes wrong is logged.
  void clear(const Task& task) const;
  // Ends what runs of a task, at once.
  void kill_all(const Task& task) const;

 private:
  ProcessId spawn(const Task& task, int& socket) const;

  const Flags& flags_;
  Network network_;
  const std::string work_dir_, executor_;
};

}  // namespace standin
