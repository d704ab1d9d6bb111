#pragma once

#include <cstddef>
#include <string>

// Runs a program of the plugin's with `call` on its standard input, and puts into `answer` what it prints, at most
// `size` bytes with the zero at the end. Its exit status means nothing. False where it could not be run: `answer` then
// says why.
bool run_plugin(const std::string& program, const std::string& call, char* answer, std::size_t size);
