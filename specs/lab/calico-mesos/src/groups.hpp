// What net-groups mean: one profile a group, and one for the task's own host.
#pragma once

#include "profile.hpp"

namespace standin {

// The names of a task's profiles, the host's first; those that nobody has needed yet are made.
std::vector<std::string> profiles_of_task(const Etcd& etcd, const std::string& hostname, const std::string& address,
                                          const std::vector<std::string>& groups);

}  // namespace standin
