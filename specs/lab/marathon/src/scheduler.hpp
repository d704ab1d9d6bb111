#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "backoff.hpp"
#include "ledger.hpp"
#include "master.hpp"
#include "store.hpp"

namespace standin {

// What there is at a moment: the apps, their tasks, why their last ones failed, and how long they wait.
struct Overview {
  std::map<std::string, nlohmann::json> apps;
  std::vector<MarathonTask> tasks;
  std::map<std::string, MarathonTask> failures;
  std::map<std::string, double> waits;

  std::vector<MarathonTask> of(const std::string& app) const;
};

// Whether a task is of the app as it is defined now; a change of `instances` alone makes no task old.
bool is_current(const MarathonTask& task, const nlohmann::json& app);
// Whether an app is as it was asked for: as many tasks as it wants, all of them running, none of them old.
bool is_scaled(const nlohmann::json& app, const std::vector<MarathonTask>& tasks);

// Brings every app to the tasks that it wants, while this instance leads. Nothing is kept but in ZooKeeper and by
// master and agents.
class Scheduler {
 public:
  // `framework` is what it registers with.
  Scheduler(nlohmann::json framework, const Store& store);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;

  void see_master(const Masters& masters);
  void lead(bool leads);
  // An app was changed.
  void wake();
  // Throws std::runtime_error where ZooKeeper cannot be asked. Without a master it tells what was last known.
  Overview look();
  std::optional<std::string> framework_id();

 private:
  void run();
  void schedule();
  void scale(const nlohmann::json& app, MesosState& state);
  // The agents that a further task of an app can be on, the best one first.
  std::vector<Offer*> candidates(const nlohmann::json& app, MesosState& state);
  // Whether one of the agents has taken a task.
  bool launch(const nlohmann::json& app, const std::vector<Offer*>& agents);
  void refused(const MarathonTask& task, const std::string& why);
  void kill(const MarathonTask& task, const MesosState& state, const char* why);
  std::string registered();

  const nlohmann::json framework_;
  const Store& store_;
  MesosMaster master_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool end_ = false, leads_ = false, woken_ = false;
  std::optional<std::string> framework_id_;
  Ledger ledger_;
  Backoff backoff_;
  std::thread thread_;
};

}  // namespace standin
