#pragma once

#include <zookeeper/zookeeper.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

namespace standin {

// zk://[user:password@]host:port,host:port/path
struct ZooKeeperUrl {
  std::string servers;
  std::string path;
  std::string credentials;  // user:password, or empty

  // Throws a Mistake.
  static ZooKeeperUrl parse(const std::string& text);
};

// What is seen of the masters at a moment.
struct Masters {
  // Whether ZooKeeper can be asked; when it cannot, and the session's time is over, nothing else is known.
  bool connected = false;
  // The number of masters that contend.
  std::size_t contenders = 0;
  // What the leading one has published: the contender with the lowest sequence number.
  std::optional<nlohmann::json> leader;
};

// Watches the masters in ZooKeeper, and contends to lead them where it is given what to publish. The session is begun
// anew whenever it is lost.
class Election {
 public:
  using Watcher = std::function<void(const Masters&)>;

  Election(ZooKeeperUrl url, std::chrono::milliseconds session_timeout, std::optional<nlohmann::json> candidate,
           Watcher watcher);
  // Closes the session, so that what it published goes at once.
  ~Election();
  Election(const Election&) = delete;

 private:
  static void notify(zhandle_t*, int type, int state, const char* path, void* self);
  void run();
  void open();
  void close();
  Masters look();
  bool make_path();
  bool contend(const std::vector<std::string>& contenders);
  std::optional<std::vector<std::string>> children();

  ZooKeeperUrl url_;
  std::chrono::milliseconds session_timeout_;
  std::optional<nlohmann::json> candidate_;
  Watcher watcher_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool event_ = false;
  bool expired_ = false;
  bool stop_ = false;

  zhandle_t* handle_ = nullptr;
  bool joined_ = false;
  std::thread thread_;
};

}  // namespace standin
