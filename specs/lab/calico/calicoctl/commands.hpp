// calicoctl's commands.
#pragma once

#include "line.hpp"

namespace standin {

void pool(const Line& line);
void profile(const Line& line);
void status();
void node(const Line& line);

}  // namespace standin
