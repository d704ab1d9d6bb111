#ifndef MESOS_MODULE_HPP
#define MESOS_MODULE_HPP

#include <cstddef>

#define MESOS_MODULE_API_VERSION "1"

namespace mesos {
namespace modules {

// What a module's library exports under the module's name, as in the real Mesos: from it the agent knows what it is
// given and what it was compiled against, before any of its code runs.
struct ModuleBase {
  const char* moduleApiVersion;
  const char* mesosVersion;
  const char* kind;
  const char* authorName;
  const char* authorEmail;
  const char* description;
  bool (*compatible)();
};

// How a module of the stand-in goes on from there.
struct Parameter {
  const char* key;
  const char* value;
};

enum Activation { ACTIVE = 0, INACTIVE = 1, REFUSED = 2 };

struct StandInModule : ModuleBase {
  // Tells what becomes of the module with these parameters, and why, in at most `size` bytes of `message`.
  Activation (*activate)(const Parameter* parameters, std::size_t count, char* message, std::size_t size);
  // Of an active isolator: has the network of a task done. `args` is the JSON of the command's arguments; what the
  // program behind it has printed, or why it could not be run, is put into `answer`, at most `size` bytes of it.
  // Nothing in a hook.
  bool (*call)(const char* command, const char* args, char* answer, std::size_t size);
};

}  // namespace modules
}  // namespace mesos

#endif
