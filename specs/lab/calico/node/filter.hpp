// The table of nftables by which a node filters the traffic of its host's containers.
#pragma once

#include <string>

#include "state.hpp"

namespace standin {

// What `nft -f -` reads to put the table in the place of what was there, all at once.
std::string filter_text(const State& state, const std::string& host);

}  // namespace standin
