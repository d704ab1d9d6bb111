#include "scheduler.hpp"

#include <algorithm>

#include "log.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

constexpr auto between_looks = std::chrono::seconds(1);
// Agents register with a master that has just been elected within a few seconds; until then nobody knows their tasks.
constexpr double after_election = 8;

}  // namespace

std::vector<MarathonTask> Overview::of(const std::string& app) const {
  std::vector<MarathonTask> found;
  for (const MarathonTask& task : tasks) {
    if (task.app == app) found.push_back(task);
  }
  return found;
}

// Versions are times, written so that they sort.
bool is_current(const MarathonTask& task, const json& app) {
  return task.version >= app.value("/versionInfo/lastConfigChangeAt"_json_pointer, app.value("version", ""));
}

bool is_scaled(const json& app, const std::vector<MarathonTask>& tasks) {
  bool good = std::all_of(tasks.begin(), tasks.end(),
                          [&](const auto& task) { return task.running() && is_current(task, app); });
  return good && tasks.size() == app.value("instances", 1UL);
}

Scheduler::Scheduler(json framework, const Store& store) : framework_(std::move(framework)), store_(store) {
  thread_ = std::thread([this] { run(); });
}

Scheduler::~Scheduler() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    end_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Scheduler::see_master(const Masters& masters) {
  master_.see(masters);
  wake();
}

void Scheduler::lead(bool leads) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    leads_ = leads;
  }
  wake();
}

void Scheduler::wake() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

Overview Scheduler::look() {
  Overview overview;
  overview.apps = store_.all();
  auto id = framework_id();
  std::optional<MesosState> state;
  try {
    if (id && master_.known()) state = master_.state(*id);
  } catch (const std::runtime_error& failure) {
    warning() << failure.what();
  }
  std::lock_guard<std::mutex> lock(mutex_);
  // What is found to be over here is the scheduler's to take note of.
  Ledger seen = ledger_;
  if (state) seen.take(*state);
  if (!leads_) ledger_ = seen;
  overview.tasks = seen.tasks();
  overview.failures = seen.failures();
  for (const auto& [app_id, app] : overview.apps) overview.waits[app_id] = backoff_.left(app);
  return overview;
}

std::optional<std::string> Scheduler::framework_id() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (framework_id_) return framework_id_;
  }
  auto kept = store_.framework_id();
  std::lock_guard<std::mutex> lock(mutex_);
  if (kept) framework_id_ = kept;
  return framework_id_;
}

// The id goes to ZooKeeper, so that whoever leads next is the same framework.
std::string Scheduler::registered() {
  auto kept = framework_id();
  json framework = framework_;
  if (kept) framework["id"] = *kept;
  std::string id = master_.hear(framework);
  if (kept != id) {
    store_.keep_framework_id(id);
    std::lock_guard<std::mutex> lock(mutex_);
    framework_id_ = id;
    info() << "Registered as framework " << id;
  }
  return id;
}

void Scheduler::run() {
  std::string trouble;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!end_) {
    woken_ = false;
    bool acts = leads_;
    lock.unlock();
    if (acts && master_.known()) {
      try {
        schedule();
        trouble.clear();
      } catch (const std::exception& failure) {
        // Told once, and not each second.
        if (trouble != failure.what()) warning() << "Cannot look after the apps: " << failure.what();
        trouble = failure.what();
      }
    }
    lock.lock();
    changed_.wait_for(lock, between_looks, [this] { return end_ || woken_; });
  }
}

void Scheduler::schedule() {
  auto apps = store_.all();
  MesosState state = master_.state(registered());
  std::vector<MarathonTask> tasks;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const MarathonTask& task : ledger_.take(state)) {
      info() << "Task " << task.id << " is over: " << task.state << (task.message.empty() ? "" : ", " + task.message);
      auto app = apps.find(task.app);
      if (app != apps.end() && task.state != "TASK_KILLED") backoff_.ended(app->second, task.changed - task.staged);
    }
    tasks = ledger_.tasks();
  }
  for (const MarathonTask& task : tasks) {
    if (apps.count(task.app) == 0) kill(task, state, "its app was removed");
  }
  // An app that cannot be read is in nobody's way.
  std::string broken;
  for (const auto& [id, app] : apps) {
    try {
      scale(app, state);
    } catch (const json::exception& failure) {
      broken = id + ": " + failure.what();
    }
  }
  if (!broken.empty()) throw std::runtime_error(broken);
}

void Scheduler::scale(const json& app, MesosState& state) {
  std::vector<MarathonTask> current, old;
  std::size_t running = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const MarathonTask& task : ledger_.tasks()) {
      if (task.app != app["id"]) continue;
      (is_current(task, app) ? current : old).push_back(task);
    }
  }
  for (const MarathonTask& task : current) running += task.running() ? 1 : 0;
  const std::size_t wanted = app.value("instances", 1UL);
  // The youngest go first.
  std::sort(current.begin(), current.end(), [](const auto& a, const auto& b) { return a.staged < b.staged; });
  for (std::size_t index = wanted; index < current.size(); ++index) kill(current[index], state, "there are too many");
  // The old ones serve until the new ones do.
  if (running >= wanted) {
    for (const MarathonTask& task : old) kill(task, state, "it is of an old version");
  }
  if (seconds_since_epoch() - state.elected_time < after_election) return;
  for (std::size_t count = current.size(); count < wanted; ++count) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (backoff_.left(app) > 0) return;
    }
    auto agents = candidates(app, state);
    // It waits, and is in the queue.
    if (agents.empty()) return;
    if (launch(app, agents)) continue;
    std::lock_guard<std::mutex> lock(mutex_);
    backoff_.ended(app, 0);
    return;
  }
}

void Scheduler::kill(const MarathonTask& task, const MesosState& state, const char* why) {
  auto agent = state.agents.find(task.agent);
  if (agent == state.agents.end() || !agent->second.active) return;
  info() << "Killing task " << task.id << ": " << why;
  try {
    MesosMaster::kill(agent->second, task.id);
  } catch (const std::runtime_error& failure) {
    warning() << "Cannot reach " << task.host << ": " << failure.what();
  }
}

}  // namespace standin
