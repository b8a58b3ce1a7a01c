# Language level, warnings, determinism, sanitizers and the compiler cache, for every target of the tree.
option(OUTRIDER_TESTS "Build the tests" ON)
option(OUTRIDER_BENCHMARKS "Build the benchmarks (Google Benchmark; SimGrid and ns-3 where installed)" OFF)
option(OUTRIDER_CUDA "Require a CUDA toolkit" OFF)
set(OUTRIDER_SANITIZE "" CACHE STRING "Comma-separated sanitizers: address,undefined or thread")

set(minimum_GNU 11)
set(minimum_Clang 14)
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS "${minimum_${CMAKE_CXX_COMPILER_ID}}")
  message(FATAL_ERROR "Outrider needs GCC ${minimum_GNU} or Clang ${minimum_Clang} or newer; "
    "found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER})")
endif()

# Newer compilers and instrumented code invent warnings, so these are errors only where the tree is known to be free of
# them.
set(known_clean OFF)
if(NOT OUTRIDER_SANITIZE AND "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" MATCHES "^(GNU 12|Clang 14)\\.")
  set(known_clean ON)
endif()
option(OUTRIDER_WERROR "Treat warnings as errors" ${known_clean})

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# At -O3, GCC 12 warns of overflows inside fmt that are not there.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

add_library(outrider_options INTERFACE)
# No fused multiply-add and no fast-math: the same bytes from every compiler and build type.
set(warnings -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor)
if(OUTRIDER_WERROR)
  list(APPEND warnings -Werror)
endif()
target_compile_options(outrider_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${warnings};-ffp-contract=off>")
target_include_directories(outrider_options INTERFACE ${CMAKE_SOURCE_DIR})
if(OUTRIDER_SANITIZE)
  target_compile_options(outrider_options INTERFACE
    -fsanitize=${OUTRIDER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(outrider_options INTERFACE -fsanitize=${OUTRIDER_SANITIZE})
endif()

find_program(OUTRIDER_CCACHE ccache)
if(OUTRIDER_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${OUTRIDER_CCACHE})
endif()
