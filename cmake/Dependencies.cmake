# The libraries that the project uses: the system's package when there is one, else the git commit named here.
# (FETCHCONTENT_SOURCE_DIR_XSIMD=… and its like point at a copy on disk and need no network.)

include(FetchContent)

# attune_headers(NAME TARGET PATH REPOSITORY COMMIT) provides `attune_NAME`, a target with the headers of a header-only
# library: the folder PATH of a repository that was fetched or is there as a copy, or those of the installed package's
# TARGET. SOURCE_SUBDIR names a folder that does not exist: the repository's own build, tests and install rules are of no
# interest here. The caller gets the folder of the headers as NAME_headers.
function(attune_headers name target path repository commit)
  FetchContent_Declare(
    ${name}
    GIT_REPOSITORY ${repository}
    GIT_TAG ${commit}
    SOURCE_SUBDIR no-build
    FIND_PACKAGE_ARGS CONFIG)
  FetchContent_MakeAvailable(${name})
  string(TOLOWER ${name} lower)
  add_library(attune_${lower} INTERFACE)
  if(${lower}_SOURCE_DIR)
    cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY "${${lower}_SOURCE_DIR}" NORMALIZE OUTPUT_VARIABLE headers)
  else()
    # Only the folder: Debian's xsimd target also asks to link a library that header-only use does not need.
    get_target_property(headers ${target} INTERFACE_INCLUDE_DIRECTORIES)
  endif()
  target_include_directories(attune_${lower} SYSTEM INTERFACE "${headers}")
  set(${name}_headers "${headers}" PARENT_SCOPE)
endfunction()

find_package(Threads REQUIRED)

# xsimd 8.1.0
attune_headers(xsimd xsimd include https://github.com/xtensor-stack/xsimd
               1577b02d549cca52aa5e943c16f2600950480289)
if(NOT xsimd_headers MATCHES "\\$<")  # a project above may have a target of its own, which only the generator can read
  set(version_header "${xsimd_headers}/xsimd/config/xsimd_config.hpp")
  if(NOT EXISTS "${version_header}")
    message(FATAL_ERROR "There is no xsimd in ${xsimd_headers}. "
                        "FETCHCONTENT_SOURCE_DIR_XSIMD, if given, is a folder with include/xsimd.")
  endif()
  set(version "")
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS "${version_header}" line REGEX "define XSIMD_VERSION_${part} ")
    string(REGEX MATCH "[0-9]+$" number "${line}")
    list(APPEND version ${number})
  endforeach()
  list(JOIN version "." version)
  message(STATUS "xsimd ${version} in ${xsimd_headers}")
  if(version VERSION_LESS 8.1)
    message(FATAL_ERROR "attune needs xsimd 8.1 or newer, and this is ${version}, in ${xsimd_headers}. "
                        "Get a newer one, and configure with -DFETCHCONTENT_SOURCE_DIR_XSIMD=<its folder>.")
  endif()
endif()

# nlohmann/json 3.11.2
attune_headers(nlohmann_json nlohmann_json::nlohmann_json include https://github.com/nlohmann/json
               bc889afb4c5bf1c0d8ee29ef35eaaf4c8bef8a5d)
if(ATTUNE_SENTENCEPIECE)
  # SentencePiece 0.2.0, static, and nothing of it installed
  set(SPM_ENABLE_SHARED OFF)
  set(SPM_ENABLE_TCMALLOC OFF)
  FetchContent_Declare(
    SentencePiece SYSTEM EXCLUDE_FROM_ALL
    GIT_REPOSITORY https://github.com/google/sentencepiece
    GIT_TAG 17d7580d6407802f85855d2cc9190634e2c95624
    FIND_PACKAGE_ARGS MODULE)
  FetchContent_MakeAvailable(SentencePiece)
  if(NOT TARGET SentencePiece::SentencePiece)
    add_library(attune_sentencepiece INTERFACE)
    target_include_directories(attune_sentencepiece SYSTEM INTERFACE "${sentencepiece_SOURCE_DIR}/src")
    target_link_libraries(attune_sentencepiece INTERFACE sentencepiece_train-static sentencepiece-static)
    add_library(SentencePiece::SentencePiece ALIAS attune_sentencepiece)
  endif()
endif()
if(ATTUNE_EXAMPLES)
  # CLI11 2.3.2
  attune_headers(CLI11 CLI11::CLI11 include https://github.com/CLIUtils/CLI11
                 291c58789c031208f08f4f261a858b5b7083e8e2)
endif()
if(ATTUNE_TESTS)
  # doctest 2.4.9
  attune_headers(doctest doctest::doctest . https://github.com/doctest/doctest
                 b7c21ec5ceeadb4951b00396fc1e4642dd347e5f)
endif()
if(ATTUNE_BENCHMARKS)
  # Google Benchmark 1.7.1
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  set(BENCHMARK_ENABLE_WERROR OFF)
  FetchContent_Declare(
    benchmark SYSTEM
    GIT_REPOSITORY https://github.com/google/benchmark
    GIT_TAG d572f4777349d43653b21d6c2fc63020ab326db2
    FIND_PACKAGE_ARGS CONFIG)
  FetchContent_MakeAvailable(benchmark)
endif()
