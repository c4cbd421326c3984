# Builds the tensor library with the copy of xsimd that XSIMD, or the environment variable ATTUNE_NEWEST_XSIMD, names, and
# links the tests with it, which are compiled already: they do not see xsimd.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")

if(NOT XSIMD)
  set(XSIMD "$ENV{ATTUNE_NEWEST_XSIMD}")
endif()
if(NOT XSIMD)
  message("SKIPPED: no newer xsimd is given: ATTUNE_NEWEST_XSIMD=<folder with include/xsimd>")
  return()
endif()
get_filename_component(XSIMD "${XSIMD}" ABSOLUTE)
file(REMOVE_RECURSE "${SCRATCH}")
run(${CMAKE_COMMAND} -S "${ROOT}" -B "${SCRATCH}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    -DCMAKE_BUILD_TYPE=Release -DATTUNE_WERROR=ON -DATTUNE_EXAMPLES=OFF "-DATTUNE_CHECKED=${CHECKED}"
    "-DFETCHCONTENT_SOURCE_DIR_XSIMD=${XSIMD}")
string(REGEX MATCH "xsimd [0-9.]+ in [^\n]*" found "${output}")
string(FIND "${found}" " in ${XSIMD}/include" place)
if(place EQUAL -1)
  message(FATAL_ERROR "${output}\nthe copy in ${XSIMD} is not used: ${found}")
endif()

string(REPLACE "+" ";" PROGRAMS "${PROGRAMS}")
foreach(precision ${PROGRAMS})
  set(ending "")
  if(precision STREQUAL "f64")
    set(ending "_f64")
  endif()
  run(${CMAKE_COMMAND} --build "${SCRATCH}" --target attune_tensor${ending})
  set(library "${SCRATCH}/libattune_tensor${ending}.a")
  run(${CMAKE_COMMAND} "-DNM=${NM}" "-DLIBRARY=${library}" -P "${ROOT}/tests/build/check_kernel_symbols.cmake")
  message("${output}")

  file(STRINGS "${OBJECTS}/tests_${precision}.objects" objects)
  list(FILTER objects INCLUDE REGEX "/(main\\.cpp|(tensor|autograd)/[a-z_0-9]*\\.cpp)\\.o$")
  run("${COMPILER}" -o "${SCRATCH}/tests_${precision}" ${objects} "${BUILD}/libattune_autograd${ending}.a" "${library}"
      -lpthread)
  # The long sweeps are for the xsimd that the library is built with otherwise.
  run(${CMAKE_COMMAND} -E chdir "${ROOT}" ${CMAKE_COMMAND} -E env --unset=ATTUNE_FULL "${SCRATCH}/tests_${precision}")
  string(REGEX MATCH "test cases: [^\n]*" cases "${output}")
  string(REGEX REPLACE " in .*" "" version "${found}")
  message("measured: kernels with ${version}, ${precision}: ${cases}")
endforeach()
