# What the scripts of this folder share. They are called as CMakeLists.txt says.
cmake_minimum_required(VERSION 3.25)

# run(COMMAND…) leaves what was printed in `output`, and fails as the command does.
macro(run)
  execute_process(
    COMMAND ${ARGV}
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message("${output}")
    string(JOIN " " command ${ARGV})
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endmacro()

# refused(TEXT COMMAND…) demands that the command fails, and says this. (CMake breaks its lines where it likes.)
function(refused text)
  execute_process(
    COMMAND ${ARGN}
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output
    RESULT_VARIABLE result)
  string(REGEX REPLACE "[ \n]+" " " words "${output}")
  string(FIND "${words}" "${text}" place)
  list(JOIN ARGN " " command)
  if(result EQUAL 0 OR place EQUAL -1)
    message("${output}")
    message(FATAL_ERROR "should have been refused with \"${text}\": ${command}")
  endif()
  message("refused: ${text}")
endfunction()
