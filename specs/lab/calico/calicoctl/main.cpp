// calicoctl's commands about pools, profiles and this host's node.

#include <iostream>

#include "commands.hpp"
#include "environment.hpp"

using namespace standin;

int main(int argc, char** argv) {
  Line line = split(argc, argv);
  std::string command = line.words.empty() ? "" : line.words[0];
  try {
    if (command == "version" || line.has("--version")) {
      std::cout << "calicoctl " VERSION " (stand-in: pools, profiles and nodes only)" << std::endl;
    } else if (command == "pool") {
      pool(line);
    } else if (command == "profile") {
      profile(line);
    } else if (command == "status") {
      status();
    } else if (command == "node") {
      node(line);
    } else {
      throw Failed("the stand-in of calicoctl knows `pool`, `profile`, `status`, `node` and `version`, not `" +
                   command + "`");
    }
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
  return 0;
}
