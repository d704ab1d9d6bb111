// The nodes of the other hosts: who answers on BGP's port.
#pragma once

#include <string>

namespace standin {

// Listens on the port and greets everyone who connects, in a thread of its own.
void begin_greeting();

// Greets the others every two seconds, in a thread of its own, and notes who answers for `calicoctl status`.
void begin_looking_round(const std::string& own_address);

}  // namespace standin
