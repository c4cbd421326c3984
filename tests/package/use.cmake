# Builds and runs somebody's project with the installed package, by the library's compiler or by OTHER.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")

if(OTHER)
  find_program(compiler ${OTHER})
  if(NOT compiler)
    message("SKIPPED: there is no ${OTHER} here")
    return()
  endif()
  set(COMPILER "${compiler}")
endif()
file(REMOVE_RECURSE "${SCRATCH}")
run(${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}/somebody" -B "${SCRATCH}" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${PACKAGE}")
run(${CMAKE_COMMAND} --build "${SCRATCH}")
run(${CMAKE_COMMAND} -E chdir "${SCRATCH}" ./use_numbers)
message("${output}")
run(${CMAKE_COMMAND} -E chdir "${SCRATCH}" ./somebody)
message("${output}")
