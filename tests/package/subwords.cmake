# Somebody's program that cuts text into subwords, and one that does not: with SentencePiece both are built and only the
# first asks for it when it starts; without, the second is built all the same.
include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")

file(REMOVE_RECURSE "${SCRATCH}")
set(configure ${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}/subwords" -G "${GENERATOR}"
              "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${PACKAGE}")
run(${configure} -B "${SCRATCH}/with")
run(${CMAKE_COMMAND} --build "${SCRATCH}/with")
run("${SCRATCH}/with/subwords")
message("${output}")
find_program(readelf readelf)
if(readelf)
  run(${readelf} -d "${SCRATCH}/with/subwords")
  if(NOT output MATCHES "NEEDED[^\n]*sentencepiece")
    message(FATAL_ERROR "the program with subwords does not ask for SentencePiece: ${output}")
  endif()
  run(${readelf} -d "${SCRATCH}/with/words")
  if(output MATCHES "sentencepiece")
    message(FATAL_ERROR "the program without subwords asks for SentencePiece: ${output}")
  endif()
endif()

run(${configure} -B "${SCRATCH}/without" -DCMAKE_DISABLE_FIND_PACKAGE_SentencePiece=ON)
run(${CMAKE_COMMAND} --build "${SCRATCH}/without" --target words)
run("${SCRATCH}/without/words")
message("${output}")
