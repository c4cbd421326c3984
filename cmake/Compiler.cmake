# What every target of the project is compiled with, and the special treatment of the kernels.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "attune needs C++20 as of GCC 12; this is GCC ${CMAKE_CXX_COMPILER_VERSION}. "
                      "Install g++-12 or newer and configure with -DCMAKE_CXX_COMPILER=g++-12.")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "attune needs C++20 as of Clang 14; this is Clang ${CMAKE_CXX_COMPILER_VERSION}. "
                      "Install clang-14 or newer and configure with -DCMAKE_CXX_COMPILER=clang++-14.")
endif()

set(attune_sanitizer_flags "")
if(ATTUNE_SANITIZE)
  set(attune_sanitizer_flags -fsanitize=${ATTUNE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()

# Flags for one of the project's own targets.
#  -ffp-contract=off: a * b + c is fused only where the source says so, so results do not depend on the compiler's mood.
function(attune_compile_flags target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -ffp-contract=off
                                           ${attune_sanitizer_flags})
  if(ATTUNE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(attune_sanitizer_flags)
    target_link_options(${target} PUBLIC ${attune_sanitizer_flags})
  endif()
endfunction()

# Kernel files hold kernels and nothing else. They are optimised in every configuration: a debug build stays usable.
# An instruction set is switched on for its own file only, so that one binary runs on every machine.
set(attune_kernel_flags -O3 -DNDEBUG)
if(ATTUNE_SANITIZE)
  # It is the kernels that touch the numbers, so memory and threads are watched here too. What is on the stack is left out:
  # it is nothing but registers that were spilled, and watching them takes minutes to compile.
  list(APPEND attune_kernel_flags -fno-sanitize=undefined)
  if(ATTUNE_SANITIZE MATCHES "address")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      list(APPEND attune_kernel_flags --param=asan-stack=0)
    else()
      list(APPEND attune_kernel_flags -mllvm -asan-stack=0)
    endif()
  endif()
endif()
include(CheckCXXCompilerFlag)
set(attune_simd_dir "${PROJECT_SOURCE_DIR}/tensor/simd")
foreach(kernels scalar sse2 avx2 avx512 neon)
  set(flags ${attune_kernel_flags})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    if(kernels STREQUAL "sse2")
      list(APPEND flags -msse2)
    elseif(kernels STREQUAL "avx2")
      list(APPEND flags -mavx2 -mfma)
    elseif(kernels STREQUAL "avx512")
      list(APPEND flags -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx2 -mfma)
      check_cxx_compiler_flag("-mamx-tile -mamx-bf16" attune_knows_amx)
      if(attune_knows_amx)
        list(APPEND flags -mamx-tile -mamx-bf16)
      endif()
    endif()
  endif()
  set_property(SOURCE "${attune_simd_dir}/${kernels}.cpp" DIRECTORY "${PROJECT_SOURCE_DIR}" PROPERTY COMPILE_OPTIONS
                                                                                             ${flags})
endforeach()
