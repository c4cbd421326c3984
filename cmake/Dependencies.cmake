# The libraries that the project uses: the system's package when there is one, else the git commit named here.
# (FETCHCONTENT_SOURCE_DIR_XSIMD=… and its like point at a copy on disk and need no network.)

include(FetchContent)

# attune_headers(NAME TARGET PATH REPOSITORY COMMIT) provides `attune_NAME`, a target with the headers of a header-only
# library: those of the installed package's TARGET, or the folder PATH of the fetched repository. SOURCE_SUBDIR names a
# folder that does not exist: the repository's own build, tests and install rules are of no interest here.
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
  if(TARGET ${target})
    # Only the folder: Debian's xsimd target also asks to link a library that header-only use does not need.
    target_include_directories(attune_${lower} SYSTEM INTERFACE
                               $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
  else()
    target_include_directories(attune_${lower} SYSTEM INTERFACE "${${lower}_SOURCE_DIR}/${path}")
  endif()
endfunction()

find_package(Threads REQUIRED)

# xsimd 8.1.0
attune_headers(xsimd xsimd include https://github.com/xtensor-stack/xsimd
               1577b02d549cca52aa5e943c16f2600950480289)
# nlohmann/json 3.11.2
attune_headers(nlohmann_json nlohmann_json::nlohmann_json include https://github.com/nlohmann/json
               bc889afb4c5bf1c0d8ee29ef35eaaf4c8bef8a5d)
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
  FetchContent_Declare(
    benchmark SYSTEM
    GIT_REPOSITORY https://github.com/google/benchmark
    GIT_TAG d572f4777349d43653b21d6c2fc63020ab326db2
    FIND_PACKAGE_ARGS CONFIG)
  FetchContent_MakeAvailable(benchmark)
endif()
