// The calls of a protocol of Docker's plugins, by name.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "etcd.hpp"

namespace standin {

using Calls = std::map<std::string, std::function<nlohmann::json(const Etcd&, const nlohmann::json&)>>;

}  // namespace standin
