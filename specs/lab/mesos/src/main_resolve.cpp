// Prints the address of the leading master: mesos-resolve zk://host:port/path

#include <condition_variable>
#include <iostream>
#include <mutex>

#include <mesos/version.hpp>

#include "text.hpp"
#include "zookeeper.hpp"

using namespace standin;

int main(int argc, char** argv) {
  std::string argument = argc == 2 ? argv[1] : "";
  if (argument == "--version") {
    std::cout << "mesos-resolve " << MESOS_VERSION << " (stand-in)" << std::endl;
    return 0;
  }
  if (argument.empty() || starts_with(argument, "--")) {
    std::cerr << "Usage: mesos-resolve zk://host:port,host:port/path" << std::endl;
    return 1;
  }
  try {
    if (!starts_with(argument, "zk://")) {
      std::cout << argument << std::endl;
      return 0;
    }
    std::mutex mutex;
    std::condition_variable seen;
    std::optional<nlohmann::json> leader;
    Election election(ZooKeeperUrl::parse(argument), std::chrono::seconds(10), std::nullopt, [&](const Masters& masters) {
      std::lock_guard<std::mutex> lock(mutex);
      if (masters.leader) leader = masters.leader;
      seen.notify_all();
    });
    std::unique_lock<std::mutex> lock(mutex);
    if (!seen.wait_for(lock, std::chrono::seconds(5), [&] { return leader.has_value(); })) {
      std::cerr << "No master leads at " << argument << " (waited 5 s)" << std::endl;
      lock.unlock();
      return 1;
    }
    nlohmann::json address = leader->value("address", nlohmann::json::object());
    std::cout << address.value("ip", "") << ":" << address.value("port", 0) << std::endl;
    lock.unlock();
    return 0;
  } catch (const Mistake& mistake) {
    std::cerr << mistake.what() << std::endl;
    return 1;
  }
}
