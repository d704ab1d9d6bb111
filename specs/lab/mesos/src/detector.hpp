#pragma once

#include <memory>
#include <string>

#include "zookeeper.hpp"

namespace standin {

// Tells of the leading master at `where`: zk://host:port/path, watched as long as what is returned lives, or host:port,
// told of at once. Throws a Mistake for what is neither. What is checked before anything is begun is checked by
// `check_master`.
void check_master(const std::string& where);
std::unique_ptr<Election> detect_masters(const std::string& where, Election::Watcher watcher);

}  // namespace standin
