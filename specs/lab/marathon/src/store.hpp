#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "zookeeper.hpp"

namespace standin {

// The apps in ZooKeeper, one node each. Every call is a session of its own, so that all instances say the same at any
// time. Throws std::runtime_error where ZooKeeper cannot be asked.
class Store {
 public:
  // `url` is that of --zk; the apps are below `<path>/state/apps`.
  explicit Store(const ZooKeeperUrl& url);

  std::map<std::string, nlohmann::json> all() const;
  std::optional<nlohmann::json> find(const std::string& id) const;
  // False where there is one with this id already.
  bool create(const std::string& id, const nlohmann::json& app) const;
  // Whether there was one with this id before.
  bool put(const std::string& id, const nlohmann::json& app) const;
  bool remove(const std::string& id) const;

  // The id that the master has given to this Marathon, whichever instance leads.
  std::optional<std::string> framework_id() const;
  void keep_framework_id(const std::string& id) const;

 private:
  void in_session(const std::function<void(zhandle_t*)>& work) const;
  std::string node(const std::string& id) const;

  std::string servers_;
  std::string folder_, framework_;
};

}  // namespace standin
