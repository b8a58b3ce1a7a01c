# outrider_module(folder DEPENDS … LIBRARIES …): the folder's sources but main.cpp as one static library named after its
# path. outrider_program(name folder …): the folder's main.cpp as a program.

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
endfunction()

function(outrider_module folder)
  outrider_target_name(${folder} name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(${name} STATIC ${sources})
  outrider_link(${name} ${ARGN})
endfunction()

function(outrider_program program folder)
  add_executable(${program} ${CMAKE_SOURCE_DIR}/${folder}/main.cpp)
  outrider_link(${program} ${ARGN})
endfunction()
