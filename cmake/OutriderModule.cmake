# outrider_module(folder DEPENDS … LIBRARIES …): the folder's sources as one static library named after its path.
# outrider_program(name folder …): the folder as a program.
# outrider_tests(folder): tests/<folder>/**_test.cpp as one binary; each file's name ends in its label.

function(outrider_target_name folder result)
  string(REPLACE "/" "_" name ${folder})
  set(${result} outrider_${name} PARENT_SCOPE)
endfunction()

function(outrider_link target)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  target_link_libraries(${target} PUBLIC outrider_options fmt::fmt ${ARG_LIBRARIES})
  foreach(dependency ${ARG_DEPENDS})
    outrider_target_name(${dependency} name)
    target_link_libraries(${target} PUBLIC ${name})
  endforeach()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <cstdint> <map> <memory> <optional> <span> <string> <string_view> <utility> <variant> <vector>
    <fmt/format.h>)
endfunction()

function(outrider_module folder)
  outrider_target_name(${folder} name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  add_library(${name} STATIC ${sources})
  outrider_link(${name} ${ARGN})
endfunction()

function(outrider_program program folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  add_executable(${program} ${sources})
  outrider_link(${program} ${ARGN})
endfunction()
