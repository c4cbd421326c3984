# Configures a project that has attune's sources below it, and with BUILT builds and runs it too.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")

file(REMOVE_RECURSE "${SCRATCH}")
foreach(way add_subdirectory FetchContent)
  run(${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}/parent" -B "${SCRATCH}/${way}" -G "${GENERATOR}" -DWAY=${way}
      "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DATTUNE=${ROOT}"
      "-DFETCHCONTENT_SOURCE_DIR_ATTUNE=${ROOT}")
  # Installing the project does not install attune.
  run(${CMAKE_COMMAND} --install "${SCRATCH}/${way}" --prefix "${SCRATCH}/installed")
  file(GLOB_RECURSE files "${SCRATCH}/installed/*")
  if(files)
    message(FATAL_ERROR "installed, unasked: ${files}")
  endif()
  message("configured, by ${way}")
endforeach()
if(BUILT)
  run(${CMAKE_COMMAND} --build "${SCRATCH}/FetchContent" --target parent)
  run("${SCRATCH}/FetchContent/parent")
  message("${output}")
endif()
