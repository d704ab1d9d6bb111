#include "detector.hpp"

#include "text.hpp"

namespace standin {

namespace {

// host:port of a single master, as if ZooKeeper had told of it.
nlohmann::json single_master(const std::string& text) {
  auto colon = text.rfind(':');
  auto port = colon == std::string::npos ? std::optional<long>(5050) : parse_integer(text.substr(colon + 1));
  std::string host = text.substr(0, colon);
  if (starts_with(host, "master@")) host = host.substr(7);
  if (host.empty() || host.find('/') != std::string::npos || !port || *port < 1 || *port > 65535) {
    throw Mistake("Failed to load flag 'master': '" + text + "' is neither host:port nor zk://host:port/path");
  }
  std::string ip = address_of(host);
  return {{"address", {{"hostname", host}, {"ip", ip}, {"port", *port}}},
          {"hostname", host},
          {"pid", "master@" + ip + ":" + std::to_string(*port)}};
}

}  // namespace

void check_master(const std::string& where) {
  if (starts_with(where, "zk://")) {
    ZooKeeperUrl::parse(where);
  } else {
    single_master(where);
  }
}

std::unique_ptr<Election> detect_masters(const std::string& where, Election::Watcher watcher) {
  if (starts_with(where, "zk://")) {
    return std::make_unique<Election>(ZooKeeperUrl::parse(where), std::chrono::seconds(10), std::nullopt,
                                      std::move(watcher));
  }
  Masters only;
  only.connected = true;
  only.contenders = 1;
  only.leader = single_master(where);
  watcher(only);
  return nullptr;
}

}  // namespace standin
