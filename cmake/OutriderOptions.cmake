# Language level, warnings, determinism and sanitizers for every target of the tree.
option(OUTRIDER_TESTS "Build the tests" ON)
option(OUTRIDER_BENCHMARKS "Build the benchmarks (Google Benchmark; SimGrid and ns-3 where installed)" OFF)
option(OUTRIDER_CUDA "Build the CUDA parts (needs a CUDA toolkit)" OFF)
set(OUTRIDER_SANITIZE "" CACHE STRING "Comma-separated sanitizers: address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(outrider_options INTERFACE)
# No fused multiply-add and no fast-math: the same bytes from every compiler and build type.
target_compile_options(outrider_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror -ffp-contract=off)
target_include_directories(outrider_options INTERFACE ${CMAKE_SOURCE_DIR})
if(OUTRIDER_SANITIZE)
  target_compile_options(outrider_options INTERFACE -fsanitize=${OUTRIDER_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(outrider_options INTERFACE -fsanitize=${OUTRIDER_SANITIZE})
endif()
