# Instruction sets of the CPU kernels' paths: each file is compiled for its own, and chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  set(avx512_bf16 -mavx512f -mavx512bw -mavx512vl -mavx512bf16)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's own intrinsics start from undefined registers, which it warns of.
    list(APPEND avx512_bf16 -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  set_source_files_properties(kernels/cpu/attention_avx2.cpp PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma")
  set_source_files_properties(kernels/cpu/attention_avx512_bf16.cpp PROPERTIES COMPILE_OPTIONS "${avx512_bf16}")
  set_source_files_properties(kernels/cpu/attention_amx.cpp PROPERTIES
    COMPILE_OPTIONS "${avx512_bf16};-mamx-tile;-mamx-bf16")
endif()
