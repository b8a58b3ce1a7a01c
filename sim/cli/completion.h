// Completion scripts for bash, zsh and fish, generated from the command table.
#pragma once

#include <string>
#include <string_view>

namespace outrider {

// `shell` is "bash", "zsh" or "fish" (CHECKed). Shipped names are asked of the program itself, when completing.
std::string completion_script(std::string_view shell);

}  // namespace outrider
