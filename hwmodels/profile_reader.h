// Profile files: every coefficient with its interval and source.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hwmodels/profile.h"
#include "sim/io/errors.h"

namespace outrider {

// Refuses a profile that lacks a coefficient, states one that no model reads, or whose value is outside its interval.
std::optional<Profile> read_profile(const std::filesystem::path& file, ConfigErrors& errors);

// The JSON schema of profile files.
std::string profile_schema();

}  // namespace outrider
