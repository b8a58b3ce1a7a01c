# The CUDA kernels, where OUTRIDER_CUDA asks for them: machine code for A100 and H100/H200, PTX for what comes later.
if(OUTRIDER_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "OUTRIDER_CUDA is ON, but no CUDA compiler was found. Install the CUDA toolkit and put nvcc on "
      "PATH, or set CUDACXX to it, or configure without OUTRIDER_CUDA.")
  endif()
  set(CMAKE_CUDA_STANDARD 17)  # as much as older CMake knows of nvcc
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90 CACHE STRING "GPUs to compile for")
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION} (${CMAKE_CUDA_COMPILER}) found")
  file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu)
  add_library(outrider_kernels_cuda STATIC ${cuda_sources})
  target_include_directories(outrider_kernels_cuda PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(outrider_kernels_cuda PUBLIC CUDA::cudart_static CUDA::cublasLt outrider_sim_base)
endif()
