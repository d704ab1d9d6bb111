#include "store.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

constexpr int session_ms = 10000;
constexpr auto store_patience = std::chrono::seconds(5);

struct Connected {
  std::mutex mutex;
  std::condition_variable changed;
  bool there = false;

  static void notify(zhandle_t*, int type, int state, const char*, void* context) {
    if (type != ZOO_SESSION_EVENT || state != ZOO_CONNECTED_STATE) return;
    auto* self = static_cast<Connected*>(context);
    std::lock_guard<std::mutex> lock(self->mutex);
    self->there = true;
    self->changed.notify_all();
  }
};

void check(int status, const char* what) {
  if (status != ZOK) throw std::runtime_error(std::string("ZooKeeper: cannot ") + what + ": " + zerror(status));
}

std::optional<json> read(zhandle_t* handle, const std::string& node) {
  std::string buffer(1024 * 1024, '\0');
  int size = static_cast<int>(buffer.size());
  int status = zoo_get(handle, node.c_str(), 0, buffer.data(), &size, nullptr);
  if (status == ZNONODE) return std::nullopt;
  check(status, "read an app");
  buffer.resize(static_cast<std::size_t>(std::max(size, 0)));
  json app = json::parse(buffer, nullptr, false);
  if (!app.is_object()) throw std::runtime_error("ZooKeeper: " + node + " is damaged: it is not JSON");
  return app;
}

int write_new(zhandle_t* handle, const std::string& node, const std::string& text) {
  return zoo_create(handle, node.c_str(), text.data(), static_cast<int>(text.size()), &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
}

}  // namespace

Store::Store(const ZooKeeperUrl& url) : servers_(url.servers), folder_(url.path + "/state/apps"), framework_(url.path + "/state/framework-id") {}

void Store::in_session(const std::function<void(zhandle_t*)>& work) const {
  Connected connected;
  zhandle_t* handle = zookeeper_init(servers_.c_str(), &Connected::notify, session_ms, nullptr, &connected, 0);
  if (handle == nullptr) throw std::runtime_error("no session with ZooKeeper at " + servers_);
  std::unique_ptr<zhandle_t, int (*)(zhandle_t*)> closes(handle, &zookeeper_close);
  {
    std::unique_lock<std::mutex> lock(connected.mutex);
    if (!connected.changed.wait_for(lock, store_patience, [&] { return connected.there; })) {
      throw std::runtime_error("ZooKeeper at " + servers_ + " does not answer");
    }
  }
  for (std::size_t end = 0; end != std::string::npos;) {
    end = folder_.find('/', end + 1);
    int status = zoo_create(handle, folder_.substr(0, end).c_str(), nullptr, -1, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
    if (status != ZNODEEXISTS) check(status, "make the folder of the apps");
  }
  work(handle);
}

// The `/` of an id would be a folder; `:` is in no id.
std::string Store::node(const std::string& id) const {
  std::string name = id.substr(1);
  std::replace(name.begin(), name.end(), '/', ':');
  return folder_ + "/" + name;
}

std::map<std::string, json> Store::all() const {
  std::map<std::string, json> apps;
  in_session([&](zhandle_t* handle) {
    String_vector found{};
    check(zoo_get_children(handle, folder_.c_str(), 0, &found), "list the apps");
    std::vector<std::string> names(found.data, found.data + found.count);
    deallocate_String_vector(&found);
    for (const std::string& name : names) {
      if (auto app = read(handle, folder_ + "/" + name)) apps[app->value("id", name)] = *app;
    }
  });
  return apps;
}

std::optional<json> Store::find(const std::string& id) const {
  std::optional<json> app;
  in_session([&](zhandle_t* handle) { app = read(handle, node(id)); });
  return app;
}

bool Store::create(const std::string& id, const json& app) const {
  int status = ZOK;
  in_session([&](zhandle_t* handle) { status = write_new(handle, node(id), app.dump()); });
  if (status != ZNODEEXISTS) check(status, "write an app");
  return status == ZOK;
}

bool Store::put(const std::string& id, const json& app) const {
  bool there = false;
  std::string text = app.dump();
  in_session([&](zhandle_t* handle) {
    int status = zoo_set(handle, node(id).c_str(), text.data(), static_cast<int>(text.size()), -1);
    there = status == ZOK;
    check(status == ZNONODE ? write_new(handle, node(id), text) : status, "write an app");
  });
  return there;
}

bool Store::remove(const std::string& id) const {
  int status = ZOK;
  in_session([&](zhandle_t* handle) { status = zoo_delete(handle, node(id).c_str(), -1); });
  if (status != ZNONODE) check(status, "remove an app");
  return status == ZOK;
}

std::optional<std::string> Store::framework_id() const {
  std::optional<std::string> id;
  in_session([&](zhandle_t* handle) {
    char buffer[256];
    int size = sizeof buffer;
    int status = zoo_get(handle, framework_.c_str(), 0, buffer, &size, nullptr);
    if (status == ZNONODE) return;
    check(status, "read the framework's id");
    if (size > 0) id = std::string(buffer, static_cast<std::size_t>(size));
  });
  return id;
}

void Store::keep_framework_id(const std::string& id) const {
  in_session([&](zhandle_t* handle) {
    int status = zoo_set(handle, framework_.c_str(), id.data(), static_cast<int>(id.size()), -1);
    check(status == ZNONODE ? write_new(handle, framework_, id) : status, "write the framework's id");
  });
}

}  // namespace standin
