#include "tasks.hpp"

#include <signal.h>

#include <chrono>

#include "log.hpp"
#include "ranges.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {
// So many tasks that are over are shown in /state.
constexpr std::size_t most_completed = 50;
constexpr auto between_looks = std::chrono::milliseconds(200);
}  // namespace

Tasks::Tasks(const Flags& flags, const Modules& modules, std::string host_address, json resources,
             std::function<void()> changed)
    : launcher_(flags, modules),
      work_dir_(flags.text("work_dir")),
      host_address_(std::move(host_address)),
      resources_(std::move(resources)),
      tell_(std::move(changed)) {
  watcher_ = std::thread([this] { watch(); });
}

Tasks::~Tasks() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    end_ = true;
  }
  wake_.notify_all();
  watcher_.join();
}

void Tasks::recover(const std::string& agent) {
  for (const RunPlace& place : find_runs(work_dir_)) {
    try {
      auto task = std::make_shared<Task>(Task::recovered(place, work_dir_));
      if (place.agent != agent) {
        warning() << "Ending task " << task->id() << " of the agent " << place.agent << ", which this one is no longer";
        launcher_.kill_all(*task);
        launcher_.clear(*task);
        continue;
      }
      std::lock_guard<std::mutex> lock(mutex_);
      tasks_[task->id()] = task;
      info() << "Recovered task " << task->id() << " in state " << task->state;
    } catch (const std::exception& failure) {
      warning() << "What was noted of task " << place.task << " is damaged: " << failure.what();
      forget_run(work_dir_, place);
    }
  }
}

std::string Tasks::launch(const json& request, const std::string& agent) {
  std::shared_ptr<Task> task;
  try {
    task = std::make_shared<Task>(Task::of(request, agent, work_dir_));
    if (task->id().empty() || task->id().find('/') != std::string::npos || task->place.framework.empty() ||
        task->place.framework.find('/') != std::string::npos) {
      return "an id is empty or has a slash in it";
    }
  } catch (const json::exception& broken) {
    return std::string("the task is not as it must be: ") + broken.what();
  }
  if (auto why = launcher_.refusal(request["task"]); !why.empty()) return why;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (tasks_.count(task->id()) != 0) return "there is a task with this id already";
    if (auto why = lacks(request["task"]); !why.empty()) return why;
    launcher_.place(*task);
    tasks_[task->id()] = task;
  }
  info() << "Launching task " << task->id() << " in container " << task->place.container;
  std::thread([this, task] { begin(task); }).detach();
  tell_();
  return "";
}

void Tasks::begin(std::shared_ptr<Task> task) {
  auto note = [&](const std::function<void(Task&)>& change) {
    std::lock_guard<std::mutex> lock(mutex_);
    change(*task);
    task->checkpoint(work_dir_);
  };
  auto wanted = [&] {
    std::lock_guard<std::mutex> lock(mutex_);
    return !task->killing;
  };
  Task placed;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    placed = *task;
  }
  std::string why;
  try {
    if (launcher_.launch(placed, note, wanted)) {
      // It may have been told to end between the last look and the word to go on.
      std::lock_guard<std::mutex> lock(mutex_);
      if (task->killing) task->executor.signal(SIGTERM);
      return;
    }
  } catch (const std::exception& failure) {
    why = failure.what();
  }
  bool killed = !wanted();
  end(task, killed ? "TASK_KILLED" : "TASK_FAILED",
      killed ? "It was ended before it ran" : "Failed to launch container: " + why);
}

bool Tasks::kill(const std::string& id) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = tasks_.find(id);
  if (found == tasks_.end()) return false;
  Task& task = *found->second;
  if (!task.killing) info() << "Ending task " << id;
  task.killing = true;
  if (task.started) task.executor.signal(SIGTERM);
  return true;
}

void Tasks::watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!wake_.wait_for(lock, between_looks, [this] { return end_; })) {
    std::vector<std::shared_ptr<Task>> over;
    bool news = false;
    for (auto& [id, task] : tasks_) {
      if (!task->started) continue;
      std::string before = task->state;
      if (look_at(*task)) over.push_back(task);
      news = news || task->state != before;
    }
    lock.unlock();
    for (const auto& task : over) end(task, task->state, task->message);
    if (news) tell_();
    lock.lock();
  }
}

bool Tasks::look_at(Task& task) {
  bool alive = task.executor.alive();
  task.follow(work_dir_);
  if (task.over()) return true;
  if (alive) return false;
  task.become(task.killing ? "TASK_KILLED" : "TASK_FAILED", "Its executor has ended");
  return true;
}

void Tasks::end(const std::shared_ptr<Task>& task, const std::string& state, const std::string& message) {
  launcher_.kill_all(*task);
  launcher_.clear(*task);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (tasks_.erase(task->id()) == 0) return;
    if (!task->over()) task->become(state, message);
    json described = task->describe(host_address_);
    ended_.push_back(described);
    described["framework"] = task->record["framework"];
    completed_.push_back(described);
    if (completed_.size() > most_completed) completed_.pop_front();
  }
  info() << "Task " << task->id() << " is over: " << state << (message.empty() ? "" : ", " + message);
  tell_();
}

json Tasks::used() const {
  double cpus = 0, mem = 0, disk = 0;
  std::set<int> ports;
  for (const auto& [id, task] : tasks_) {
    json resources = task->record["task"].value("resources", json::object());
    cpus += resources.value("cpus", 0.0);
    mem += resources.value("mem", 0.0);
    disk += resources.value("disk", 0.0);
    for (const json& port : task->record["task"].value("ports", json::array())) ports.insert(port.get<int>());
  }
  return {{"cpus", cpus}, {"mem", mem}, {"disk", disk}, {"ports", format_ranges(ports)}};
}

// With the lock: what there is too little of for a task.
std::string Tasks::lacks(const json& task) const {
  json taken = used(), asked = task.value("resources", json::object());
  for (const char* key : {"cpus", "mem", "disk"}) {
    // Sums of tenths are not exact.
    constexpr double rounding = 1e-6;
    if (taken.value(key, 0.0) + asked.value(key, 0.0) > resources_.value(key, 0.0) + rounding) {
      return std::string("there is too little of ") + key;
    }
  }
  auto had = parse_ranges(resources_.value("ports", "")), used_ports = parse_ranges(taken["ports"]);
  for (const json& port : task.value("ports", json::array())) {
    if (had.count(port.get<int>()) == 0 || used_ports.count(port.get<int>()) != 0) {
      return "the port " + port.dump() + " is not to be had";
    }
  }
  return "";
}

}  // namespace standin
