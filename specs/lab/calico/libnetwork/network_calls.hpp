// What Docker asks of a driver for networks.
#pragma once

#include "calls.hpp"

namespace standin {

const Calls& network_calls();

}  // namespace standin
