#include "zookeeper.hpp"

#include <algorithm>
#include <cstring>

#include "log.hpp"
#include "text.hpp"

namespace standin {

namespace {
// What the real masters call their nodes, before the sequence number.
const std::string prefix = "json.info_";
using Clock = std::chrono::steady_clock;
}  // namespace

ZooKeeperUrl ZooKeeperUrl::parse(const std::string& raw) {
  std::string text = trim(raw);
  auto refuse = [&](const std::string& why) {
    return Mistake("Error parsing ZooKeeper URL '" + text + "': " + why + "; expected zk://host:port,host:port/path");
  };
  if (!starts_with(text, "zk://")) throw refuse("it does not begin with zk://");
  ZooKeeperUrl url;
  std::string rest = text.substr(5);
  auto slash = rest.find('/');
  if (slash == std::string::npos || slash + 1 == rest.size()) throw refuse("it has no path");
  url.path = rest.substr(slash);
  while (ends_with(url.path, "/")) url.path.pop_back();
  if (url.path.empty() || url.path.find("//") != std::string::npos) throw refuse("its path has an empty part");
  url.servers = rest.substr(0, slash);
  auto at = url.servers.rfind('@');
  if (at != std::string::npos) {
    url.credentials = url.servers.substr(0, at);
    url.servers = url.servers.substr(at + 1);
    if (url.credentials.find(':') == std::string::npos) throw refuse("before the @ must be user:password");
  }
  auto servers = split(url.servers, ',');
  if (servers.empty()) throw refuse("it names no server");
  for (const std::string& server : servers) {
    auto colon = server.rfind(':');
    auto port = colon == std::string::npos ? std::optional<long>(2181) : parse_integer(server.substr(colon + 1));
    if (colon == 0 || !port || *port < 1 || *port > 65535) throw refuse("'" + server + "' is not host:port");
  }
  return url;
}

Election::Election(ZooKeeperUrl url, std::chrono::milliseconds session_timeout, std::optional<nlohmann::json> candidate,
                   Watcher watcher)
    : url_(std::move(url)),
      session_timeout_(session_timeout),
      candidate_(std::move(candidate)),
      watcher_(std::move(watcher)) {
  // The client writes five lines a second while no server answers; what matters is logged here.
  zoo_set_debug_level(static_cast<ZooLogLevel>(0));
  thread_ = std::thread([this] { run(); });
}

Election::~Election() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// Called on a thread of the client: it says only that something happened. The loop looks at everything anew, so that
// no event can be missed or taken for another.
void Election::notify(zhandle_t*, int type, int state, const char*, void* context) {
  auto* self = static_cast<Election*>(context);
  {
    std::lock_guard<std::mutex> lock(self->mutex_);
    self->event_ = true;
    if (type == ZOO_SESSION_EVENT && (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE)) {
      self->expired_ = true;
    }
  }
  self->changed_.notify_all();
}

void Election::open() {
  expired_ = false;
  joined_ = false;
  handle_ = zookeeper_init(url_.servers.c_str(), &Election::notify, static_cast<int>(session_timeout_.count()), nullptr,
                           this, 0);
  if (handle_ == nullptr) {
    warning() << "Cannot begin a ZooKeeper session with " << url_.servers << ": " << std::strerror(errno);
    return;
  }
  if (!url_.credentials.empty()) {
    zoo_add_auth(handle_, "digest", url_.credentials.data(), static_cast<int>(url_.credentials.size()), nullptr,
                 nullptr);
  }
}

void Election::close() {
  if (handle_ != nullptr) zookeeper_close(handle_);
  handle_ = nullptr;
}

void Election::run() {
  auto disconnected_at = Clock::now();
  bool connected = false;
  bool lost = false;
  while (true) {
    bool expired;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stop_) break;
      event_ = false;
      expired = expired_;
    }
    if (handle_ != nullptr && expired) {
      warning() << "The ZooKeeper session with " << url_.servers << " has expired";
      close();
    }
    if (handle_ == nullptr) {
      std::lock_guard<std::mutex> lock(mutex_);
      open();
    }
    Masters masters = look();
    if (!masters.connected && connected) disconnected_at = Clock::now();
    connected = masters.connected;
    if (connected) {
      lost = false;
      watcher_(masters);
    } else if (!lost && (expired || Clock::now() - disconnected_at > session_timeout_)) {
      // The servers end a session that is silent for so long, and so the one that had it must not believe in it.
      warning() << "No connection to ZooKeeper at " << url_.servers;
      lost = true;
      watcher_(masters);
    }
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, connected ? std::chrono::milliseconds(5000) : std::chrono::milliseconds(500),
                      [this] { return event_ || stop_; });
  }
  close();
}

// The sequence numbers have ten digits, so names sort as they do.
std::optional<std::vector<std::string>> Election::children() {
  String_vector found{};
  int status = zoo_wget_children(handle_, url_.path.c_str(), &Election::notify, this, &found);
  if (status != ZOK) return std::nullopt;
  std::vector<std::string> names;
  for (int i = 0; i < found.count; ++i) {
    if (starts_with(found.data[i], prefix)) names.emplace_back(found.data[i]);
  }
  deallocate_String_vector(&found);
  std::sort(names.begin(), names.end());
  return names;
}

Masters Election::look() {
  Masters masters;
  if (handle_ == nullptr || zoo_state(handle_) != ZOO_CONNECTED_STATE || !make_path()) return masters;
  auto names = children();
  if (names && candidate_ && !joined_) {
    joined_ = contend(*names);
    names = children();
  }
  if (!names) return masters;
  masters.connected = true;
  masters.contenders = names->size();
  for (const std::string& name : *names) {
    std::string buffer(64 * 1024, '\0');
    int size = static_cast<int>(buffer.size());
    int status = zoo_get(handle_, (url_.path + "/" + name).c_str(), 0, buffer.data(), &size, nullptr);
    if (status == ZNONODE) continue;  // it left meanwhile: the next one leads
    if (status != ZOK) return Masters{};
    buffer.resize(static_cast<std::size_t>(std::max(size, 0)));
    auto leader = nlohmann::json::parse(buffer, nullptr, false);
    if (leader.is_object()) {
      masters.leader = leader;
    } else {
      warning() << "What " << name << " has published is not JSON: it is ignored";
    }
    break;
  }
  return masters;
}

bool Election::make_path() {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = url_.path.find('/', end + 1);
    std::string part = url_.path.substr(0, end);
    int status = zoo_create(handle_, part.c_str(), nullptr, -1, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
    if (status != ZOK && status != ZNODEEXISTS) return false;
  }
  return true;
}

// Publishes the candidate, unless this ZooKeeper session has already: the answer to an earlier attempt may have been lost.
bool Election::contend(const std::vector<std::string>& contenders) {
  const clientid_t* session = zoo_client_id(handle_);
  for (const std::string& name : contenders) {
    Stat stat{};
    if (zoo_exists(handle_, (url_.path + "/" + name).c_str(), 0, &stat) == ZOK &&
        stat.ephemeralOwner == session->client_id) {
      return true;
    }
  }
  std::string content = candidate_->dump();
  char created[512] = {};
  const ACL_vector* access = url_.credentials.empty() ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL;
  int status = zoo_create(handle_, (url_.path + "/" + prefix).c_str(), content.data(), static_cast<int>(content.size()),
                          access, ZOO_EPHEMERAL | ZOO_SEQUENCE, created, sizeof created);
  if (status != ZOK) {
    warning() << "Cannot publish this master in ZooKeeper: " << zerror(status);
    return false;
  }
  info() << "Contending to lead the masters as " << created;
  return true;
}

}  // namespace standin
