#pragma once

#include <mutex>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "http.hpp"
#include "options.hpp"
#include "scheduler.hpp"
#include "store.hpp"
#include "zookeeper.hpp"

namespace standin {

// One instance: led or leading, with the apps that are in ZooKeeper and the tasks that the master tells of.
class Marathon {
 public:
  Marathon(const Options& options, const ZooKeeperUrl& zk);
  Marathon(const Marathon&) = delete;

  // What it publishes in ZooKeeper.
  nlohmann::json published() const;
  // Takes note of who leads.
  void see(const Masters& instances);
  // Takes note of Mesos' masters.
  void see_master(const Masters& masters) { scheduler_.see_master(masters); }
  Response answer(const Request& request);

 private:
  Response about_app(const std::string& method, const std::string& id, const Request& request);
  Response create(const Request& request);
  Response about_group(const std::string& id, const Request& request);
  Response put_group(const std::string& id, const Request& request);
  nlohmann::json info();
  nlohmann::json known_framework_id();
  std::optional<std::string> leader() const;

  const Options& options_;
  const std::string own_;  // host:port, as others know it
  Store store_;
  mutable std::mutex mutex_;
  std::optional<std::string> leader_;
  Scheduler scheduler_;
};

}  // namespace standin
