# attune_embed(TARGET OUTPUT NAMESPACE HEADER NAME=FILE…) adds a source to TARGET that holds text files as strings:
# `const char* const NAME`, declared in HEADER. A change to a file runs CMake again, and so reaches the program.
function(attune_embed target output namespace header)
  set(definitions "")
  foreach(pair ${ARGN})
    string(REGEX MATCH "^([^=]+)=(.+)$" pair "${pair}")
    set(name "${CMAKE_MATCH_1}")
    set(file "${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_2}")
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" text)
    string(LENGTH "${text}" length)
    if(length GREATER 65000)
      message(FATAL_ERROR "${file} has ${length} bytes, and a string literal may have 65,536: split it.")
    endif()
    string(APPEND definitions "const char* const ${name} = R\"text_of_file(${text})text_of_file\";\n\n")
  endforeach()
  file(CONFIGURE OUTPUT "${output}" CONTENT [[
// Made by cmake/Embed.cmake.
#include "@header@"

namespace @namespace@ {

@definitions@}  // namespace @namespace@
]] @ONLY)
  target_sources(${target} PRIVATE "${output}")
endfunction()
