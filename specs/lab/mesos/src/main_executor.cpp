// Runs one task: mesos-executor FOLDER, which the agent starts and nobody else.

#include <iostream>

#include <mesos/version.hpp>

#include "executor.hpp"

int main(int argc, char** argv) {
  std::string argument = argc == 2 ? argv[1] : "";
  if (argument == "--version") {
    std::cout << "mesos-executor " << MESOS_VERSION << " (stand-in)" << std::endl;
    return 0;
  }
  if (argument.empty() || argument[0] == '-') {
    std::cerr << "Usage: mesos-executor FOLDER" << std::endl;
    return 1;
  }
  return standin::run_executor(argument);
}
