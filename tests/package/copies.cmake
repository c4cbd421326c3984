# A copy of a library that is given on disk is what the project is built with, even where the system has a package.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")

file(REMOVE_RECURSE "${SCRATCH}")
foreach(version 7.6.0 99.1.2)
  string(REPLACE "." ";" parts ${version})
  list(GET parts 0 major)
  list(GET parts 1 minor)
  list(GET parts 2 patch)
  file(WRITE "${SCRATCH}/xsimd-${version}/include/xsimd/config/xsimd_config.hpp"
       "#define XSIMD_VERSION_MAJOR ${major}\n#define XSIMD_VERSION_MINOR ${minor}\n#define XSIMD_VERSION_PATCH ${patch}\n")
endforeach()
# Their own builds are not run.
foreach(library json cli11 doctest xsimd-99.1.2)
  file(WRITE "${SCRATCH}/${library}/CMakeLists.txt" "message(FATAL_ERROR \"${library} is not to be built\")\n")
endforeach()

set(configure ${CMAKE_COMMAND} -S "${ROOT}" -B "${SCRATCH}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}")
refused("attune needs xsimd 8.1 or newer, and this is 7.6.0, in ${SCRATCH}/xsimd-7.6.0/include." ${configure}
        "-DFETCHCONTENT_SOURCE_DIR_XSIMD=${SCRATCH}/xsimd-7.6.0")
refused("There is no xsimd in ${SCRATCH}/json/include." ${configure} "-DFETCHCONTENT_SOURCE_DIR_XSIMD=${SCRATCH}/json")
run(${configure} "-DFETCHCONTENT_SOURCE_DIR_XSIMD=${SCRATCH}/xsimd-99.1.2"
    "-DFETCHCONTENT_SOURCE_DIR_NLOHMANN_JSON=${SCRATCH}/json" "-DFETCHCONTENT_SOURCE_DIR_CLI11=${SCRATCH}/cli11"
    "-DFETCHCONTENT_SOURCE_DIR_DOCTEST=${SCRATCH}/doctest")
file(READ "${SCRATCH}/build/compile_commands.json" commands)
foreach(folder xsimd-99.1.2/include json/include cli11/include doctest)
  string(FIND "${commands}" "-isystem ${SCRATCH}/${folder} " place)
  if(place EQUAL -1)
    message(FATAL_ERROR "nothing is compiled with -isystem ${SCRATCH}/${folder}")
  endif()
endforeach()
message("copies of xsimd, json, CLI11 and doctest are used when they are given")
