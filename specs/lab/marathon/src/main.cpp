#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "detector.hpp"
#include "log.hpp"
#include "marathon.hpp"
#include "text.hpp"

using namespace standin;

int main(int argc, char** argv) {
  // Every thread inherits this, so that only sigwait below sees the signals that end the daemon.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);

  std::unique_ptr<Marathon> marathon;
  std::unique_ptr<Server> server;
  std::unique_ptr<Election> election, masters;
  // Declared out here, because others keep references to it.
  Options options;
  try {
    options = Options::parse(argc, argv);
    if (options.has("version")) {
      std::cout << "marathon " << MARATHON_VERSION << " (stand-in)" << std::endl;
      return EXIT_SUCCESS;
    }
    if (options.has("help")) {
      std::cout << "Usage: marathon --master zk://host:port/mesos --zk zk://host:port/marathon [--option value...]\n"
                   "A stand-in." << std::endl;
      return EXIT_SUCCESS;
    }
    if (!options.has("master")) throw Mistake("Required option 'master' not found");
    if (!options.has("zk")) throw Mistake("Required option 'zk' not found: this stand-in keeps apps nowhere else");
    check_master(options.get("master"));
    ZooKeeperUrl zk = ZooKeeperUrl::parse(options.get("zk"));
    ZooKeeperUrl elects = zk;
    elects.path += "/leader";

    log_to("", "marathon", "INFO", false);
    info() << "This is a stand-in for Marathon " << MARATHON_VERSION;
    server = std::make_unique<Server>(options.get("http_address", "0.0.0.0"), options.port("http_port", 8080),
                                      std::set<std::string>{"GET", "HEAD", "POST", "PUT", "DELETE"});
    marathon = std::make_unique<Marathon>(options, zk);
    server->start([&](const Request& request) { return marathon->answer(request); });
    election = std::make_unique<Election>(elects, std::chrono::seconds(10), marathon->published(),
                                          [&](const Masters& instances) { marathon->see(instances); });
    masters = detect_masters(options.get("master"), [&](const Masters& seen) { marathon->see_master(seen); });
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return EXIT_FAILURE;
  }
  int received = 0;
  sigwait(&ending, &received);
  info() << "Ending, because of signal " << received;
  election.reset();
  masters.reset();
  // Requests may still be answered on other threads.
  std::_Exit(EXIT_SUCCESS);
}
