// The program `nft`.
#pragma once

#include <string>

namespace standin {

// Has it read this text; a Failed with what it says where it refuses.
void run_nft(const std::string& text);

}  // namespace standin
