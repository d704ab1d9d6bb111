// What Docker asks of a driver for addresses.
#pragma once

#include "calls.hpp"

namespace standin {

const Calls& address_calls();

}  // namespace standin
