# Instruction sets of the CPU kernels' paths: a file is compiled for the one in its name, and chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  # -O2 keeps small arrays of vectors in memory instead of unrolling over them.
  set(unrolled "$<$<CONFIG:Release>:-O3>")
  set(avx512_bf16 ${unrolled} -mavx512f -mavx512bw -mavx512vl -mavx512bf16)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's own intrinsics start from undefined registers, which it warns of.
    list(APPEND avx512_bf16 -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  file(GLOB avx2_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cpu/*_avx2.cpp)
  file(GLOB avx512_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cpu/*_avx512_bf16.cpp)
  set_source_files_properties(${avx2_files} PROPERTIES COMPILE_OPTIONS "${unrolled};-mavx2;-mfma")
  set_source_files_properties(${avx512_files} PROPERTIES COMPILE_OPTIONS "${avx512_bf16}")
  set_source_files_properties(kernels/cpu/attention_amx.cpp PROPERTIES
    COMPILE_OPTIONS "${avx512_bf16};-mamx-tile;-mamx-bf16")
endif()
