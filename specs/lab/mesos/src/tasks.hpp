#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "launcher.hpp"
#include "task.hpp"

namespace standin {

// The tasks of an agent: launched, watched, ended, found again after a restart.
class Tasks {
 public:
  // `changed` is called, on any thread and without a lock, when there is something new to report.
  Tasks(const Flags& flags, const Modules& modules, std::string host_address, nlohmann::json resources,
        std::function<void()> changed);
  ~Tasks();
  Tasks(const Tasks&) = delete;

  // Takes up what earlier agents have left: the tasks of the one with this id, which go on; those of others, whose time
  // is over, are ended.
  void recover(const std::string& agent);

  // Launches what a framework asks for. Returns why it cannot be done; nothing where it is being done.
  std::string launch(const nlohmann::json& request, const std::string& agent);
  // Ends a task; false where there is none with this id.
  bool kill(const std::string& id);

  // What a master is told: the tasks that there are (`tasks`) and those that are over (`ended`), until it has heard of
  // these.
  nlohmann::json report() const;
  void reported(const nlohmann::json& report);

  // For /state: frameworks with their executors and tasks.
  nlohmann::json frameworks() const;
  nlohmann::json used_resources() const;
  std::size_t running() const;

 private:
  using Known = std::map<std::string, std::shared_ptr<Task>>;

  void begin(std::shared_ptr<Task> task);
  void watch();
  // With the lock: takes up what a task's executor says. True where the task is over.
  bool look_at(Task& task);
  void end(const std::shared_ptr<Task>& task, const std::string& state, const std::string& message);
  nlohmann::json used() const;
  std::string lacks(const nlohmann::json& task) const;

  const Launcher launcher_;
  const std::string work_dir_, host_address_;
  const nlohmann::json resources_;
  const std::function<void()> tell_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool end_ = false;
  Known tasks_;
  std::deque<nlohmann::json> ended_;      // not yet reported
  std::deque<nlohmann::json> completed_;  // the last ones, for /state
  std::thread watcher_;
};

}  // namespace standin
