#pragma once

#include <set>
#include <string>
#include <vector>

namespace standin {

// The numbers of "[31000-31005, 32000-32000]", as Mesos writes ports; nothing where it is not written so.
std::set<int> parse_ranges(const std::string& text);
std::string format_ranges(const std::set<int>& numbers);

}  // namespace standin
