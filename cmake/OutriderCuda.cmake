# Finds the CUDA toolkit where OUTRIDER_CUDA asks for it.
if(OUTRIDER_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "OUTRIDER_CUDA is ON, but no CUDA compiler was found. Install the CUDA toolkit and put nvcc on "
      "PATH, or set CUDACXX to it, or configure without OUTRIDER_CUDA.")
  endif()
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION} (${CMAKE_CUDA_COMPILER}) found; the tree has no CUDA sources, "
    "so nothing is compiled with it")
endif()
